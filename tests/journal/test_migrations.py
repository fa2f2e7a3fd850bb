"""Migrations: once each, one process at a time, and never another history."""

import asyncio
import re
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from gateway.errors import Unavailable
from gateway.journal import Deploy, Journal, MigrationRefused, SchemaOutdated, database_ready, migrate
from gateway.journal.migrations import migrations
from gateway.journal.queries import query_names, sql
from tests.journal.support import dsn_of, run

JOURNAL = files("gateway.journal")


async def lines(dsn: str) -> list[str]:
    text = Path(__file__).with_name("catalogue.sql").read_text("utf-8")
    return [row["line"] for row in await run(dsn, text)]


async def test_the_schema_is_what_the_migrations_make(dsn: str, bare_dsn: str) -> None:
    connection = await asyncpg.connect(bare_dsn)
    await connection.execute(JOURNAL.joinpath("schema.sql").read_text("utf-8"))
    await connection.close()
    assert await lines(bare_dsn) == await lines(dsn)


async def test_migrating_again_changes_nothing(dsn: str) -> None:
    before = await lines(dsn)
    assert await migrate(dsn) == []
    assert await lines(dsn) == before


async def test_many_processes_that_migrate_at_once_apply_each_step_once(bare_dsn: str) -> None:
    applied = await asyncio.gather(*(migrate(bare_dsn) for _ in range(4)))
    assert sorted(len(steps) for steps in applied) == [0, 0, 0, len(migrations())]


async def test_a_migration_that_was_changed_after_it_was_applied_is_refused(dsn: str) -> None:
    await run(dsn, "UPDATE migrations SET sha256 = repeat('0', 64) WHERE number = 1")
    with pytest.raises(MigrationRefused, match="1 journal was changed"):
        await migrate(dsn)


async def test_another_history_is_refused(dsn: str) -> None:
    await run(dsn, "UPDATE migrations SET name = 'other' WHERE number = 2")
    with pytest.raises(MigrationRefused, match="2 other"):
        await migrate(dsn)


async def test_a_database_that_is_ahead_of_the_program_still_serves(dsn: str) -> None:
    await run(dsn, "INSERT INTO migrations (number, name, sha256) VALUES (999, 'later', '')")
    assert await migrate(dsn) == []
    async with Journal(dsn) as journal:
        assert await journal.database_ready()


async def test_the_number_of_ledgers_is_fixed_the_first_time(bare_dsn: str) -> None:
    await migrate(bare_dsn, ledgers=3)
    await migrate(bare_dsn)
    with pytest.raises(MigrationRefused, match="3 ledgers, not 2"):
        await migrate(bare_dsn, ledgers=2)
    async with Journal(bare_dsn, ledgers=3) as journal:
        assert await journal.ledgers() == [0, 1, 2]


async def test_a_journal_does_not_start_on_a_database_that_is_not_migrated(bare_dsn: str) -> None:
    with pytest.raises(SchemaOutdated, match="0001_journal, 0002_directory"):
        await Journal(bare_dsn).start()


async def test_a_journal_does_not_start_without_its_database(postgres_dsn: str) -> None:
    nowhere = dsn_of(postgres_dsn, "there_is_no_such_database")
    assert not await database_ready(nowhere)
    assert await database_ready(postgres_dsn)
    with pytest.raises(Unavailable):
        await Journal(nowhere).start()
    with pytest.raises(Unavailable):
        await migrate("postgresql://gateway@/gateway?host=/nowhere/at/all")


def test_every_migration_says_when_it_is_deployed() -> None:
    assert [migration.deploy for migration in migrations()] == [Deploy.PRE] * 6


def test_every_query_is_used_and_every_used_query_is_there() -> None:
    source = "".join(item.read_text("utf-8") for item in Path(str(JOURNAL)).rglob("*.py") if item.name != "queries.py")
    used = set(re.findall(r'"([a-z_]+)"', source))
    assert query_names() <= used
    for name in query_names():
        assert sql(name).endswith(";")
