"""Steps of a simulation are filed in their order, and each answer is held against the expected one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client import NotDelivered
from gateway.local.simulation.comparison import agrees, compare
from gateway.local.simulation.delivery import Delivery, Pace
from gateway.local.simulation.model import Post, Step, Wait

NOW = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
Handler = Callable[[httpx.Request], httpx.Response]
facts = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def post(body: bytes, expected: int = 201, refused: dict[int, str] | None = None) -> Post:
    return Post("SIM-1", "050140000017", body.decode(), NOW, body, expected, refused or {})


async def delivered(handler: Handler, *steps: Step, patience: float = 5) -> Delivery:
    async with httpx.AsyncClient(base_url="http://gateway", transport=httpx.MockTransport(handler)) as client:
        delivery = Delivery(client, Pace(), patience)
        await delivery.run([iter(steps)], quiet)
    return delivery


async def quiet(_answers: int) -> None:
    """Nobody watches."""


def answering(*statuses: int, **told: object) -> Handler:
    left: Iterator[int] = iter(statuses)
    return lambda _request: httpx.Response(next(left), json={"verdict": "accepted", "findings": [], **told})


async def test_answers_as_expected_are_no_surprise() -> None:
    delivery = await delivered(answering(201, 200, 409), post(b"1"), post(b"1", 200), post(b"2", 409))
    assert (delivery.answers, delivery.surprises) == (3, [])


async def test_a_message_that_had_come_in_before_its_answer_was_lost_is_no_surprise() -> None:
    delivery = await delivered(answering(503, 200), post(b"1"))
    assert delivery.surprises == []


async def test_another_status_is_a_surprise() -> None:
    delivery = await delivered(answering(422), post(b"1"))
    assert [(surprise.status, surprise.expected) for surprise in delivery.surprises] == [(422, 201)]


async def test_events_must_be_refused_for_the_expected_finding() -> None:
    items = [{"number": 4, "findings": [{"code": "GAM-033"}]}]
    right = await delivered(answering(201, items=items), post(b"1", refused={4: "GAM-033"}))
    wrong = await delivered(answering(201, items=items), post(b"1", refused={4: "GAM-020"}))
    assert right.surprises == []
    assert [surprise.refused for surprise in wrong.surprises] == [{4: "GAM-033"}]


async def test_a_sender_who_is_not_known_yet_is_filed_again() -> None:
    delivery = await delivered(answering(403, 403, 201), post(b"1"))
    assert delivery.surprises == []


async def test_what_nobody_answers_is_not_delivered() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await delivered(answering(*[503] * 9), post(b"1"), patience=0.3)
    assert raised.group_contains(NotDelivered)


async def test_a_house_files_in_its_order_and_keeps_still_when_it_is_told_to() -> None:
    seen: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(201, json={})

    await delivered(handler, post(b"1"), Wait("SIM-1", NOW, 0.01), post(b"2"), post(b"3"))
    assert seen == [b"1", b"2", b"3"]


async def test_play_in_real_time_waits_for_its_moment() -> None:
    started = datetime.now(UTC)
    async with httpx.AsyncClient(base_url="http://gateway", transport=httpx.MockTransport(answering(201))) as client:
        delivery = Delivery(client, Pace(NOW - timedelta(seconds=0.3)), 5)
        await delivery.run([iter([post(b"1")])], quiet)
    assert datetime.now(UTC) - started >= timedelta(seconds=0.29)


@given(facts)
def test_everything_agrees_with_itself(told: object) -> None:
    assert agrees(told, told)


@given(st.dictionaries(st.text(max_size=3), facts, min_size=1))
def test_what_is_told_may_say_more_but_not_less(told: dict[str, object]) -> None:
    name = min(told)
    less = {key: value for key, value in told.items() if key != name}
    assert agrees(less, told)
    assert not agrees(told, less)


@given(st.lists(st.fixed_dictionaries({"kind": st.sampled_from("abc")})), st.randoms())
def test_order_does_not_matter_and_every_row_counts_once(rows: list[dict[str, str]], random: object) -> None:
    shuffled = list(rows)
    getattr(random, "shuffle")(shuffled)  # noqa: B009 - hypothesis' own random has no type
    assert compare(rows, shuffled).equal
    assert compare([*rows, {"kind": "a"}], shuffled).missing == [{"kind": "a"}]
    assert len(compare(rows, [*shuffled, {"kind": "a"}]).surplus) == 1
