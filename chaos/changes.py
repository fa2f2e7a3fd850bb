"""What operators do to a running gateway: clocks set, migrations, a rolling upgrade, consumers that fall behind."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

import gateway
from chaos.faults import Act, NotHere, name_of
from chaos.parts import STOP_SECONDS, Service, send_signal
from chaos.proxy import Address
from chaos.run import PATIENCE, Run, until
from chaos.topics import TOPICS
from gateway.local.services import answers_ready

FAKETIME = "libfaketimeMT.so.1"
FAKETIME_PLACES = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib64/faketime")
TURNED_SECONDS = 4.0
RELEASE = ("gateway", "codes", "validators", "schemas", "deploy")
NEXT_MIGRATION = """-- deploy: pre
-- A step of a release that is still to come: made up for the fault matrix, no part of the gateway.

ALTER TABLE entries ADD COLUMN chaos_note text;
CREATE TABLE chaos_notes (noted_at timestamptz PRIMARY KEY);
CREATE INDEX entries_chaos_note ON entries (chaos_note) WHERE chaos_note IS NOT NULL;
"""
SLEPT_SECONDS = 15.0
GONE = 5
"""The exit status of `gateway consume` where records were deleted before they were read."""


class SilentLoss(Exception):
    """A consumer that records were taken from did not say so."""


def turn_clock(part: str, seconds: int) -> Act:
    """The wall clock of a part jumps while it works, and later jumps back; its monotonic clock goes on."""

    async def act(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
        library = next((place / FAKETIME for place in map(Path, FAKETIME_PLACES) if (place / FAKETIME).exists()), None)
        if library is None:
            raise NotHere(f"{FAKETIME} is not installed (Debian: apt-get install faketime)")
        hand = run.plant.directory / f"clock-{part}"
        hand.write_text("+0\n", "ascii")
        async with _under(run, run.plant.service(name_of(run, part)), library, hand):
            await _set(hand, seconds)
            await _set(hand, 0)

    return act


async def migrate(run: Run, random: Random) -> None:
    """The next release's migrations are applied while messages flow."""
    tree = await asyncio.to_thread(_next_release, run.plant.directory / "next")
    await asyncio.sleep(random.uniform(0.5, 1.5))
    await run.plant.command("migrate", tree=tree)


async def upgrade(run: Run, random: Random) -> None:
    """An intake of the next release is started, the load balancer turned to it, the old one stopped by SIGTERM."""
    tree = await asyncio.to_thread(_next_release, run.plant.directory / "next")
    await run.plant.command("migrate", tree=tree)
    old = run.plant.service(name_of(run, "intake"))
    number = 1 - run.plant.intake_ports.index(int(old.arguments[-1]))
    new = run.plant.intake(f"intake {number + 1}" if old.name == "intake" else "intake", run.plant.intake_ports[number])
    new.tree = tree
    await run.plant.adopt(new)
    await until(lambda: _listens(run.plant.intake_ports[number]), "the new intake does not start")
    await asyncio.sleep(random.uniform(1.0, 2.0))
    run.plant.gaps.front.upstream = Address(run.plant.intake_ports[number])
    del run.plant.parts[old.name]
    await old.stop()


async def slow_consumer(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
    """A consumer in a group is stopped for longer than its session may be silent, and goes on."""
    consumer = await _consume(run, "slow", until_end=False)
    await until(lambda: consumer.count() > 0, "the consumer reads nothing")
    send_signal([consumer.process.pid], signal.SIGSTOP)
    await asyncio.sleep(SLEPT_SECONDS)
    send_signal([consumer.process.pid], signal.SIGCONT)
    wanted = run.account.expected()
    async with asyncio.timeout(PATIENCE):
        while wanted - set(await asyncio.to_thread(consumer.items)):
            await asyncio.sleep(1.0)
    await consumer.end()
    items = consumer.items()
    if len(items) != len(set(items)):
        raise SilentLoss(f"the consumer was given {len(items) - len(set(items))} events twice")


async def retention(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
    """Records are deleted that a group has not read yet: its consumer must say so and name the place."""
    first = await _consume(run, "late", until_end=True)
    await first.process.wait()
    await asyncio.sleep(3.0)
    await asyncio.to_thread(_delete_all, run)
    await asyncio.sleep(1.0)
    second = await _consume(run, "late", until_end=True)
    async with asyncio.timeout(60):
        status = await second.process.wait()
    said = second.errors.read_text("utf-8", "replace")
    if status != GONE:
        raise SilentLoss(f"exit status {status}, said: {said[-200:]!r}")


@dataclass(frozen=True, slots=True)
class _Consumer:
    process: asyncio.subprocess.Process
    output: Path
    errors: Path

    def count(self) -> int:
        return self.output.read_bytes().count(b"\n")

    def items(self) -> list[str]:
        found: list[str] = []
        for line in self.output.read_bytes().split(b"\n")[:-1]:
            value = json.loads(line)["value"]
            found.append(str(value["item"]["id"]).upper() if "item" in value else value["sha256"])
        return found

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_SECONDS):
            await self.process.wait()


async def _consume(run: Run, group: str, *, until_end: bool) -> _Consumer:
    place = run.plant.directory / f"consumer-{group}-{time.monotonic_ns()}"
    output, errors = place.with_suffix(".out"), place.with_suffix(".err")
    options = ["--until-end"] if until_end else []
    with output.open("wb") as out, errors.open("wb") as wrong:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "gateway", "consume", *TOPICS, "--group", group, "--from-beginning"),
            *("--json", *options),
            stdout=out,
            stderr=wrong,
            env={**os.environ, **run.plant.environment()},
            cwd=run.plant.directory,
        )
    return _Consumer(process, output, errors)


def _delete_all(run: Run) -> None:
    """Deletes what the oracle has read already of every topic, as retention would."""
    ends: dict[tuple[str, int], int] = {}
    for record in list(run.listener.told):
        place = record.topic, record.partition
        ends[place] = max(ends.get(place, 0), record.offset + 1)
    client = AdminClient({"bootstrap.servers": run.plant.bootstrap, "log_level": 0})
    places = [TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()]
    for deleted in client.delete_records(places).values():
        deleted.result(30)


@contextlib.asynccontextmanager
async def _under(run: Run, service: Service, library: Path, hand: Path) -> AsyncIterator[None]:
    """Restarts a service under libfaketime, told by the file, and without it in the end."""
    kept = dict(service.environment)
    service.environment |= {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(hand),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    await _restarted(run, service)
    try:
        yield
    finally:
        service.environment = kept
        await _restarted(run, service)


async def _restarted(run: Run, service: Service) -> None:
    before = service.starts
    await service.stop()
    await until(lambda: service.starts > before and bool(service.pids()), f"{service.name} does not come back")
    await run.plant.ready()
    answered = len(run.account.answers)
    await until(lambda: len(run.account.answers) > answered + 5, "nothing is accepted")


async def _set(hand: Path, seconds: int) -> None:
    hand.write_text(f"{seconds:+d}\n", "ascii")
    await asyncio.sleep(TURNED_SECONDS)


def _next_release(tree: Path) -> Path:
    """A copy of this release with one migration more."""
    if not tree.exists():
        root = Path(gateway.__file__).parent.parent
        for name in RELEASE:
            shutil.copytree(root / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        folder = tree / "gateway" / "journal" / "migrations"
        number = len(list(folder.glob("*.sql"))) + 1
        (folder / f"{number:04}_chaos.sql").write_text(NEXT_MIGRATION, encoding="utf-8")
    return tree


def _listens(port: int) -> bool:
    return answers_ready(port, 1.0)
