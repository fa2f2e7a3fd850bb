"""Readings of single values of the gaming family."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.amounts import in_tiyn, written
from gateway.client.gaming import rfc3339
from tests.support.gaming import gaming_rules
from validators.attributes import snake
from validators.gaming.players import player_flaws
from validators.moments import birthday, in_utc, is_moment, local_day, read_day, read_moment
from validators.numbers import MOST, read_whole
from validators.schemas import schema_for
from validators.totals import Totalling, hundredths

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 - zones are drawn


@given(moment=MOMENTS)
def test_a_moment_is_read_as_the_builders_write_it(moment: datetime) -> None:
    read = read_moment(rfc3339(moment))
    assert read is not None
    assert abs(read - moment) < timedelta(milliseconds=1)
    assert in_utc(read) == read.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@given(text=st.text(max_size=40))
def test_readers_never_raise(text: str) -> None:
    assert is_moment(text) == (read_moment(text) is not None)
    read_day(text)
    assert (read_whole(text) is None) or 0 <= int(text) <= MOST
    assert hundredths(text) == in_tiyn(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-30T00:00:00.000Z", "0000-01-01T00:00:00.000Z", "2026-11-28T13:10:00.000", "2026-11-28", "now"],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert read_moment(text) is None


@given(day=st.dates())
def test_a_day_is_read_as_it_is_written(day: date) -> None:
    assert read_day(day.isoformat()) == day
    assert read_day(f"{day:%Y%m%d}") is None


def test_a_gaming_day_begins_at_midnight_in_almaty() -> None:
    assert local_day(datetime(2026, 11, 28, 18, 59, 59, tzinfo=UTC)) == date(2026, 11, 28)
    assert local_day(datetime(2026, 11, 28, 19, 0, tzinfo=UTC)) == date(2026, 11, 29)


@given(born=st.dates(), age=st.integers(0, 150))
def test_a_birthday_comes_in_the_right_year_and_never_too_early(born: date, age: int) -> None:
    day = birthday(born, age)
    assert day == date.max or day.year == born.year + age
    assert (day.month, day.day) in ((born.month, born.day), (3, 1)) or day == date.max


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("1", 1), (str(MOST), MOST), (str(MOST + 1), None), (str(2**63), None), ("-1", None), ("١", None)],
)
def test_whole_numbers_end_where_json_is_exact(text: str, number: int | None) -> None:
    assert read_whole(text) == number


@given(number=st.one_of(st.integers(0, 2**70), st.integers(MOST - 50, MOST + 50)))
def test_the_schemas_pattern_of_numbers_ends_at_the_same_place(number: int) -> None:
    types = schema_for("gaming", "2026-01-01", "GamingBatch").explainer().types
    whole, sequence = types["Whole"], types["SequenceNumber"]
    assert whole.is_valid(str(number)) == (number <= MOST)
    assert sequence.is_valid(str(number)) == (1 <= number <= MOST)


@given(amounts=st.lists(st.integers(0, 10**15)))
def test_sums_are_exact_and_count_what_cannot_be_read_as_nothing(amounts: list[int]) -> None:
    events = [{"Kind": "BUY-IN", "Amount": written(amount)} for amount in amounts]
    bad = [{"Kind": "BUY-IN", "Amount": "-5"}, {"Kind": "METERS"}, {"Amount": "7"}]
    sums = Totalling(lambda event: event.get("Amount"), "", "").sums_of([*events, *bad])
    assert sums["BUY-IN"] == (len(amounts) + 1, sum(amounts))
    assert sums["METERS"] == (1, 0)
    assert set(sums) == {"BUY-IN", "METERS"}


def test_names_in_the_content_are_lower_snake_case() -> None:
    assert [snake(name) for name in ("Id", "OriginalSequence", "CoinIn")] == ["id", "original_sequence", "coin_in"]


@given(
    told=st.dictionaries(
        st.sampled_from(["Player", "PlayerKind", "BirthDate", "Document", "Country"]),
        st.one_of(st.text(max_size=12), st.sampled_from(["IIN", "FOREIGN", "ANONYMOUS", "900101300017", "2010-01-01"])),
    ),
    moment=st.none() | MOMENTS,
)
def test_whatever_is_told_of_a_player_gets_an_answer(told: dict[str, str], moment: datetime | None) -> None:
    flaws = list(player_flaws({"Kind": "BUY-IN", **told}, moment, gaming_rules().parameters.minimum_age))
    assert all(flaw.flaw.code[:4] in ("GAM-", "IDN-") for flaw in flaws)
    if told.keys() & {"Player", "Document", "Country", "BirthDate"} and told.get("PlayerKind") not in (
        "IIN",
        "FOREIGN",
    ):
        assert {flaw.flaw.code for flaw in flaws} == {"GAM-037"}
