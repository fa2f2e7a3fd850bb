"""The ids of a batch's accepted events, packed so that one of them is found without reading the others."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from uuid import UUID

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Packed:
    """`runs` are the first and last sequence of each run of accepted events; `ids` has 16 bytes for each in order."""

    runs: tuple[int, ...]
    ids: bytes = field(repr=False)

    def among(self, wanted: Iterable[int]) -> dict[int, str]:
        """The ids, in capitals, of those of the sequences that are there."""
        return {
            sequence: str(UUID(bytes=self.ids[place * ID_BYTES : (place + 1) * ID_BYTES])).upper()
            for sequence, place in places(self.runs, wanted).items()
        }


class Packing:
    """Packs ids as they come, in ascending order of their sequences; of two of one sequence the last stays."""

    def __init__(self) -> None:
        self._runs: list[int] = []
        self._ids = bytearray()

    def add(self, sequence: int, identity: str) -> None:
        """Takes the id of an event, a UUID as text."""
        packed = bytes.fromhex(identity.replace("-", ""))
        if self._runs and sequence == self._runs[-1]:
            del self._ids[-ID_BYTES:]
        elif self._runs and sequence == self._runs[-1] + 1:
            self._runs[-1] = sequence
        else:
            self._runs += (sequence, sequence)
        self._ids += packed

    def packed(self) -> Packed:
        """All of them."""
        return Packed(tuple(self._runs), bytes(self._ids))


def places(bounds: Sequence[int], wanted: Iterable[int]) -> dict[int, int]:
    """At which place, counted from 0, the id of each wanted sequence stands; what is in no run is left out."""
    firsts, lasts = bounds[::2], bounds[1::2]
    before = [0, *accumulate(last - first + 1 for first, last in zip(firsts, lasts, strict=True))]
    found = {}
    for one in wanted:
        at = bisect_right(firsts, one) - 1
        if at >= 0 and one <= lasts[at]:
            found[one] = before[at] + one - firsts[at]
    return found
