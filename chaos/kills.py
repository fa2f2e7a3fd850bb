"""Random kills at random moments under load, a great many of them."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
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


async def kill_at_random(run: Run, seed: int, count: int, say: Callable[[str], None]) -> Kills:
    """Kills `count` times a random part at a random moment, the load going on; then all of it is checked.

    A part is killed whether or not it has recovered from the kill before; one that is not there is waited for.
    """
    random, begun, by_part = Random(seed), time.monotonic(), Counter[str]()
    for number in range(1, count + 1):
        await asyncio.sleep(random.uniform(*SECONDS))
        part = random.choice(PROCESSES)
        await until(lambda part=part: bool(targets(run, part)), f"{part} does not come back")  # type: ignore[misc]
        send_signal(targets(run, part), signal.SIGKILL)
        by_part[part] += 1
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
