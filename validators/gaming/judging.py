"""The verdict on one message of the gaming family by one edition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lxml import etree

from validators.attributes import Given
from validators.blocks import Block
from validators.envelope import header_faults
from validators.faults import Fault
from validators.gaming.complexes import complex_id_of
from validators.gaming.events import Bounds, Events, judge_events
from validators.gaming.message_rules import message_faults
from validators.gaming.messages import BATCH
from validators.gaming.model import Complex
from validators.gaming.parameters import Parameters
from validators.gaming.vocabulary import Vocabulary
from validators.itemised import Holder, Manner
from validators.items import Carried, Tally, alone, given_of
from validators.model import Circumstances, Item, Judgement, Series
from validators.moments import in_utc, read_moment
from validators.numbers import MOST
from validators.profiles import Profile, Told
from validators.repeated import Repeated
from validators.totals import Totalling

EVENT: Final = "Event"
LISTS: Final = {"Totals": "Total", "Figures": "Figure", "Units": "Unit", "Software": "Hash"}
_APART: Final = frozenset({"Signature", "Events"})
_TOTALLING: Final = Totalling(lambda event: event.get("Amount"), "GAM-006", "GAM-007")


@dataclass(frozen=True, slots=True)
class Judging:
    """The rules of the family in one edition."""

    parameters: Parameters
    vocabulary: Vocabulary
    manner: Manner = field(init=False)
    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "holder", Holder(BATCH, "Events", EVENT, self.parameters.maximum_events_large))
        most = self.parameters.maximum_events
        object.__setattr__(self, "manner", Manner(EVENT, LISTS, _APART, most, "GAM-005", _TOTALLING, complex_id_of))

    def judge(self, profile: Profile, told: Told, circumstances: Circumstances) -> Judgement:
        """The verdict on a message, with every finding in document order, and the outcome of each event of a batch."""
        root = told.root
        block = Block.of(root, told.message_type)
        faults = list(self.faults(root, block, circumstances, 0))
        if told.message_type != BATCH or (events := block.child("Events")) is None:
            return self.manner.judge(profile, told, faults)

        def judge(carried: Carried, given: Sequence[Given]) -> tuple[tuple[Item, ...], Series]:
            items = judge_events(carried, given, self._bounds(block, circumstances))
            return items, self.series(root, block, Tally.of(items))

        return self.manner.judge_items(profile, told, events, faults, judge)

    def judge_event(
        self, profile: Profile, event: etree._Element, received_at: datetime, home: Complex | None = None
    ) -> Item:
        """The outcome of an `Event` element alone, as if it were the only one of its batch.

        Without the complex the rules that need its register are left out.
        """
        schema = profile.schemas[BATCH]
        bounds = Bounds(1, MOST, received_at, home, self.parameters, self.vocabulary)
        [item] = judge_events(alone(event, schema), [given_of(event)], bounds)
        return item

    def faults(self, root: etree._Element, block: Block, circumstances: Circumstances, _count: int) -> Iterator[Fault]:
        """What is wrong with a message, its events aside."""
        yield from header_faults(root, circumstances, self.parameters.future_hours, self.parameters.kinds)
        yield from message_faults(block, circumstances, self.parameters, self.vocabulary)

    def walk(
        self, _root: etree._Element, block: Block, circumstances: Circumstances, carried: Carried, repeated: Repeated
    ) -> Events:
        """A walk over the events of a batch, of which these come more than once."""
        return Events(carried, self._bounds(block, circumstances), repeated)

    def event(self, _block: Block) -> str:
        """The type of a batch's records is its own."""
        return ""

    def series(self, _root: etree._Element, block: Block, tally: Tally) -> Series:
        """The place of a batch among those of its complex."""
        return _series(block, tally)

    def _bounds(self, block: Block, circumstances: Circumstances) -> Bounds:
        home = circumstances.complex if circumstances.register_known else None
        first, last = int(block.text("FirstEventSequence")), int(block.text("LastEventSequence"))
        return Bounds(first, last, circumstances.received_at, home, self.parameters, self.vocabulary)


def _series(block: Block, tally: Tally) -> Series:
    made_at = read_moment(block.text("MadeAt"))
    facts = {
        "previous": block.text("PreviousBatchHash"),
        "first": int(block.text("FirstEventSequence")),
        "last": int(block.text("LastEventSequence")),
        "made_at": in_utc(made_at) if made_at is not None else "",
        "events": tally.given,
        "refused": tally.refused,
    }
    return Series(block.text("ComplexId"), int(block.text("BatchSequence")), MappingProxyType(facts))
