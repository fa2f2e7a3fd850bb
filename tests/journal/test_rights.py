"""What each part's role may do in the database, tried as that role; triggers hold even for who has more rights."""

import re
from importlib.resources import files
from urllib.parse import urlsplit

import asyncpg
import pytest
from asyncpg.exceptions import InsufficientPrivilegeError, RestrictViolationError

from gateway.errors import Unavailable
from gateway.journal import Journal, migrate
from gateway.journal.errors import DatabaseRefused
from gateway.local.postgres import Postgres
from tests.journal.support import Drafts, run

ROLES = ("intake", "relay", "overseer", "registrar", "auditor")
LOG = ("entries", "filings", "checkpoints", "timestamps")


@pytest.fixture
async def logins(dsn: str, postgres_server: Postgres) -> dict[str, str]:
    """The DSN of a login role for each part's role."""
    await migrate(dsn)  # a copy of a database does not copy the rights on the database itself
    database = urlsplit(dsn).path.removeprefix("/")
    return {role: postgres_server.create_login(f"login_{role}", f"gateway_{role}", database) for role in ROLES}


async def refused(dsn: str, statement: str) -> bool:
    """True when PostgreSQL refuses the statement for want of a right."""
    try:
        await run(dsn, statement)
    except InsufficientPrivilegeError:
        return True
    return False


async def test_the_intake_appends_to_the_log_under_its_own_role(logins: dict[str, str], draft: Drafts) -> None:
    async with Journal(logins["intake"]) as journal:
        await journal.append(draft())
        assert (await journal.head(0)).seq == 1


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", LOG)
async def test_no_role_changes_deletes_or_empties_what_is_in_the_log(
    logins: dict[str, str], role: str, table: str
) -> None:
    for statement in (f"UPDATE {table} SET ledger = 9", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        assert await refused(logins[role], statement), statement


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_changes_tables_triggers_or_rights(logins: dict[str, str], role: str) -> None:
    for statement in (
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TRIGGER append_only ON entries",
        "DROP TABLE entries",
        "CREATE TABLE own (id integer)",
        "CREATE TEMPORARY TABLE own (id integer)",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE gateway",
        "COPY entries TO PROGRAM 'cat'",
        "INSERT INTO migrations VALUES (999, 'x', 'x')",
    ):
        assert await refused(logins[role], statement), statement
    assert await cannot_take(logins[role])


async def cannot_take(dsn: str) -> bool:
    """True when the role can't give itself a right: PostgreSQL refuses, or warns and grants nothing."""
    if await refused(dsn, "GRANT DELETE ON entries TO CURRENT_USER"):
        return True
    return await refused(dsn, "DELETE FROM entries")


async def test_the_head_of_a_ledger_moves_forward_and_nowhere_else(logins: dict[str, str], draft: Drafts) -> None:
    async with Journal(logins["intake"]) as journal:
        await journal.append(draft())
    with pytest.raises(RestrictViolationError):
        await run(logins["intake"], "UPDATE ledgers SET seq = 0")
    for statement in ("UPDATE ledgers SET ledger = 5", "DELETE FROM ledgers", "INSERT INTO ledgers VALUES (7, 0, '')"):
        assert await refused(logins["intake"], statement), statement


@pytest.mark.parametrize(
    "table", ["directory_changes", "dealer_operations", "chain_findings", "notices", "meter_sums", "meter_marks"]
)
async def test_the_intake_reads_nothing_that_it_need_not(logins: dict[str, str], table: str) -> None:
    assert await refused(logins["intake"], f"SELECT FROM {table}")


@pytest.mark.parametrize("table", ["anchors", "entities", "certificates", "tickets", "obligations", "complexes"])
async def test_the_intake_neither_enrols_nor_closes_a_ticket(logins: dict[str, str], table: str) -> None:
    assert await refused(logins["intake"], f"INSERT INTO {table} SELECT * FROM {table}")
    assert await refused(logins["intake"], f"DELETE FROM {table}")


@pytest.mark.parametrize("column", ["identifier", "identifier_kind", "kind", "name", "enrolled_at"])
@pytest.mark.parametrize("part", ["intake", "registrar"])
async def test_of_an_entity_its_state_changes_and_nothing_that_says_who_it_is(
    logins: dict[str, str], part: str, column: str
) -> None:
    assert await refused(logins[part], f"UPDATE entities SET {column} = {column}")


async def test_the_relay_reads_the_log_and_writes_nothing_at_all(dsn: str, logins: dict[str, str]) -> None:
    tables = [
        row["name"]
        for row in await run(
            dsn,
            "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') "
            "AND relnamespace = 'public'::regnamespace",
        )
    ]
    held = {
        (table, right)
        for table in tables
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
        if (await run(dsn, "SELECT has_table_privilege('gateway_relay', $1, $2) AS held", table, right))[0]["held"]
    }
    assert held == {
        (table, "SELECT")
        for table in (
            "ledgers",
            "entries",
            "entry_parts",
            "archived_entries",
            "checkpoints",
            "cosignatures",
            "migrations",
        )
    }
    assert await refused(logins["relay"], "SELECT prepare_partition(5)")


async def test_auditors_read_everything_and_change_nothing(dsn: str) -> None:
    rows = await run(
        dsn,
        "SELECT relname, has_table_privilege('gateway_auditor', oid, 'SELECT') AS reads, "
        "has_table_privilege('gateway_auditor', oid, 'INSERT, UPDATE, DELETE, TRUNCATE') "
        "OR has_any_column_privilege('gateway_auditor', oid, 'INSERT, UPDATE') AS changes "
        "FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace",
    )
    assert {(row["reads"], row["changes"]) for row in rows} == {(True, False)}


async def test_every_table_is_named_in_the_rights(dsn: str) -> None:
    text = files("gateway.journal").joinpath("rights.sql").read_text("utf-8")
    rows = await run(
        dsn,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace",
    )
    assert [row["relname"] for row in rows if not re.search(rf"\b{row['relname']}\b", text)] == []


async def test_what_somebody_granted_by_hand_is_taken_away_by_the_next_migration(
    dsn: str, logins: dict[str, str]
) -> None:
    await run(dsn, "GRANT DELETE ON luxury_blocks TO gateway_relay, PUBLIC")
    assert not await refused(logins["relay"], "DELETE FROM luxury_blocks WHERE false")
    await migrate(dsn)
    assert await refused(logins["relay"], "DELETE FROM luxury_blocks WHERE false")


async def test_a_stranger_does_not_even_connect(dsn: str, postgres_server: Postgres) -> None:
    await migrate(dsn)
    await run(dsn, "DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    database = urlsplit(dsn).path.removeprefix("/")
    with pytest.raises(InsufficientPrivilegeError, match="CONNECT"):
        await asyncpg.connect(postgres_server.database_dsn(database, "stranger"))


async def test_a_missing_right_is_told_as_such_and_not_as_an_outage(logins: dict[str, str], draft: Drafts) -> None:
    async with Journal(logins["relay"]) as journal:
        with pytest.raises((DatabaseRefused, Unavailable)):
            await journal.append(draft())
