"""Families of reports of operations among the families of messages."""

from datetime import date

from lxml import etree

from validators.blocks import Block, Blocks
from validators.model import Circumstances
from validators.moments import local_day
from validators.operations.report import Period


class Reports(Blocks):
    """A family of one message, the report."""

    def __init__(self, message_type: str) -> None:
        super().__init__([message_type])
        self.message_type = message_type

    def day_of(self, root: etree._Element, circumstances: Circumstances) -> date:
        """The last day of the period; without one that of receipt in Asia/Almaty."""
        last = Period.of(Block.of(root, self.message_type)).last
        return last or local_day(circumstances.received_at)
