from datetime import UTC, datetime, timedelta

import pytest

from gateway.intake.clock import BELIEVED_SECONDS, SteadyClock

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Hands:
    """A machine's two clocks, turned by hand."""

    def __init__(self) -> None:
        self.wall = NOON
        self.passed = 100.0

    def go_on(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.passed += seconds

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.passed)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_jumps_and_jumps_back_dates_no_receipt(jump: timedelta) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall += jump
    hands.go_on(5)
    assert clock() == NOON + timedelta(seconds=5)
    hands.wall -= jump
    hands.go_on(5)
    assert clock() == NOON + timedelta(seconds=10)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_that_lasts_is_believed(jump: timedelta) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall += jump
    hands.go_on(1)
    assert clock() == NOON + timedelta(seconds=1)
    hands.go_on(BELIEVED_SECONDS)
    assert clock() == hands.wall
    hands.go_on(1)
    assert clock() == hands.wall


def test_a_clock_that_is_kept_right_in_small_steps_is_followed() -> None:
    hands = Hands()
    clock = hands.clock()
    for _ in range(100):
        hands.go_on(10)
        hands.wall -= timedelta(seconds=1)
        assert clock() == hands.wall


def test_a_second_jump_begins_the_wait_anew() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall += HOUR
    clock()
    hands.go_on(BELIEVED_SECONDS - 1)
    hands.wall += HOUR
    assert clock() == NOON + timedelta(seconds=BELIEVED_SECONDS - 1)
    hands.go_on(2)
    assert clock() == NOON + timedelta(seconds=BELIEVED_SECONDS + 1)
