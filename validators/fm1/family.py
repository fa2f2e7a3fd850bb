"""FM-1 among the families of messages."""

from datetime import date
from pathlib import Path

from lxml import etree

from codes.editions import CodeBook, Edition
from validators.fm1.judging import Judging
from validators.fm1.parameters import read_parameters
from validators.fm1.rules import Rules, effective_day
from validators.luxury.items import FAMILY as LUXURY
from validators.luxury.items import LuxuryTables
from validators.model import Circumstances
from validators.schemas import message_type_of
from validators.sight import Sight


class Fm1:
    """FM-1 and the notices that answer it; what nobody knows is judged here, as unknown."""

    def message_type_of(self, sight: Sight) -> str:
        """`doc`, `Ack1`, `Ack2` or `unknown`."""
        return "doc" if sight.is_whole else message_type_of(sight.root)

    def day_of(self, root: etree._Element, circumstances: Circumstances) -> date:
        """The day of the operation; without one that of the form, of sending, or of receipt."""
        return effective_day(root, circumstances).day

    def rules(self, codes: Edition, parameters: Path, book: CodeBook) -> Judging:
        """The rules with those tables and parameters, and the newest tables of luxury goods."""
        luxury = LuxuryTables.of(book.of(LUXURY)[-1])
        return Judging(Rules.of(codes, read_parameters(parameters), luxury))


FAMILY = Fm1()
