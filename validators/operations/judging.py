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
from validators.itemised import Manner
from validators.items import Carried, accepted_item, item_findings, judge_each, refused_item, refuses
from validators.model import Circumstances, Item, Judgement, Series
from validators.moments import read_day
from validators.operations.kinds import CORRECTIONS, OperationKinds
from validators.operations.money import money_flaws, price_in_tenge
from validators.operations.parameters import Parameters
from validators.operations.parties import Side
from validators.operations.report import NIL, Period, report_faults, series_of
from validators.profiles import Profile, Told
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
    manner: Manner = field(init=False)

    def __post_init__(self) -> None:
        most = self.parameters.maximum_operations
        manner = Manner(OPERATION, _LISTS, _APART, most, _TOO_MANY, _TOTALLING, lambda _root: None)
        object.__setattr__(self, "manner", manner)

    def judge(self, profile: Profile, told: Told, circumstances: Circumstances) -> Judgement:
        """The verdict on a report, with every finding in document order, and the outcome of each operation."""
        root = told.root
        block = Block.of(root, told.message_type)
        faults = list(self._faults(root, block, circumstances))
        dealer, dealer_kind = (root.findtext(f"SignedData/Data/Root/PersonalData/{tag}", "") for tag in _WHO)
        operations = block.child("Operations")
        if operations is None:
            return self.manner.judge(profile, told, faults)

        def judge(carried: Carried, given: Sequence[Given]) -> tuple[tuple[Item, ...], Series]:
            run = _Run(carried, self.grammar, Period.of(block), dealer_kind)
            items = judge_each(carried, given, run.judge)
            return items, series_of(self.grammar.series, dealer, dealer_kind, block, items)

        event = "nil" if block.text("Nil") == NIL else ""
        return self.manner.judge_items(profile, told, operations, faults, judge, event=event)

    def _faults(self, root: etree._Element, block: Block, circumstances: Circumstances) -> Iterator[Fault]:
        yield from header_faults(root, circumstances, self.parameters.future_hours, self.parameters.kinds)
        yield from report_faults(block, circumstances.received_at, self.parameters)


_WHO: Final = ("IINBIN", "OrganisationCode")


class _Run:
    """The walk over the operations of a report, and what the operations so far mean for the next one."""

    def __init__(self, carried: Carried, grammar: Grammar, period: Period, dealer_kind: str) -> None:
        self._carried = carried
        self._grammar = grammar
        self._period = period
        self._dealer_kind = dealer_kind
        self._numbers: set[int] = set()
        self._ids: set[str] = set()

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
