from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validators.calendar import (
    WorkingCalendar,
    end_of_hours_after_day,
    end_of_next_working_day,
    working_calendar,
)
from validators.values import read_moment

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def wall(written: str) -> datetime:
    moment = read_moment(written)
    assert moment is not None
    return moment


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 11, 19), date(2026, 11, 20)),
        (date(2026, 11, 20), date(2026, 11, 23)),
        (date(2026, 11, 21), date(2026, 11, 23)),
        (date(2026, 12, 15), date(2026, 12, 17)),
        (date(2026, 3, 20), date(2026, 3, 26)),
        (date(2026, 12, 31), date(2027, 1, 5)),
        (date(2025, 1, 4), date(2025, 1, 5)),
    ],
    ids=[
        "Friday follows Thursday",
        "Monday follows Friday",
        "Monday follows Saturday",
        "Independence Day is not worked",
        "Nauryz and the days moved by it are not worked",
        "New Year is not worked and its Saturday is moved to Monday",
        "a Sunday that was made a working day is worked",
    ],
)
def test_the_next_working_day_skips_weekends_and_holidays(day: date, following: date) -> None:
    assert working_calendar().next_working_day(day) == following


@given(day=DAYS)
def test_the_next_working_day_is_later_and_worked_and_nothing_between_is(day: date) -> None:
    calendar = working_calendar()
    following = calendar.next_working_day(day)
    assert following > day
    assert calendar.is_working_day(following)
    between = range(day.toordinal() + 1, following.toordinal())
    assert not any(calendar.is_working_day(date.fromordinal(number)) for number in between)


def test_a_moved_day_of_the_data_wins_over_the_library() -> None:
    moved = WorkingCalendar(
        working_calendar().public,
        days_off=frozenset({date(2026, 11, 23)}),
        working_days=frozenset({date(2026, 11, 21)}),
    )
    assert moved.next_working_day(date(2026, 11, 20)) == date(2026, 11, 21)
    assert moved.next_working_day(date(2026, 11, 21)) == date(2026, 11, 24)
    assert end_of_next_working_day(date(2026, 11, 20), moved) == wall("22.11.2026 00:00:00")


def test_no_day_is_moved_by_the_data_until_a_source_is_named() -> None:
    assert working_calendar().days_off == frozenset()
    assert working_calendar().working_days == frozenset()


def test_the_end_of_the_next_working_day_is_the_midnight_after_it() -> None:
    assert end_of_next_working_day(wall("20.11.2026 23:59:00")) == wall("24.11.2026 00:00:00")


def test_hours_count_from_the_end_of_the_day() -> None:
    assert end_of_hours_after_day(wall("20.11.2026 15:30:00"), 24) == wall("22.11.2026 00:00:00")
    assert end_of_hours_after_day(date(2026, 11, 20), 24) == wall("22.11.2026 00:00:00")


@pytest.mark.parametrize("day", [date.min, date.max, date(9999, 12, 1)])
def test_the_ends_of_the_calendar_are_no_trap(day: date) -> None:
    assert end_of_next_working_day(day) >= datetime.combine(day, time())
    assert end_of_hours_after_day(day, 24) >= datetime.combine(day, time())
