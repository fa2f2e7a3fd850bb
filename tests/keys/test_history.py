"""What may be decided of the gateway's keys, and what a key is at a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.keyhistory import Decision, KeyChangeRefused, KeyHistory, KeyState

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> Decision:
    return Decision("officer", NOON + hours * HOUR, "test")


def begun() -> KeyHistory:
    return KeyHistory(tuple(KeyHistory().begin("one", "PEM 1", at(0))))


def rotated(overlap: timedelta = HOUR) -> KeyHistory:
    history = begun()
    history = KeyHistory((*history.events, *history.announce("two", "PEM 2", at(1), overlap)))
    return KeyHistory((*history.events, *history.activate("two", at(1))))


def test_the_first_key_seals_at_once_and_a_second_start_adds_nothing() -> None:
    assert begun().current(NOON) == "one"
    assert begun().begin("other", "PEM", at(1)) == ()


def test_a_next_key_seals_no_sooner_than_its_overlap_has_passed_however_early_it_is_activated() -> None:
    history = rotated()
    assert history.current(NOON + 1.99 * HOUR) == "one"
    assert history.state("two", NOON + 1.99 * HOUR) is KeyState.NEXT
    assert history.current(NOON + 2 * HOUR) == "two"
    assert history.state("one", NOON + 2 * HOUR) is KeyState.RETIRED
    assert history.state("two", NOON + 2 * HOUR) is KeyState.CURRENT


@pytest.mark.parametrize(("kid", "why"), [("one", "not a next key"), ("three", "no key three")])
def test_only_a_next_key_is_activated(kid: str, why: str) -> None:
    with pytest.raises(KeyChangeRefused, match=why):
        begun().activate(kid, at(1))


def test_a_key_is_activated_once() -> None:
    with pytest.raises(KeyChangeRefused, match="not a next key"):
        rotated().activate("two", at(1.5))


def test_the_current_key_is_retired_by_its_successor_alone() -> None:
    with pytest.raises(KeyChangeRefused, match="seals now"):
        begun().retire("one", at(1))


def test_a_known_key_is_not_announced_again() -> None:
    with pytest.raises(KeyChangeRefused, match="known already"):
        begun().announce("one", "PEM 1", at(1))


def test_a_current_key_that_got_out_hands_over_at_once_without_waiting_for_the_overlap() -> None:
    history = begun()
    history = KeyHistory((*history.events, *history.announce("two", "PEM 2", at(1), 24 * HOUR)))
    history = KeyHistory((*history.events, *history.compromise("one", NOON + HOUR / 2, at(2))))
    assert history.current(NOON + 2 * HOUR) == "two"
    assert history.state("one", NOON) is KeyState.COMPROMISED
    assert history.compromised_at("one") == NOON + HOUR / 2


def test_a_current_key_without_a_successor_is_not_declared_compromised_before_there_is_one() -> None:
    with pytest.raises(KeyChangeRefused, match="no next key"):
        begun().compromise("one", NOON, at(1))


def test_a_compromise_lies_in_the_past() -> None:
    with pytest.raises(KeyChangeRefused, match="future"):
        rotated().compromise("one", NOON + 9 * HOUR, at(3))


def test_a_retired_key_that_got_out_is_compromised_and_nothing_else_changes() -> None:
    history = rotated()
    history = KeyHistory((*history.events, *history.compromise("one", NOON, at(3))))
    assert history.current(NOON + 3 * HOUR) == "two"
    assert history.state("one", NOON + 3 * HOUR) is KeyState.COMPROMISED


def test_a_withdrawn_key_never_seals() -> None:
    history = begun()
    history = KeyHistory((*history.events, *history.announce("two", "PEM 2", at(1))))
    history = KeyHistory((*history.events, *history.retire("two", at(2))))
    assert history.state("two", NOON + 2 * HOUR) is KeyState.RETIRED
    with pytest.raises(KeyChangeRefused):
        history.activate("two", at(3))
