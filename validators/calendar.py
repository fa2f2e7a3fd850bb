"""Kazakhstan's working days, and the deadlines that are counted in them."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files

from holidays import HolidayBase, country_holidays

from validators.values import later

_DAY = timedelta(days=1)
_CALENDAR_END = date.max - 60 * _DAY


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked: weekends and public holidays of the `holidays` library, moved days from data first."""

    public: HolidayBase
    days_off: frozenset[date] = frozenset()
    working_days: frozenset[date] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """True when the day is worked; a moved day from the data file wins over the library."""
        if day in self.working_days:
            return True
        return day not in self.days_off and bool(self.public.is_working_day(day))

    def next_working_day(self, day: date) -> date:
        """The first working day after the given day."""
        if day >= _CALENDAR_END:
            return date.max
        following = day + _DAY
        while not self.is_working_day(following):
            following += _DAY
        return following


@cache
def working_calendar() -> WorkingCalendar:
    """Kazakhstan's calendar with the moved days of `data/calendar.toml`."""
    moved = tomllib.loads(files("validators").joinpath("data/calendar.toml").read_text("utf-8"))
    return WorkingCalendar(
        public=country_holidays("KZ"),
        days_off=frozenset(entry["date"] for entry in moved["day_off"]),
        working_days=frozenset(entry["date"] for entry in moved["working_day"]),
    )


def end_of_next_working_day(moment: date, calendar: WorkingCalendar | None = None) -> datetime:
    """The first local moment after the working day that follows the given day (a moment counts by its day)."""
    day = moment.date() if isinstance(moment, datetime) else moment
    return _end_of(calendar.next_working_day(day)) if calendar is not None else _end_of_next_working_day(day)


@lru_cache(maxsize=4_096)
def _end_of_next_working_day(day: date) -> datetime:
    return _end_of(working_calendar().next_working_day(day))


def _end_of(day: date) -> datetime:
    return later(datetime.combine(day, time.min), _DAY)


def end_of_hours_after_day(moment: date, hours: int) -> datetime:
    """The local moment so many hours after the end of the given day, when the hour of the event is not known."""
    day = moment.date() if isinstance(moment, datetime) else moment
    return later(datetime.combine(day, time.min), _DAY + timedelta(hours=hours))
