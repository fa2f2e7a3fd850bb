"""The gaming family among the families of messages."""

from datetime import date
from pathlib import Path

from lxml import etree

from codes.editions import CodeBook, Edition
from validators.blocks import Blocks
from validators.gaming.judging import Judging
from validators.gaming.messages import MESSAGES
from validators.gaming.parameters import read_parameters
from validators.gaming.vocabulary import Vocabulary
from validators.model import Circumstances
from validators.values import local, read_moment


class Gaming(Blocks):
    """What gambling organisers' complexes send."""

    def day_of(self, root: etree._Element, circumstances: Circumstances) -> date:
        """The day of sending; without one that of receipt in Asia/Almaty."""
        sent = read_moment(root.findtext("SignedData/TimeStamp"))
        return (sent or local(circumstances.received_at)).date()

    def rules(self, codes: Edition, parameters: Path, _book: CodeBook) -> Judging:
        """The rules with those tables and parameters."""
        return Judging(read_parameters(parameters), Vocabulary.of(codes))


FAMILY = Gaming(MESSAGES)
