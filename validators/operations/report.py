"""The block of a report: its number, its period, whether it is a nil report, and its place in the dealer's series."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from validators.blocks import Block
from validators.faults import Fault, Flaw
from validators.identifiers import has_kato_form, has_known_region
from validators.items import Tally
from validators.model import Series
from validators.moments import local_day, read_day
from validators.operations.parameters import Parameters

NIL = "True"


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a report is about; an end is None where it names no day."""

    first: date | None
    last: date | None

    @classmethod
    def of(cls, block: Block) -> "Period":
        """The period that the block names."""
        return cls(read_day(block.text("PeriodFrom")), read_day(block.text("PeriodTo")))

    def holds(self, day: date) -> bool:
        """Whether the day lies within; an end that is no day bounds nothing."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def report_faults(block: Block, received_at: datetime, parameters: Parameters, count: int) -> Iterator[Fault]:
    """What is wrong in the block of a report of so many operations, these and their totals aside."""
    if not block.children:
        return
    yield from _period_faults(block, local_day(received_at), parameters)
    premises = block.text("Premises")
    if has_kato_form(premises) and not has_known_region(premises):
        yield block.fault("Premises", Flaw("COD-008", {"region": premises[:2]}))
    holder = block.child("Operations")
    nil = block.text("Nil")
    if nil == NIL and count:
        yield block.fault("Nil", Flaw("OPS-008", {"count": str(count)}))
    elif nil == "False" and not count and holder is not None:
        yield block.fault("Nil", Flaw("OPS-009"))


def _period_faults(block: Block, today: date, parameters: Parameters) -> Iterator[Fault]:
    for tag in ("PeriodFrom", "PeriodTo"):
        if read_day(block.text(tag)) is None:
            yield block.fault(tag, Flaw("OPS-007", {"attribute": tag}))
    period = Period.of(block)
    if period.first is not None and period.first < parameters.earliest:
        yield block.fault("PeriodFrom", Flaw("OPS-010", {"earliest": str(parameters.earliest)}))
    if period.last is not None and period.last > today:
        yield block.fault("PeriodTo", Flaw("OPS-006", {"today": str(today)}))
    if period.first is None or period.last is None:
        return
    if period.first > period.last:
        yield block.fault("PeriodFrom", Flaw("OPS-004", {"last": str(period.last)}))
    elif period.last - period.first >= timedelta(days=parameters.maximum_days):
        yield block.fault("PeriodTo", Flaw("OPS-005", {"days": str(parameters.maximum_days)}))


def series_of(prefix: str, dealer: str, dealer_kind: str, block: Block, tally: Tally) -> Series:
    """The report's place among those of the dealer; `first` and `last` are the operations' lowest and highest number.

    Both are 0 where no operation has a number.
    """
    facts: dict[str, Any] = {
        "entity_kind": dealer_kind,
        "from": block.text("PeriodFrom"),
        "to": block.text("PeriodTo"),
        "premises": block.text("Premises"),
        "nil": block.text("Nil") == NIL,
        "first": tally.first,
        "last": tally.last,
        "operations": tally.given,
        "refused": tally.refused,
    }
    return Series(f"{prefix}/{dealer}", int(block.text("ReportSequence")), MappingProxyType(facts))
