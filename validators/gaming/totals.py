"""Control totals: what the batch says of its events by kind, against the events as they were sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lxml import etree

from validators.faults import Fault
from validators.gaming.numbers import read_whole
from validators.values import read_amount

Sums = Mapping[str, tuple[int, int]]
"""Count and sum, in hundredths, by kind of event."""

_NOTHING = (0, 0)


def sums_of(given: Iterable[Mapping[str, str]]) -> Sums:
    """The sums of events as sent, refused ones too; an amount that cannot be read counts as nothing."""
    counts: dict[str, int] = {}
    amounts: dict[str, int] = {}
    for event in given:
        kind = event.get("Kind")
        if kind is None:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        written = event.get("Amount")
        if written is not None:
            amounts[kind] = amounts.get(kind, 0) + hundredths(written)
    return {kind: (count, amounts.get(kind, 0)) for kind, count in counts.items()}


def hundredths(written: str) -> int:
    """An amount in hundredths, exact; 0 for what is none."""
    amount = read_amount(written)
    return amount[0] * 100 + amount[1] if amount is not None else 0


def total_faults(holder: etree._Element, sums: Sums) -> Iterator[Fault]:
    """Every kind whose total is missing, given twice or another one than the events make."""
    seen: set[str] = set()
    for total in holder.iterchildren("Total"):
        kind = total.get("Kind", "")
        if kind in seen:
            yield Fault("GAM-007", total, "/@Kind", kind)
            continue
        seen.add(kind)
        expected = sums.get(kind, _NOTHING)
        told = _told(total)
        if told is not None and told != expected:
            yield Fault("GAM-006", total, "", _shown(told), {"kind": kind, "expected": _shown(expected)})
    for kind in sorted(sums.keys() - seen):
        yield Fault("GAM-006", holder, "", None, {"kind": kind, "expected": _shown(sums[kind])})


def _told(total: etree._Element) -> tuple[int, int] | None:
    """What the total says; None where it is not written as the schema wants it."""
    count, amount = read_whole(total.get("Count", "")), read_amount(total.get("Amount"))
    if count is None or amount is None:
        return None
    return count, amount[0] * 100 + amount[1]


def _shown(sums: Sequence[int]) -> str:
    return f"{sums[0]} / {sums[1] // 100}.{sums[1] % 100:02d}"
