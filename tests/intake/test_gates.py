from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.cursors import make_cursor, read_cursor
from gateway.intake.gates import Gate, Quota, SharedGate
from gateway.intake.refusals import Busy, CursorRefused, RateExceeded


def test_what_was_held_is_free_again_however_the_holder_ends() -> None:
    gate = Gate(10)
    with pytest.raises(Busy), gate.hold(4) as hold:
        hold.take(7)
    assert gate.taken == 0


def test_a_full_gate_takes_nothing_more_and_keeps_its_count() -> None:
    gate = Gate(10)
    with gate.hold(8):
        with pytest.raises(Busy), gate.hold(3):
            pass
        with gate.hold(2) as hold, pytest.raises(Busy):
            hold.take(1)
        assert gate.taken == 8
    assert gate.taken == 0


@given(st.lists(st.integers(0, 6)))
def test_a_gate_never_holds_more_than_its_ceiling(amounts: list[int]) -> None:
    gate = Gate(10)
    for amount in amounts:
        try:
            gate.take(amount)
        except Busy:
            gate.give_back(gate.taken)
        assert 0 <= gate.taken <= 10


def test_one_address_holds_no_more_than_its_share_and_gives_all_of_it_back() -> None:
    gate = SharedGate(10, 0.5)
    with gate.hold_for("a") as hold:
        hold.take(5)
        with pytest.raises(Busy):
            hold.take(1)
        with gate.hold_for("a") as again, pytest.raises(Busy):
            again.take(1)
        with gate.hold_for("b") as other:
            other.take(5)
            with gate.hold_for("c") as third, pytest.raises(Busy):
                third.take(1)
        assert gate.taken == 5
    assert (gate.taken, gate._held) == (0, {})


def test_a_sender_may_file_its_burst_at_once_and_then_its_rate() -> None:
    now = [0.0]
    quota = Quota(2.0, 3, lambda: now[0])
    for _ in range(3):
        quota("a")
    with pytest.raises(RateExceeded) as refused:
        quota("a")
    assert refused.value.retry_after == 1
    quota("b")
    now[0] = 0.5
    quota("a")
    with pytest.raises(RateExceeded):
        quota("a")


def test_without_a_rate_there_is_no_limit() -> None:
    quota = Quota(0.0, 1, lambda: 0.0)
    for _ in range(100):
        quota("a")


def test_only_so_many_senders_are_remembered() -> None:
    quota = Quota(1.0, 1, lambda: 0.0)
    for number in range(10_050):
        quota(str(number))
    assert len(quota._buckets) == 10_000


@given(st.uuids())
def test_a_cursor_reads_back_as_the_receipt_it_was_made_of(identifier: UUID) -> None:
    assert read_cursor(make_cursor(identifier)) == identifier


@given(st.text(max_size=40))
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorRefused):
        read_cursor(text)
