"""Random kills at random moments under load, a great many of them."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from random import Random
from typing import Any

from chaos.faults import targets
from chaos.matrix import PROCESSES, SHOWN
from chaos.parts import send_signal
from chaos.run import Run, until

SECONDS = (0.3, 4.0)
REPORT_EACH = 20


@dataclass(frozen=True, slots=True)
class Kills:
    """What came of it: kills by part, what was sent and read, and everything that is wrong, by its kind."""

    seed: int
    count: int
    by_part: dict[str, int]
    seconds: float
    sent: int
    accepted: int
    agent_events: int
    unanswered: int
    records: int
    receipts_repeated: int
    longest_without_acceptance: float
    caught_up_after: float
    wrong_by_kind: dict[str, int]
    wrong: tuple[str, ...]

    @property
    def green(self) -> bool:
        """True when nothing is wrong."""
        return not self.wrong_by_kind

    def facts(self) -> dict[str, Any]:
        """The figures as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill of the plan: after how many seconds, and of which part."""

    after: float
    part: str


def plan_of(seed: int, count: int) -> Iterator[Kill]:
    """The same kills for the same seed."""
    random = Random(seed)
    for _ in range(count):
        yield Kill(random.uniform(*SECONDS), random.choice(PROCESSES))


async def kill_at_random(run: Run, seed: int, count: int, say: Callable[[str], None]) -> Kills:
    """Kills `count` times a random part at a random moment, the load going on; then all of it is checked.

    A part is killed whether or not it, or anything else, has recovered; one that is not there is waited for.
    """
    begun, by_part = time.monotonic(), Counter[str]()
    for number, kill in enumerate(plan_of(seed, count), 1):
        await asyncio.sleep(kill.after)
        await until(lambda part=kill.part: bool(targets(run, part)), f"{kill.part} does not come back")  # type: ignore[misc]
        send_signal(targets(run, kill.part), signal.SIGKILL)
        by_part[kill.part] += 1
        if number % REPORT_EACH == 0:
            say(f"{number} kills, {len(run.account.accepted())} messages accepted, {len(run.listener.told)} records")
    recovery = await run.recover(time.monotonic())
    await run.settle()
    answers = list(run.account.answers)
    found = await run.check(repeats=None)
    kinds = Counter(wrong.kind for wrong in found)
    return Kills(
        seed=seed,
        count=count,
        by_part=dict(by_part),
        seconds=round(time.monotonic() - begun, 1),
        sent=len(run.account.sent),
        accepted=len(run.account.accepted()),
        agent_events=sum(map(len, run.account.taken.values())),
        unanswered=run.load.unanswered.total(),
        records=len(run.listener.told),
        receipts_repeated=len(run.account.answers) - len(answers),
        longest_without_acceptance=round(_longest([answer.at for answer in answers]), 1),
        caught_up_after=round(recovery.caught_up, 1),
        wrong_by_kind=dict(kinds),
        wrong=tuple(str(wrong) for wrong in found[:SHOWN]),
    )


def _longest(moments: list[float]) -> float:
    ordered = sorted(moments)
    return max((after - before for before, after in pairwise(ordered)), default=0.0)
