"""Which events of a batch do not fit into the order of its times: as few as possible are refused for it."""

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from validators.runs import in_order


class Timed(NamedTuple):
    """The time of an event at its position; `resets` says that the clock was changed there."""

    position: int
    moment: datetime
    resets: bool


def untimely(timed: Sequence[Timed], skew: timedelta) -> frozenset[int]:
    """The positions of the events that lie before or after their neighbours by more than the skew.

    Those stand that keep a longest order, of equally long ones the earlier. Time may go back where the clock was
    changed.
    """
    return frozenset(position for stretch in _stretches(timed) for position in _outliers(stretch, skew))


def _stretches(timed: Sequence[Timed]) -> Iterator[Sequence[Timed]]:
    start = 0
    for place, one in enumerate(timed):
        if one.resets and place > start:
            yield timed[start:place]
            start = place
    yield timed[start:]


def _outliers(stretch: Sequence[Timed], skew: timedelta) -> Iterator[int]:
    moments = [one.moment for one in stretch]
    kept = in_order(_ranks(moments, skew))
    ahead: list[datetime | None] = [None]
    for place, moment in enumerate(moments[:-1]):
        before = ahead[-1]
        ahead.append(moment if place in kept and (before is None or moment > before) else before)
    behind: datetime | None = None
    for place in range(len(moments) - 1, -1, -1):
        moment, before = moments[place], ahead[place]
        if place in kept:
            behind = moment if behind is None or moment < behind else behind
        elif (before is not None and before - moment > skew) or (behind is not None and moment - behind > skew):
            yield stretch[place].position


def _ranks(moments: Sequence[datetime], skew: timedelta) -> list[int]:
    """Numbers in the order of the moments, small steps back taken away.

    A moment that lies at most one skew before an earlier one counts as that one.
    """
    seen: list[datetime] = []
    raised = []
    for moment in moments:
        nearest = bisect_right(seen, moment + skew) - 1
        raised.append(max(moment, seen[nearest]) if nearest >= 0 else moment)
        insort(seen, moment)
    order = {moment: rank for rank, moment in enumerate(sorted(set(raised)))}
    return [order[moment] for moment in raised]
