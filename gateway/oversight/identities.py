"""The ids of a batch's accepted events, packed so that one of them is found without reading the others."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from gateway.oversight.intervals import runs

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Packed:
    """`runs` are the first and last sequence of each run of accepted events; `ids` has 16 bytes for each in order."""

    runs: tuple[int, ...]
    ids: bytes = field(repr=False)


def pack(identities: Mapping[int, str]) -> Packed:
    """Packs the ids by sequence."""
    order = sorted(identities)
    flat = tuple(bound for run in runs(order) for bound in run)
    return Packed(flat, bytes.fromhex("".join(identities[one] for one in order).replace("-", "")))


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
