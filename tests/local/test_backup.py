"""The rehearsed restore: a base backup under load, more messages, a crash, WAL to the end."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from gateway.bus.publisher import TransactionalPublisher
from gateway.journal import Journal, migrate, verify_journal
from gateway.local.owner import private_directory, server_owner, socket_directory
from gateway.local.postgres import PORT, ROLE, Postgres, programs
from gateway.local.processes import silent
from gateway.model import Draft, Filed, Record
from gateway.relay import PositionAhead, Relay
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.receipts import read_receipt
from tests.bus.kit import KEYSET, Topics, make_topics, until
from tests.journal.archives import make_checkpoint, sealed_draft
from tests.journal.support import BANK, Drafts, run

pytestmark = pytest.mark.long

SCRIPTS = Path(__file__).parents[2] / "deploy" / "postgres"
IN_BACKUP, IN_ARCHIVE, IN_LAST_SEGMENT = 60, 20, 5


@dataclass(frozen=True)
class Lost:
    """What is left of a server whose log ends with entries that were never archived: where its parts are."""

    place: Path
    topics: Topics
    filed: Sequence[tuple[Draft, Filed]]


def server(place: Path) -> Postgres:
    return Postgres(place / "data", socket_directory(place), place / "postgres.log")


def directory_for_all(place: Path) -> Path:
    place.mkdir()
    place.chmod(0o755)
    return place


def as_owner(command: Sequence[str | Path]) -> None:
    """Runs a program of PostgreSQL, or a script that calls some, as the user who runs the server."""
    path = {**os.environ, "PATH": f"{programs()}:{os.environ['PATH']}"}
    subprocess.run(command, check=True, cwd="/", env=path, **server_owner(silent).identity())


async def file(journal: Journal, drafts: Drafts, topic: str, count: int) -> list[tuple[Draft, Filed]]:
    filed = []
    for _ in range(count):
        draft = await sealed_draft(drafts())
        draft = replace(draft, records=(Record(topic, BANK, draft.body),))
        filed.append((draft, await journal.append(draft)))
    await make_checkpoint(journal)
    return filed


def relay_of(journal: Journal, bootstrap: str, topics: Topics) -> Relay:
    publisher = TransactionalPublisher(bootstrap, topics.positions, positions_topic=topics.positions)
    return Relay(journal, publisher, checkpoints_topic=topics.checkpoints)


async def archiving_server(place: Path) -> Postgres:
    """A server that archives its WAL, migrated."""
    for name in ("wal", "backups"):
        private_directory(place / name, server_owner(silent))
    postgres = server(place)
    await asyncio.to_thread(postgres.start)
    await run(postgres.dsn, "ALTER SYSTEM SET archive_mode = on")
    await run(postgres.dsn, f"ALTER SYSTEM SET archive_command = '{SCRIPTS}/archive-wal.sh \"%p\" {place}/wal/%f'")
    await asyncio.to_thread(postgres.stop)
    await asyncio.to_thread(postgres.start)
    await migrate(postgres.dsn)
    return postgres


async def back_up(postgres: Postgres, place: Path) -> None:
    server_options: list[str | Path] = ["-h", postgres.sockets, "-p", str(PORT), "-U", ROLE]
    command: list[str | Path] = [
        programs() / "pg_basebackup",
        *server_options,
        "-D",
        place,
        "--checkpoint=fast",
        "--no-sync",
    ]
    await asyncio.to_thread(as_owner, command)


async def archive_segment(dsn: str) -> None:
    """Ends the segment that is being written, and waits until it is archived."""
    (row,) = await run(dsn, "SELECT pg_walfile_name(pg_switch_wal()) AS name")
    archived = "SELECT last_archived_wal >= $1 AS there FROM pg_stat_archiver"
    while not (await run(dsn, archived, row["name"]))[0]["there"]:
        await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def lost(short_directory: Path, kafka_bootstrap: str) -> AsyncIterator[Lost]:
    """A server that was backed up under load, went on, published everything, and crashed."""
    place = directory_for_all(short_directory / "backup")
    postgres = await archiving_server(place)
    topics, drafts = await make_topics(kafka_bootstrap), Drafts()
    async with Journal(postgres.dsn) as journal:
        load = asyncio.create_task(file(journal, drafts, topics.events, IN_BACKUP))
        await back_up(postgres, place / "backups" / "base")
        filed = [*await load, *await file(journal, drafts, topics.events, IN_ARCHIVE)]
        await archive_segment(postgres.dsn)
        filed += await file(journal, drafts, topics.events, IN_LAST_SEGMENT)
        relay = relay_of(journal, kafka_bootstrap, topics)
        task = asyncio.create_task(relay.run())
        await until(lambda: relay.position is not None and relay.position.seq == len(filed))
        relay.stop()
        await task
    process = postgres.running()
    assert process is not None
    os.kill(process.pid, signal.SIGQUIT)
    assert await asyncio.to_thread(process.gone_within, 10)
    yield Lost(place, topics, filed)
    await asyncio.to_thread(postgres.stop)


async def restored(lost: Lost, name: str, *further: Path) -> Postgres:
    place = lost.place / name
    private_directory(place, server_owner(silent))
    script: list[str | Path] = [SCRIPTS / "restore.sh", lost.place / "backups" / "base", lost.place / "wal"]
    await asyncio.to_thread(as_owner, [*script, place / "data", *further])
    postgres = server(place)
    await asyncio.to_thread(postgres.start)
    while (await run(postgres.dsn, "SELECT pg_is_in_recovery() AS still"))[0]["still"]:
        await asyncio.sleep(0.05)
    return postgres


async def intact(dsn: str) -> int:
    """How many entries are in a log in which everything stands."""
    report = await verify_journal(dsn, partial(read_receipt, keys=KEYSET), partial(read_checkpoint, keys=KEYSET))
    assert report.intact, report.first
    return report.entries


async def test_with_the_wal_of_the_lost_server_nothing_is_lost(lost: Lost, kafka_bootstrap: str) -> None:
    postgres = await restored(lost, "whole", lost.place / "data" / "pg_wal")
    try:
        assert await intact(postgres.dsn) == len(lost.filed)
        async with Journal(postgres.dsn) as journal:
            for given, first in lost.filed:
                again = await journal.append(given)
                assert (again.jws, again.seq, again.repeated) == (first.jws, first.seq, True)
            relay = relay_of(journal, kafka_bootstrap, lost.topics)
            task = asyncio.create_task(relay.run())
            await until(lambda: relay.ready)
            assert (relay.lag, relay.published_records) == (0, 0)
            relay.stop()
            await task
    finally:
        await asyncio.to_thread(postgres.stop)


async def test_a_log_that_was_set_back_behind_kafka_is_intact_and_the_relay_says_what_to_do(
    lost: Lost, kafka_bootstrap: str
) -> None:
    postgres = await restored(lost, "behind")
    try:
        assert await intact(postgres.dsn) == len(lost.filed) - IN_LAST_SEGMENT
        async with Journal(postgres.dsn) as journal:
            with pytest.raises(PositionAhead, match=r"set back.*from its WAL.*gateway relay --rebuild"):
                await relay_of(journal, kafka_bootstrap, lost.topics).run()
    finally:
        await asyncio.to_thread(postgres.stop)
