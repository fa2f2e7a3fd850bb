"""The longest part of a row of numbers that never goes back."""

from bisect import bisect_right
from collections.abc import Sequence


def in_order(numbers: Sequence[int]) -> frozenset[int]:
    """Positions of a longest run that never goes back: all other numbers are the misplaced ones.

    Of runs of equal length the one that keeps earlier numbers is taken, so the run is sought from the end.
    """
    ends: list[int] = []
    heads: list[int] = []
    before: list[int] = []
    last = len(numbers) - 1
    for position, number in enumerate(reversed(numbers)):
        length = bisect_right(ends, -number)
        before.append(heads[length - 1] if length else -1)
        if length == len(ends):
            ends.append(-number)
            heads.append(position)
        else:
            ends[length] = -number
            heads[length] = position
    kept: set[int] = set()
    position = heads[-1] if heads else -1
    while position >= 0:
        kept.add(last - position)
        position = before[position]
    return frozenset(kept)
