"""Which events of a batch do not fit into the order of its times: as few as possible are refused for it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from validators.runs import in_order

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    return frozenset(
        position for stretch in _stretches(timed) for position in _outliers(stretch, max(skew, timedelta(seconds=1)))
    )


def _stretches(timed: Sequence[Timed]) -> Iterator[Sequence[Timed]]:
    start = 0
    for place, one in enumerate(timed):
        if one.resets and place > start:
            yield timed[start:place]
            start = place
    yield timed[start:]


def _outliers(stretch: Sequence[Timed], skew: timedelta) -> Iterator[int]:
    """Times within one skew of each other count as equal, so that small steps back cost nothing."""
    kept = in_order([(one.moment - _EPOCH) // skew for one in stretch])
    behind: list[datetime | None] = []
    following: datetime | None = None
    for place in range(len(stretch) - 1, -1, -1):
        behind.append(following)
        if place in kept:
            following = stretch[place].moment
    ahead: datetime | None = None
    for place, (one, later) in enumerate(zip(stretch, reversed(behind), strict=True)):
        if place in kept:
            ahead = one.moment
        elif (ahead is not None and ahead - one.moment > skew) or (later is not None and one.moment - later > skew):
            yield one.position
