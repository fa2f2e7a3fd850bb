"""The matrix: which faults are done at which steps, and how one of them is run and judged."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from chaos import changes, faults
from chaos.faults import Act, NotHere
from chaos.run import Run, running

PROCESSES = ("intake", "judging", "relay", "overseer", "agent", "postgres", "kafka")
GAPS = ("client-intake", "intake-postgres", "relay-postgres", "relay-kafka")
WARM_SECONDS = 2.0
SHOWN = 5
HOUR = 3600

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault at one step: what is done in words, and how; `quick` rows are those that CI runs."""

    fault: str
    step: str
    said: str
    act: Act
    quick: bool = False

    @property
    def name(self) -> str:
        """`fault:step`."""
        return f"{self.fault}:{self.step}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a row: `state` is `green`, `red` or `not run`; times in seconds, None where there is none."""

    fault: str
    step: str
    said: str
    seed: int
    state: str
    sent: int = 0
    accepted: int = 0
    unanswered: int = 0
    records: int = 0
    accepted_after: float | None = None
    caught_up_after: float | None = None
    wrong: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The result as plain data."""
        return asdict(self)


def rows() -> Sequence[Row]:
    """Every row, in the order in which they are run."""
    return (*_processes(), *_connections(), *_disks(), *_kafka(), *_changes())


async def run_rows(chosen: Sequence[Row], seed: int, say: Progress) -> AsyncIterator[Result]:
    """Runs the rows one after the other on one plant; after a red one the next row gets a new plant."""
    waiting = list(chosen)
    while waiting:
        async with a_plant(seed) as run:
            while waiting:
                row = waiting.pop(0)
                say(f"{row.name} ...")
                result = await _run_row(run, row, seed)
                yield result
                if result.state == "red":
                    break


@contextlib.asynccontextmanager
async def a_plant(seed: int) -> AsyncIterator[Run]:
    """A running plant in a temporary directory, deleted in the end."""
    with directory_of_its_own() as directory:
        async with running(directory, seed) as run:
            yield run


@contextlib.contextmanager
def directory_of_its_own() -> Iterator[Path]:
    """A temporary directory, deleted in the end."""
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _run_row(run: Run, row: Row, seed: int) -> Result:
    counts = _counts(run)
    run.load.going.set()
    await asyncio.sleep(WARM_SECONDS)
    recovery, wrong = None, []
    try:
        await row.act(run, Random(f"{seed}/{row.name}"))
        ended = time.monotonic()
        recovery = await run.recover(ended)
        await run.settle()
        wrong = [str(each) for each in await run.check()]
    except NotHere as reason:
        return Result(row.fault, row.step, row.said, seed, "not run", wrong=(str(reason),))
    except Exception as error:  # noqa: BLE001 - whatever it is, the row is red and the next one is run
        wrong = [f"{type(error).__name__}: {error}"]
    sent, accepted, unanswered, records = (now - before for now, before in zip(_counts(run), counts, strict=True))
    return Result(
        row.fault,
        row.step,
        row.said,
        seed,
        "red" if wrong else "green",
        sent,
        accepted,
        unanswered,
        records,
        None if recovery is None else round(recovery.accepted, 2),
        None if recovery is None else round(recovery.caught_up, 2),
        (*wrong[:SHOWN], *([f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else [])),
    )


def _counts(run: Run) -> tuple[int, int, int, int]:
    account = run.account
    taken = sum(map(len, account.taken.values()))
    return (
        len(account.sent) + taken,
        len(account.accepted()) + taken,
        run.load.unanswered.total(),
        len(run.listener.told),
    )


def _processes() -> Iterator[Row]:
    quick = {"intake", "relay", "postgres", "kafka"}
    for part in PROCESSES:
        yield Row(
            "kill -9", part, "SIGKILL twice, the second time as soon as it is back", faults.kill(part), part in quick
        )
    for part in PROCESSES:
        yield Row("freeze", part, "SIGSTOP, 4 to 8 seconds later SIGCONT", faults.freeze(part))


def _connections() -> Iterator[Row]:
    for gap in GAPS:
        yield Row("cut", gap, "connections reset three times, then none for 4 seconds", faults.cut(gap))
    for gap in GAPS:
        yield Row("delay", gap, "each piece of data held back for 250 ms, for 6 seconds", faults.slow(gap))
    for gap in GAPS:
        said = "nothing passes for 8 seconds; the connections of that time stay silent for ever"
        yield Row("half-open", gap, said, faults.half_open(gap))
    said = "the answer to COMMIT is lost, five times"
    yield Row("lost answer", "intake-postgres", said, faults.lost_commits(), quick=True)
    said = "the answer to EndTxn is lost, five times"
    yield Row("lost answer", "relay-kafka", said, faults.lost_ends(), quick=True)


def _disks() -> Iterator[Row]:
    for disk, step in (("postgres", "postgres"), ("kafka", "kafka"), ("spool", "agent")):
        yield Row("disk full", step, "no room at all for 8 seconds", faults.full_disk(disk))


def _kafka() -> Iterator[Row]:
    said = "a second relay, twice; each time the first is fenced and started again"
    yield Row("two relays", "relay", said, faults.two_relays, quick=True)
    yield Row("epoch bump", "relay", "a stranger takes the relay's transactional id, four times", faults.epochs)
    said = "an open transaction; the relay is stopped for 72 seconds, longer than Kafka waits (60)"
    yield Row("transaction times out", "relay", said, faults.transaction_times_out)
    said = "a backend killed, then SIGQUIT: no checkpoint, recovery from the WAL"
    yield Row("failover", "postgres", said, faults.failover)


def _changes() -> Iterator[Row]:
    said = "a consumer in a group stopped for 15 seconds, longer than its session"
    yield Row("slow consumer", "consumer", said, changes.slow_consumer)
    yield Row("migration", "postgres", "the next release's migration while messages flow", changes.migrate)
    said = "an intake of the next release beside the old one, which then gets SIGTERM"
    yield Row("rolling upgrade", "intake", said, changes.upgrade)
    for part in ("intake", "relay", "overseer"):
        for seconds, word in ((HOUR, "forward"), (-HOUR, "back")):
            said = f"the wall clock jumps an hour {word}, then to the right time again"
            yield Row(f"clock {word}", part, said, changes.turn_clock(part, seconds))
    said = "records deleted that a group has not read; its consumer must say so"
    yield Row("retention", "consumer", said, changes.retention)
