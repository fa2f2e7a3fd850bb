"""Times and days as items write them (RFC 3339, yyyy-mm-dd); the schema has seen to their form."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from validators.values import LEGAL_ZONE

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_moment(value: str) -> datetime | None:
    """The aware moment written as RFC 3339; None where the calendar has no such moment."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


@lru_cache(maxsize=4_096)
def read_day(value: str) -> date | None:
    """The day written as yyyy-mm-dd; None where the calendar has no such day."""
    if _DAY.fullmatch(value) is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def is_moment(value: str) -> bool:
    """Whether there is such a moment."""
    return read_moment(value) is not None


def is_day(value: str) -> bool:
    """Whether there is such a day."""
    return read_day(value) is not None


def local_day(moment: datetime) -> date:
    """The day of an aware moment by the clock of Asia/Almaty, from midnight to midnight."""
    return moment.astimezone(LEGAL_ZONE).date()


def in_utc(moment: datetime) -> str:
    """The moment in UTC with six decimals of a second, as receipts write it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=16_384)
def birthday(born: date, age: int) -> date:
    """The day on which somebody reaches an age; born on 29 February, the first of March where there is none."""
    year = born.year + age
    if year > date.max.year:
        return date.max
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
