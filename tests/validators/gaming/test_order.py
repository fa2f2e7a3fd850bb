"""Which events fall out of the order of their times."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from validators.gaming.order import Timed, untimely

START = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
SKEW = timedelta(seconds=300)


def out_of(seconds: list[int], resets: frozenset[int] = frozenset()) -> set[int]:
    timed = [Timed(place, START + timedelta(seconds=one), place in resets) for place, one in enumerate(seconds)]
    return set(untimely(timed, SKEW))


def test_one_that_runs_ahead_or_falls_back_costs_itself_alone() -> None:
    assert out_of([0, 1, 3600, 2, 3, 4]) == {2}
    assert out_of([0, 1, -3600, 2, 3, 4]) == {2}
    assert out_of([0, 1, 2, 3, -3600]) == {4}


def test_small_steps_back_do_not_weaken_the_order() -> None:
    assert out_of([0, -86_400, 0, -1, -1]) == {1}
    assert out_of([0, 299, 1, 298, 2, 5000, 297, 3, 296]) == {5}


def test_of_equally_many_the_earlier_stand() -> None:
    assert out_of([3600, 0]) == {1}
    assert out_of([0, 3600, 1]) == {2}


def test_a_clock_that_was_changed_begins_a_new_order() -> None:
    assert out_of([3600, 3601, 0, 1], frozenset({2})) == set()
    assert out_of([3600, 3601, 0, 1, -900], frozenset({2})) == {4}
    assert out_of([], frozenset()) == set()


@given(
    steps=st.lists(st.integers(0, 100), min_size=5, max_size=40),
    jitter=st.lists(st.integers(-60, 60), min_size=40, max_size=40),
    place=st.integers(1, 38),
    jump=st.sampled_from([-86_400, -4_000, 4_500, 86_400]),
)
def test_whatever_one_stamp_says_the_others_stand(steps: list[int], jitter: list[int], place: int, jump: int) -> None:
    clean = [sum(steps[: nth + 1]) + shake for nth, shake in zip(range(len(steps)), jitter, strict=False)]
    assert out_of(clean) == set()
    nth = min(place, len(clean) - 3)
    wrong = [*clean[:nth], clean[nth] + jump, *clean[nth + 1 :]]
    assert out_of(wrong) <= {nth}


@given(seconds=st.lists(st.integers(-100_000, 100_000), max_size=60))
def test_what_stands_never_goes_back_by_more_than_twice_the_skew(seconds: list[int]) -> None:
    gone = out_of(seconds)
    kept = [one for place, one in enumerate(seconds) if place not in gone]
    latest = -(10**9)
    for one in kept:
        assert one >= latest - 2 * SKEW.total_seconds()
        latest = max(latest, one)
    assert len(kept) >= min(1, len(seconds))
