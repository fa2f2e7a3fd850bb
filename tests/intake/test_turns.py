"""Turns under overload: a flood is refused, everybody else is served, and nothing grows without bound."""

import asyncio
import tomllib
from collections.abc import Callable
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.refusals import Busy
from gateway.intake.turns import LEAST_AT_ONCE, LONGEST_REFUSAL, LONGEST_WAIT, Claim, Turns, claim_of
from tests.intake.kit import World, utf8

Started = list[str]


class Clock:
    """Seconds that go up when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Crowd:
    """Messages that take their turn in the order of the turns, each until it is let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: Started = []
        self.refused: list[tuple[str, int | None]] = []
        self._release = asyncio.Semaphore(0)
        self._tasks: list[asyncio.Task[None]] = []

    async def send(self, label: str, claim: Claim) -> None:
        self._tasks.append(asyncio.create_task(self._one(label, claim)))
        await asyncio.sleep(0)

    async def finish(self, count: int = 10_000) -> None:
        for _ in range(count):
            self._release.release()
        await asyncio.wait(self._tasks)

    async def _one(self, label: str, claim: Claim) -> None:
        try:
            async with self.turns.turn(claim):
                self.served.append(label)
                await self._release.acquire()
        except Busy as busy:
            self.refused.append((label, busy.retry_after))


def crowd(at_once: int = 1, ceiling: int = 10, seconds: float = 60.0) -> Crowd:
    return Crowd(Turns(at_once, ceiling, seconds, Clock()))


async def test_turns_go_round_by_address_and_then_by_sender() -> None:
    those = crowd()
    await those.send("first", Claim("x"))
    for label in ("a1", "a2", "a3"):
        await those.send(label, Claim("a", "one"))
    await those.send("a4", Claim("a", "two"))
    await those.send("b1", Claim("b", "three"))
    await those.finish()
    assert those.served == ["first", "a1", "b1", "a4", "a2", "a3"]


async def test_of_one_sender_the_suspicious_operations_go_first_and_of_nobody_else() -> None:
    those = crowd()
    await those.send("first", Claim("x"))
    for label, claim in (
        ("usual 1", Claim("a", "one")),
        ("usual 2", Claim("a", "one")),
        ("urgent", Claim("a", "one", urgent=True)),
        ("other", Claim("b", "two")),
    ):
        await those.send(label, claim)
    await those.finish()
    assert those.served == ["first", "urgent", "other", "usual 1", "usual 2"]


async def test_a_flood_at_ten_times_the_room_gives_way_to_whoever_comes_beside_it() -> None:
    those = crowd(at_once=2, ceiling=10)
    for number in range(100):
        await those.send(f"flood {number}", Claim("f", "flood"))
    for number in range(3):
        await those.send(f"calm {number}", Claim("c", "calm"))
    assert those.turns.here == 10
    await those.finish()
    assert [label for label in those.served if label.startswith("calm")] == ["calm 0", "calm 1", "calm 2"]
    assert len(those.served) == 10
    assert len(those.refused) == 93
    assert all(label.startswith("flood") for label, _ in those.refused)
    assert those.turns.here == 0


async def test_who_makes_up_senders_takes_the_turns_of_his_own_address_alone() -> None:
    those = crowd(ceiling=20)
    for number in range(40):
        await those.send(f"flood {number}", Claim("f", f"sender {number}"))
    await those.send("calm", Claim("c", "calm"))
    await those.finish()
    assert those.served.index("calm") <= 2


async def test_room_is_made_by_what_is_not_urgent_first() -> None:
    those = crowd(at_once=1, ceiling=4)
    await those.send("first", Claim("x"))
    await those.send("urgent", Claim("f", "one", urgent=True))
    for number in range(2):
        await those.send(f"usual {number}", Claim("f", "one"))
    await those.send("calm", Claim("c", "two"))
    await those.finish()
    assert [label for label, _ in those.refused] == ["usual 1"]


async def test_a_floods_own_suspicious_operations_take_the_places_of_its_others() -> None:
    those = crowd(at_once=1, ceiling=4)
    await those.send("first", Claim("x"))
    for number in range(3):
        await those.send(f"usual {number}", Claim("f", "one"))
    for number in range(4):
        await those.send(f"urgent {number}", Claim("f", "one", urgent=True))
    await those.finish()
    assert {label for label, _ in those.refused} == {"urgent 3", "usual 2", "usual 1", "usual 0"}
    assert those.served == ["first", "urgent 0", "urgent 1", "urgent 2"]


async def test_when_to_come_again_is_what_waits_by_the_rate_at_which_it_is_worked_off() -> None:
    clock = Clock()
    turns = Turns(1, 8, 60.0, clock)
    assert turns.retry_after() == 1
    for _ in range(11):
        clock.now += 2.0
        async with turns.turn(Claim("x")):
            pass
    those = Crowd(turns)
    for number in range(10):
        await those.send(str(number), Claim("f"))
    assert [seconds for _, seconds in those.refused] == [16, 16]
    clock.now += 1_000
    await those.send("late", Claim("f"))
    assert those.refused[-1] == ("late", LONGEST_WAIT)
    await those.finish()


async def test_no_more_are_worked_on_than_are_soon_worked_off() -> None:
    clock = Clock()
    turns = Turns(200, 400, 60.0, clock, ahead=0.5)
    for _ in range(101):
        clock.now += 1 / 300
        async with turns.turn(Claim("x")):
            pass
    those = Crowd(turns)
    for number in range(300):
        await those.send(str(number), Claim("f"))
    assert (turns.working, turns.waiting) == (150, 150)
    await those.finish()
    assert len(those.served) == 300


async def test_however_slowly_they_are_worked_off_some_are_worked_on_at_once() -> None:
    clock = Clock()
    turns = Turns(200, 400, 60.0, clock, ahead=0.5)
    for _ in range(3):
        clock.now += 60.0
        async with turns.turn(Claim("x")):
            pass
    those = Crowd(turns)
    for number in range(100):
        await those.send(str(number), Claim("f"))
    assert turns.working == LEAST_AT_ONCE
    await those.finish()


async def test_nobody_waits_longer_than_is_allowed() -> None:
    those = crowd(seconds=0.01)
    await those.send("first", Claim("x"))
    await those.send("late", Claim("y"))
    await asyncio.sleep(0.1)
    assert [label for label, _ in those.refused] == ["late"]
    assert those.turns.here == 1
    await those.finish()


async def test_who_leaves_while_waiting_or_just_when_his_turn_comes_takes_no_place_with_him() -> None:
    turns = Turns(1, 10, 60.0, Clock())
    release = asyncio.Event()

    async def hold() -> None:
        async with turns.turn(Claim("x")):
            await release.wait()

    first, waiting, lucky = (asyncio.create_task(hold()) for _ in range(3))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (turns.working, turns.waiting) == (1, 1)
    release.set()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    lucky.cancel()
    await asyncio.gather(lucky, return_exceptions=True)
    assert turns.here == 0
    async with turns.turn(Claim("x")):
        assert turns.working == 1


async def test_who_leaves_in_the_same_moment_in_which_he_is_called_or_displaced_disturbs_nobody() -> None:
    for at_once in ("called", "displaced"):
        turns = Turns(1, 2, 60.0, Clock())
        await turns._enter(Claim("x"))
        leaver = asyncio.create_task(turns._enter(Claim("y", "one")))
        await asyncio.sleep(0)
        leaver.cancel()
        if at_once == "called":
            turns._leave()
        else:
            newcomer = asyncio.create_task(turns._enter(Claim("z")))
            await asyncio.sleep(0)
            turns._leave()
            await newcomer
            turns._leave()
        assert isinstance((await asyncio.gather(leaver, return_exceptions=True))[0], asyncio.CancelledError)
        assert turns.here == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans(), st.integers(0, 3))))
async def test_counts_hold_whatever_comes_and_everybody_is_answered(steps: list[tuple[str, str, bool, int]]) -> None:
    those = crowd(at_once=2, ceiling=6)
    for number, (address, sender, urgent, done) in enumerate(steps):
        await those.send(str(number), Claim(address, sender, urgent))
        for _ in range(done):
            those._release.release()
        await asyncio.sleep(0)
        assert those.turns.here <= 6
        assert those.turns.working <= 2
    if steps:
        await those.finish()
    assert len(those.served) + len(those.refused) == len(steps)
    assert those.turns.here == 0


@pytest.mark.parametrize("change", [lambda body: body, utf8])
async def test_a_message_shows_whose_it_claims_to_be_and_whether_it_is_suspicious(
    world: World, change: Callable[[bytes], bytes]
) -> None:
    usual = claim_of(change(world.message()), "1.2.3.4")
    assert (usual.address, usual.urgent) == ("1.2.3.4", False)
    assert usual.sender.endswith(world["casino"].identifier)
    reason = {"MessageInformation/ReasonFilingId": "2"}
    assert claim_of(change(world.message("casino", reason)), "x").urgent


@given(st.binary(max_size=200))
def test_any_bytes_claim_something_or_nothing(body: bytes) -> None:
    assert claim_of(body, "x").address == "x"


def test_the_code_of_suspicious_operations_is_that_of_every_edition() -> None:
    editions = [each for each in files("validators").joinpath("data", "fm1").iterdir() if each.name.endswith(".toml")]
    codes = [tomllib.loads(each.read_text("utf-8"))["reasons"]["suspicious"] for each in editions]
    assert set(codes) == {"2"}


async def test_refusals_beyond_a_seconds_worth_are_told_one_after_the_other_and_never_later_than_a_bound() -> None:
    told: list[float] = []

    async def sleep(seconds: float) -> None:
        told.append(round(seconds, 3))

    turns = Turns(1, 1, 60.0, Clock(), refusals=10.0, sleep=sleep)
    async with turns.turn(Claim("a")):
        for _ in range(100):
            with pytest.raises(Busy):
                async with turns.turn(Claim("a")):
                    raise AssertionError("there was room")
    assert (len(told), told[:3]) == (90, [0.1, 0.2, 0.3])
    assert told[-1] == LONGEST_REFUSAL
