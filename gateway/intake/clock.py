"""The intake's clock: the time of day, of which a jump is not believed at once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

FOLLOWED = timedelta(seconds=2)
BELIEVED_SECONDS = 600.0

log = structlog.get_logger("intake")


def wall_clock() -> datetime:
    """What the machine's clock says, in UTC."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds since the machine was started, its sleep counted where the system tells."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class _Jump:
    by: timedelta
    since: float


class SteadyClock:
    """Tells the time of day as the machine's clock does, but goes on evenly where that one jumps.

    A receipt says when a message came, and deadlines are counted from it: a clock that somebody sets wrong for a
    minute must not date receipts. What differs by no more than 2 seconds is followed. A jump is logged, and believed
    once it has lasted for 10 minutes, or with the next start. `wall` tells the time of day, `passed` seconds that only
    go up.
    """

    def __init__(self, wall: Callable[[], datetime] = wall_clock, passed: Callable[[], float] = elapsed) -> None:
        self._wall = wall
        self._passed = passed
        self._start = wall()
        self._started_at = passed()
        self._jump: _Jump | None = None

    def __call__(self) -> datetime:
        """This moment."""
        wall, passed = self._wall(), self._passed()
        expected = self._start + timedelta(seconds=passed - self._started_at)
        difference = wall - expected
        if abs(difference) > FOLLOWED and not self._lasted(difference, passed):
            return expected
        self._jump, self._start, self._started_at = None, wall, passed
        return wall

    def _lasted(self, difference: timedelta, passed: float) -> bool:
        """Notes a jump; True when it has been the same for long enough."""
        if self._jump is None or abs(difference - self._jump.by) > FOLLOWED:
            self._jump = _Jump(difference, passed)
            log.error("clock.jumped", seconds=round(difference.total_seconds()), believed_after=BELIEVED_SECONDS)
        return passed - self._jump.since >= BELIEVED_SECONDS
