"""Readings of single values as the annex writes them: dates, moments, amounts, and the usual forms of contacts."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LEGAL_ZONE = ZoneInfo("Asia/Almaty")
"""The zone of all legal times (UTC+5 for the whole country since 01.03.2024)."""

_DATE = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})", re.ASCII)
_MOMENT = re.compile(r"(\d{2})\.(\d{2})\.(\d{4}) (\d{2}):(\d{2}):(\d{2})", re.ASCII)
_AMOUNT = re.compile(r"(0|[1-9]\d{0,19})(?:\.(\d{1,2}))?", re.ASCII)
_DATE_LENGTH = len("dd.mm.yyyy")
_MOMENT_LENGTH = len("dd.mm.yyyy hh24:mm:ss") - len("24")
_PLAIN_PHONE = re.compile(r"\+?(?:\d[ /-]?){5,20}", re.ASCII)
_PHONE = re.compile(r"\s*\+?[\d\s()/.\-]{5,40}", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;.]+(?:\.[^@\s,;.]+)+")
_LOCAL_POSTCODE = re.compile(r"\d{6}|[A-Z]\d{2}[A-Z]\d[A-Z]\d", re.ASCII)
_FOREIGN_POSTCODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 \-]{1,10}[A-Za-z0-9])?", re.ASCII)
_PHONE_DIGITS = range(5, 21)


def is_number(value: str) -> bool:
    """True for one or more of the digits 0 to 9 and nothing else."""
    return value.isascii() and value.isdigit()


def has_date_form(value: str) -> bool:
    """True when the value looks like `dd.mm.yyyy`, whether or not that day exists."""
    return _DATE.fullmatch(value) is not None


def has_moment_form(value: str) -> bool:
    """True when the value looks like `dd.mm.yyyy hh24:mm:ss`, whether or not that moment exists."""
    return _MOMENT.fullmatch(value) is not None


def read_date(value: str | None) -> date | None:
    """The day written as `dd.mm.yyyy`, or None when the form is another or the calendar has no such day."""
    return _date(value) if value is not None and len(value) == _DATE_LENGTH else None


@lru_cache(maxsize=4_096)
def _date(value: str) -> date | None:
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    day, month, year = map(int, match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_moment(value: str | None) -> datetime | None:
    """The local moment written as `dd.mm.yyyy hh24:mm:ss`, without a zone; None when there is no such moment."""
    return _moment(value) if value is not None and len(value) == _MOMENT_LENGTH else None


@lru_cache(maxsize=256)
def _moment(value: str) -> datetime | None:
    match = _MOMENT.fullmatch(value)
    if match is None:
        return None
    day, month, year, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a wall clock carries no zone here
    except ValueError:
        return None


def local(moment: datetime) -> datetime:
    """An aware moment as the wall clock of Asia/Almaty shows it, without a zone."""
    return moment.astimezone(LEGAL_ZONE).replace(tzinfo=None)


def later(moment: datetime, span: timedelta) -> datetime:
    """The moment after a span, held at the end of the calendar instead of running over it."""
    try:
        return moment + span
    except OverflowError:
        return datetime.max  # noqa: DTZ901 - local wall-clock moments carry no zone here


def read_amount(value: str | None) -> tuple[int, int] | None:
    """An amount as whole units and hundredths, exact; None when it is not written as the annex wants it."""
    match = _AMOUNT.fullmatch(value) if value is not None else None
    if match is None:
        return None
    return int(match[1]), int((match[2] or "").ljust(2, "0"))


def is_usual_phone(value: str) -> bool:
    """True when every number of a comma-separated list could be dialled (5 to 20 digits each)."""
    return _PLAIN_PHONE.fullmatch(value) is not None or all(
        _PHONE.fullmatch(number) is not None and sum(map(str.isdigit, number)) in _PHONE_DIGITS
        for number in re.split(r"[,;]", value)
    )


def is_usual_email(value: str) -> bool:
    """True when every address of a comma-separated list looks like `name@domain.zone`."""
    return _EMAIL.fullmatch(value) is not None or all(
        _EMAIL.fullmatch(address.strip()) is not None for address in re.split(r"[,;]", value)
    )


def is_usual_postcode(value: str, country: str | None) -> bool:
    """True for six digits or the form `A15X7B5`; for another country any 2 to 12 letters and digits."""
    if _LOCAL_POSTCODE.fullmatch(value) is not None:
        return True
    return country not in (None, "KZ") and _FOREIGN_POSTCODE.fullmatch(value) is not None
