"""What a sender's requests come to."""

from dataclasses import replace
from typing import Any

import pytest

from chaos.figures import figures, rate_of, standstill, strange
from chaos.flood import NEVER_SENT, NO_ANSWER, Shot, Spec, suspicious_numbers
from chaos.overload import CALM, FLOOD, NEIGHBOUR, Asked, Overload, shortcomings

TAKEN = Shot(0, 10.0, 10.0, 10.25, 201, 0, 1)
LATER = Shot(1, 11.0, 11.0, 11.01, 503, 2, 1)
SPEC = Spec("a", "127.0.0.2", 1, "1", "093", "k", "c", "d", "7/a", 1_000, 8, 0.2)


def test_shares_are_of_what_was_offered_and_latencies_of_what_was_accepted() -> None:
    again = Shot(1, 11.0, 13.0, 13.05, 201, 0, 2)

    never = Shot(3, 12.5, 0.0, 0.0, NEVER_SENT, 0, 1)
    seen = figures("a", [TAKEN, LATER, Shot(2, 12.0, 12.0, 12.01, 503, 5, 1), again, never], {1})

    assert (seen.offered, seen.accepted, seen.suspicious, seen.threshold) == (3, 0.6667, 1.0, 0.5)
    assert (seen.p50, seen.p99, seen.longest) == (250.0, 250.0, 2.05)
    assert (seen.attempts, seen.retry_after, seen.answers) == (2, (2, 5), {201: 2, 503: 2, NEVER_SENT: 1})


def test_of_a_kind_of_which_nothing_was_offered_there_is_no_share() -> None:
    assert figures("a", [TAKEN], set()).suspicious is None
    assert figures("a", [TAKEN], set()).threshold == 1.0


def test_a_rate_counts_what_was_accepted_alone() -> None:
    assert rate_of([TAKEN, LATER, TAKEN._replace(done=12.25)]) == pytest.approx(1.0)
    assert rate_of([LATER]) == 0.0
    assert standstill([TAKEN, TAKEN._replace(done=12.25), LATER, TAKEN._replace(done=10.5)]) == pytest.approx(1.75)


def test_an_answer_that_nobody_should_get_is_named() -> None:
    shots = [TAKEN, LATER, TAKEN._replace(status=NEVER_SENT)]
    assert strange("a", shots, 60) == []
    assert strange("a", [TAKEN._replace(status=NO_ANSWER)], 60) == ["a: no answer, 1 times"]
    assert strange("a", [TAKEN._replace(status=500)], 60) == ["a: 500, 1 times"]
    for seconds in (0, 61):
        assert strange("a", [LATER._replace(retry_after=seconds)], 60) == [
            "a: Retry-After missing or out of bounds, 1 times"
        ]


def test_the_same_seed_makes_the_same_messages_suspicious() -> None:
    assert suspicious_numbers(SPEC) == suspicious_numbers(SPEC) != suspicious_numbers(replace(SPEC, seed="8/a"))
    assert 150 < len(suspicious_numbers(SPEC)) < 250


def an_overload() -> Overload:
    seen = [figures(name, [TAKEN], set()) for name in (FLOOD, NEIGHBOUR, *CALM)]
    return Overload(2.0, 1, 60.0, 100.0, 95.0, seen, seen, 0.5, 1.0, 2.0, {"intake": (90, 100, 450)}, 1, 1)


def test_an_overload_that_is_as_it_is_asked_has_no_shortcomings() -> None:
    assert list(shortcomings(an_overload(), Asked.read())) == []


@pytest.mark.parametrize(
    ("number", "changed", "said"),
    [
        (2, {"accepted": 0.5}, "calm-1: 50.0% accepted beside the flood"),
        (2, {"answers": {NEVER_SENT: 3}}, "calm-1: 3 never sent, all its connections were waiting"),
        (2, {"p99": 9_000.0}, "calm-1: p99 9000 ms beside the flood"),
        (0, {"p99": 16_000.0}, "flood: p99 16000 ms beside the flood"),
        (1, {"accepted": 0.9}, "neighbour: 90.0% accepted beside the flood"),
        (0, {"suspicious": 0.1, "threshold": 0.2}, "flood: 10.0% of the suspicious accepted, 20.0% of others"),
    ],
)
def test_what_a_sender_should_not_see_is_a_shortcoming(number: int, changed: dict[str, Any], said: str) -> None:
    result = an_overload()
    during = list(result.during)
    during[number] = replace(during[number], **changed)
    assert list(shortcomings(replace(result, during=during), Asked.read())) == [said]


def test_memory_and_a_slow_recovery_are_shortcomings() -> None:
    result = replace(an_overload(), recovered_after=None, capacity_after=10.0, memory={"intake": (90, 500, 450)})
    assert len(list(shortcomings(result, Asked.read()))) == 3
