"""The verdict on a report of operations: the block, then the operations one by one in their order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

from lxml import etree

from validators.attributes import Given, ItemFlaw, Reader, read_item
from validators.blocks import Block
from validators.envelope import header_faults
from validators.faults import Fault, Flaw
from validators.itemised import Holder, Manner
from validators.items import Carried, Seen, Tally, accepted_item, item_findings, judge_each, refused_item, refuses
from validators.model import Circumstances, Item, Judgement, Series
from validators.moments import read_day
from validators.operations.kinds import CORRECTIONS, OperationKinds
from validators.operations.money import money_flaws, price_in_tenge
from validators.operations.parameters import Parameters
from validators.operations.parties import Side
from validators.operations.report import NIL, Period, report_faults, series_of
from validators.profiles import Profile, Told
from validators.repeated import NOT_COUNTED, Repeated
from validators.totals import Totalling

OPERATION: Final = "Operation"
WHOLE: Final = frozenset({"Sequence", "OriginalSequence", "Count"})
DATE_FLAW: Final = Flaw("OPS-022")
_LISTS: Final = {"Totals": "Total"}
_APART: Final = frozenset({"Signature", "Operations"})
_TOTALLING: Final = Totalling(price_in_tenge, "OPS-002", "OPS-003")
_TOO_MANY: Final = "OPS-001"


class Particular(Protocol):
    """What a family says of its operations beyond what all say."""

    def flaws(self, given: Given, kind: str, day: date | None, dealer_kind: str) -> Iterator[ItemFlaw]:
        """What is wrong with an operation of that described kind on that day, by a dealer of that kind of entity."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Grammar:
    """How a family's operations are read: kinds, readers by attribute, parties, and its own rules.

    `series` begins the name of a dealer's series; `key_of` tells the key of an operation's record, None for the
    dealer.
    """

    series: str
    kinds: OperationKinds
    readers: Mapping[str, Reader]
    sides: tuple[Side, ...]
    particular: Particular
    key_of: Callable[[Given], str | None] = field(default=lambda _given: None)


@dataclass(frozen=True, slots=True, eq=False)
class Judging:
    """The rules of a family of reports in one edition."""

    parameters: Parameters
    grammar: Grammar
    message_type: str
    manner: Manner = field(init=False)
    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        most = self.parameters.maximum_operations
        manner = Manner(OPERATION, _LISTS, _APART, most, _TOO_MANY, _TOTALLING, lambda _root: None)
        object.__setattr__(self, "manner", manner)
        most_large = self.parameters.maximum_operations_large
        object.__setattr__(self, "holder", Holder(self.message_type, "Operations", OPERATION, most_large))

    def judge(self, profile: Profile, told: Told, circumstances: Circumstances) -> Judgement:
        """The verdict on a report, with every finding in document order, and the outcome of each operation."""
        root = told.root
        block = Block.of(root, told.message_type)
        operations = block.child("Operations")
        count = sum(1 for _ in operations.iterchildren(OPERATION)) if operations is not None else 0
        faults = list(self.faults(root, block, circumstances, count))
        if operations is None:
            return self.manner.judge(profile, told, faults)

        def judge(carried: Carried, given: Sequence[Given]) -> tuple[tuple[Item, ...], Series]:
            items = judge_each(carried, given, self.walk(root, block, circumstances, carried, NOT_COUNTED).judge)
            return items, self.series(root, block, Tally.of(items))

        return self.manner.judge_items(profile, told, operations, faults, judge, event=self.event(block))

    def faults(self, root: etree._Element, block: Block, circumstances: Circumstances, count: int) -> Iterator[Fault]:
        """What is wrong with a report of so many operations, these aside."""
        yield from header_faults(root, circumstances, self.parameters.future_hours, self.parameters.kinds)
        yield from report_faults(block, circumstances.received_at, self.parameters, count)

    def walk(
        self, root: etree._Element, block: Block, _circumstances: Circumstances, carried: Carried, repeated: Repeated
    ) -> "Operations":
        """A walk over the operations of a report, of which these come more than once."""
        _, dealer_kind = _dealer(root)
        return Operations(carried, self.grammar, Period.of(block), dealer_kind, repeated)

    def event(self, block: Block) -> str:
        """The type of its records among the event types, where that is not a report's own."""
        return "nil" if block.text("Nil") == NIL else ""

    def series(self, root: etree._Element, block: Block, tally: Tally) -> Series:
        """The place of a report among those of its dealer."""
        return series_of(self.grammar.series, *_dealer(root), block, tally)


def _dealer(root: etree._Element) -> tuple[str, str]:
    """Who reports, and as what kind of entity."""
    who = "SignedData/Data/Root/PersonalData"
    return root.findtext(f"{who}/IINBIN", ""), root.findtext(f"{who}/OrganisationCode", "")


class Operations:
    """The walk over the operations of a report, and what the operations so far mean for the next one."""

    settled: Final = True

    def __init__(
        self, carried: Carried, grammar: Grammar, period: Period, dealer_kind: str, repeated: Repeated
    ) -> None:
        self._carried = carried
        self._grammar = grammar
        self._period = period
        self._dealer_kind = dealer_kind
        self._repeated = repeated
        self._numbers = Seen(repeated.number)
        self._ids = Seen(repeated.id)

    def anew(self) -> "Operations":
        """The same walk from the first operation on."""
        return Operations(self._carried, self._grammar, self._period, self._dealer_kind, self._repeated)

    def judge(self, position: int, given: Given) -> Item:
        """The outcome of one operation that the schema accepts."""
        content, told = read_item(given, self._grammar.readers)
        number, identity = content["sequence"], given["Id"]
        told.extend(self._flaws(given, number))
        findings = item_findings(self._carried, position, given, told) if told else ()
        if findings and refuses(findings):
            return refused_item(self._carried.elements[position], number, identity, findings)
        self._numbers.add(number)
        self._ids.add(identity)
        return accepted_item(number, identity, content, findings, self._grammar.key_of(given))

    def _flaws(self, given: Given, number: int) -> Iterator[ItemFlaw]:
        grammar = self._grammar
        yield from grammar.kinds.flaws(given)
        day = read_day(given["Date"])
        if day is not None and not self._period.holds(day):
            yield "Date", Flaw("OPS-023", {"first": str(self._period.first), "last": str(self._period.last)})
        if number in self._numbers:
            yield "Sequence", Flaw("OPS-025")
        if given["Id"] in self._ids:
            yield "Id", Flaw("OPS-026")
        if given["Kind"] in CORRECTIONS and int(given.get("OriginalSequence", "0")) >= number:
            yield "OriginalSequence", Flaw("OPS-024", {"sequence": str(number)})
        yield from money_flaws(given)
        for side in grammar.sides:
            yield from side.flaws(given)
        yield from grammar.particular.flaws(given, grammar.kinds.described(given), day, self._dealer_kind)
