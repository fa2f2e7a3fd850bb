from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validators.values import (
    is_usual_email,
    is_usual_phone,
    is_usual_postcode,
    later,
    local,
    read_amount,
    read_date,
    read_moment,
)


def wall(written: str) -> datetime:
    moment = read_moment(written)
    assert moment is not None
    return moment


@given(day=st.dates())
def test_a_date_is_read_as_it_was_written(day: date) -> None:
    assert read_date(f"{day.day:02d}.{day.month:02d}.{day.year:04d}") == day


@given(moment=st.datetimes())
def test_a_moment_is_read_as_it_was_written(moment: datetime) -> None:
    written = f"{moment.day:02d}.{moment.month:02d}.{moment.year:04d} {moment:%H:%M:%S}"
    assert read_moment(written) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "value", [None, "", "1.1.2026", "2026-11-20", "20.11.26", "٢٠.١١.٢٠٢٦", "20.11.2026\n", "00.00.0000"]
)
def test_what_is_no_date_is_not_read(value: str | None) -> None:
    assert read_date(value) is None


@pytest.mark.parametrize(
    "value", [None, "20.11.2026", "20.11.2026 24:00:00", "20.11.2026T10:00:00", "31.11.2026 10:00:00"]
)
def test_what_is_no_moment_is_not_read(value: str | None) -> None:
    assert read_moment(value) is None


@given(units=st.integers(0, 10**20 - 1), hundredths=st.integers(0, 99))
def test_an_amount_is_read_exactly(units: int, hundredths: int) -> None:
    assert read_amount(f"{units}.{hundredths:02d}") == (units, hundredths)
    assert read_amount(str(units)) == (units, 0)


def test_one_decimal_is_tens_of_hundredths() -> None:
    assert read_amount("12.5") == (12, 50)


@pytest.mark.parametrize(
    "value", [None, "", "-1", "+1", "01", "1.", ".5", "1.234", "1,5", "1 000", "9" * 21, "1e3", "١"]
)
def test_what_is_no_amount_is_not_read(value: str | None) -> None:
    assert read_amount(value) is None


@pytest.mark.parametrize(
    "value", ["727/3300000/12", "727/2501010/0", "+7 (727) 250-10-10", "87011234567", "727/3300000, 727/3300001"]
)
def test_usual_telephones(value: str) -> None:
    assert is_usual_phone(value)


@pytest.mark.parametrize("value", ["нет", "12", "727/3300000,", "call 3300000", "1" * 25])
def test_unusual_telephones(value: str) -> None:
    assert not is_usual_phone(value)


@pytest.mark.parametrize("value", ["aml@example.kz", "a.b+c@mail.example.kz", "бухгалтер@пример.қаз", "a@b.kz, c@d.kz"])
def test_usual_addresses_of_mail(value: str) -> None:
    assert is_usual_email(value)


@pytest.mark.parametrize("value", ["aml", "aml@", "@example.kz", "aml@example", "a b@example.kz", "a@@b.kz", "a@b..kz"])
def test_unusual_addresses_of_mail(value: str) -> None:
    assert not is_usual_email(value)


@pytest.mark.parametrize(
    ("value", "country", "usual"),
    [
        ("050010", "KZ", True),
        ("A15X7B5", "KZ", True),
        ("a15x7b5", "KZ", False),
        ("05001", "KZ", False),
        ("SW1A 1AA", "GB", True),
        ("SW1A 1AA", "KZ", False),
        ("SW1A 1AA", None, False),
        ("10115", "DE", True),
        ("???", "DE", False),
    ],
)
def test_postal_codes_by_country(value: str, country: str | None, usual: bool) -> None:  # noqa: FBT001 - a column
    assert is_usual_postcode(value, country) is usual


def test_legal_time_is_five_hours_ahead_for_the_whole_country_since_march_2024() -> None:
    assert local(datetime(2026, 11, 20, 19, 0, tzinfo=UTC)) == wall("21.11.2026 00:00:00")


def test_the_end_of_the_calendar_holds_a_span() -> None:
    assert later(wall("31.12.9999 00:00:00"), timedelta(days=2)) > wall("31.12.9999 23:59:59")
