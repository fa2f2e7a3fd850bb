"""Control totals: what a message says of its items by kind, against the items as they were sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validators.faults import Fault
from validators.numbers import read_whole
from validators.values import read_amount

if TYPE_CHECKING:  # lxml takes 5 MB, and whoever only reads records has no tree
    from lxml import etree

Sums = Mapping[str, tuple[int, int]]
"""Count and sum, in hundredths, by kind of item."""

_NOTHING = (0, 0)


class RunningSums:
    """The sums of items that come one after the other."""

    def __init__(self, amount: Callable[[Mapping[str, str]], str | None]) -> None:
        self._amount = amount
        self._weight = 0
        self._counts: dict[str, int] = {}
        self._amounts: dict[str, int] = {}

    @property
    def weight(self) -> int:
        """How many characters the names of the kinds have, and 64 for each."""
        return self._weight

    def take(self, given: Iterable[Mapping[str, str]]) -> None:
        """Adds further items."""
        counts, amounts = self._counts, self._amounts
        for item in given:
            kind = item.get("Kind")
            if kind is None:
                continue
            if kind not in counts:
                self._weight += 64 + len(kind)
            counts[kind] = counts.get(kind, 0) + 1
            written = self._amount(item)
            if written is not None:
                amounts[kind] = amounts.get(kind, 0) + hundredths(written)

    def sums(self) -> Sums:
        """What they make up to now."""
        return {kind: (count, self._amounts.get(kind, 0)) for kind, count in self._counts.items()}


@dataclass(frozen=True, slots=True)
class Totalling:
    """How a family totals its items: the amount of one as it is written, and the codes of its two findings."""

    amount: Callable[[Mapping[str, str]], str | None]
    wrong: str
    doubled: str

    def sums_of(self, given: Iterable[Mapping[str, str]]) -> Sums:
        """The sums of items as sent, refused ones too; an amount that cannot be read counts as nothing."""
        running = RunningSums(self.amount)
        running.take(given)
        return running.sums()

    def faults(self, holder: "etree._Element", sums: Sums) -> Iterator[Fault]:
        """Every kind whose total is missing, given twice or another one than the items make."""
        seen: set[str] = set()
        for total in holder.iterchildren("Total"):
            kind = total.get("Kind", "")
            if kind in seen:
                yield Fault(self.doubled, total, "/@Kind", kind)
                continue
            seen.add(kind)
            expected = sums.get(kind, _NOTHING)
            told = _told(total)
            if told is not None and told != expected:
                yield Fault(self.wrong, total, "", _shown(told), {"kind": kind, "expected": _shown(expected)})
        for kind in sorted(sums.keys() - seen):
            yield Fault(self.wrong, holder, "", None, {"kind": kind, "expected": _shown(sums[kind])})


def hundredths(written: str | None) -> int:
    """An amount in hundredths, exact; 0 for what is none."""
    amount = read_amount(written)
    return amount[0] * 100 + amount[1] if amount is not None else 0


def written(amount: int) -> str:
    """Hundredths as an amount is written, without a fraction where there is none."""
    whole, rest = divmod(amount, 100)
    return f"{whole}.{rest:02}" if rest else str(whole)


def _told(total: "etree._Element") -> tuple[int, int] | None:
    """What the total says; None where it is not written as the schema wants it."""
    count, amount = read_whole(total.get("Count", "")), read_amount(total.get("Amount"))
    if count is None or amount is None:
        return None
    return count, amount[0] * 100 + amount[1]


def _shown(sums: Sequence[int]) -> str:
    return f"{sums[0]} / {sums[1] // 100}.{sums[1] % 100:02d}"
