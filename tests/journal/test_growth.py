"""No query of the gateway reads a table that grows from end to end, however large it has become."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import asyncpg
import pytest

from gateway.journal import Journal
from gateway.journal.connections import SERVING, Connection
from gateway.journal.queries import query_names, sql
from gateway.model import Series
from tests.journal.support import Drafts, run

ROWS = 4000
SMALL = {
    "anchors": "trust anchors are added by hand",
    "archive_actions": "one row for a partition of a million entries",
    "audit_head": "one row",
    "directory": "one row",
    "gateway_keys": "a few rows for each key that the gateway ever had",
    "people": "the people of one agency",
    "person_certificates": "a few for each of them",
    "ledgers": "their number is fixed",
    "luxury_unlogged": "empty but for moments",
    "migrations": "one row a file",
    "oversight_positions": "one row a ledger",
    "register": "one row",
    "stagings": "one row a large message that is being put in",
}
"""Tables that do not grow with what is filed, and why."""
WHOLE = {
    "dealers_with_reports": "an officer's list of all dealers, asked for by hand",
    "silent_complexes": "asked once a second, of all complexes; their number follows the casinos, not what they file",
    "every_audit_checkpoint": "verification of the audit log",
    "every_audit_entry": "verification of the audit log",
    "latest_audit_checkpoint": "the last row of an index, by a backward scan that ends after it",
    "strays": "verification alone: it looks at everything",
}
"""Queries that are meant to go over a whole table, and why."""
VALUES: dict[str, str] = {
    "bigint": "g",
    "integer": "0",
    "smallint": "0",
    "boolean": "true",
    "numeric": "g",
    "date": "date '2026-01-01'",
}
VALUES |= {"text": "'x' || g", "uuid": "gen_random_uuid()", "bytea": "sha256(g::text::bytea)", "jsonb": "'{}'"}
# senders are few beside what they file
VALUES |= {"timestamp with time zone": "now() + g * interval '1 second'", "bigint[]": "'{}'", "text[]": "'{}'"}
OWN = {
    "filings.sender": "'x' || g % 50",
    "tickets.state": "'open'",
    "entry_parts.kind": "'body'",
    "entities.state": "'active'",
    "entities.identifier_kind": "'bin'",
    "complexes.state": "'active'",
    "absent_numbers.what": "'batch'",
    "luxury_codes.state": "'issued'",
    "luxury_codes.code": "lpad(g::text, 14, '0')",
    "luxury_blocks.kind": "'T'",
    "luxury_blocks.expires_at": "now() + (g + 1) * interval '1 second'",
    "luxury_blocks.size": "1",
    "chain_findings.remark": "'owner'",
    "certificates.identifier": "'x' || g",
    "archive_actions.action": "'detached'",
    "audit_entries.channel": "'http'",
}
COLUMNS = """
SELECT relname, attname, format_type(atttypid, NULL) AS type
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0
    AND NOT attisdropped AND attidentity = '' ORDER BY relname, attnum
"""


@pytest.fixture
async def large(dsn: str) -> AsyncIterator[Connection]:
    """A connection as readers and writers have it, to tables with thousands of rows each that PostgreSQL knows of."""
    await run(
        dsn, "CREATE TABLE archived_entries_000009 PARTITION OF archived_entries FOR VALUES FROM (0) TO (1000000)"
    )
    columns: dict[str, dict[str, str]] = {}
    for row in await run(dsn, COLUMNS):
        value = OWN.get(f"{row['relname']}.{row['attname']}", VALUES[row["type"]])
        columns.setdefault(row["relname"], {})[row["attname"]] = value
    first = ["entities", "complexes"]
    for table in [*first, *sorted(columns.keys() - SMALL.keys() - set(first))]:
        names, values = ", ".join(columns[table]), ", ".join(columns[table].values())
        await run(dsn, f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, {ROWS}) AS g")
        # an empty partition is never analyzed: PostgreSQL would take it to be empty for good
        await run(dsn, f"ANALYZE {'entries_000000, archived_entries_000009' if 'entries' in table else table}")
    connection = await asyncpg.connect(
        dsn, server_settings=SERVING.settings() | {"plan_cache_mode": "force_generic_plan"}
    )
    yield connection
    await connection.close()


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


async def plan_of(connection: Connection, name: str) -> Mapping[str, Any]:
    """The plan of a named query for any arguments, as one that is prepared once has it."""
    count = max((int(found) for found in re.findall(r"\$(\d+)", sql(name))), default=0)
    arguments = f"({', '.join(['NULL'] * count)})" if count else ""
    await connection.execute(f"PREPARE asked AS {sql(name)}")
    try:
        explained = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{arguments}")
    finally:
        await connection.execute("DEALLOCATE asked")
    plan: Mapping[str, Any] = json.loads(explained)[0]["Plan"]
    return plan


def reads_whole_table(node: Mapping[str, Any]) -> bool:
    if node.get("Relation Name") in SMALL:
        return False
    kind = node["Node Type"]
    return kind == "Seq Scan" or (kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node)


async def test_every_named_query_finds_its_rows_in_a_large_table_by_an_index(
    large: Connection,
) -> None:
    found = {}
    for name in sorted(query_names() - {"create_migrations"}):
        read = [node for node in nodes(await plan_of(large, name)) if reads_whole_table(node)]
        if read:
            found[name] = [node.get("Relation Name") for node in read]
    assert found.keys() == WHOLE.keys(), found


@pytest.mark.parametrize(
    "name", ["page_of_sender", "read_entries", "read_lines", "checkpoints_after", "tickets_of_owner", "every_entry"]
)
async def test_a_page_is_read_in_its_order_and_never_sorted(large: Connection, name: str) -> None:
    kinds = {node["Node Type"] for node in nodes(await plan_of(large, name))}
    assert not kinds & {"Sort", "Incremental Sort"}


async def test_a_page_is_cut_before_its_receipts_are_looked_for(large: Connection) -> None:
    """With 10 million entries PostgreSQL joined and sorted all that a sender ever filed: 400 ms instead of 3."""
    plan = await plan_of(large, "page_of_sender")
    limit = next(node for node in nodes(plan) if node["Node Type"] == "Limit")
    assert [node.get("Index Name") for node in nodes(limit)] == [None, "filings_of_sender"]


@pytest.mark.parametrize("way", ["at once", "step by step"])
async def test_a_log_that_grows_from_nothing_is_never_looked_through_by_sender(
    way: str, dsn: str, draft: Drafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "step by step":
        monkeypatch.setattr("gateway.journal.writer.LedgerWriter._note", lambda _writer, _settlement: None)
    senders = [f"{number:012}" for number in range(16)]
    async with Journal(dsn) as journal:
        for number in range(20):
            drafts = [
                draft(document=str((number, each)), sender=senders[each % 16], series=series)
                for each in range(64)
                for series in [Series(f"S{each}", number + 1, {}) if each % 2 else None]
            ]
            await asyncio.gather(*map(journal.append, drafts))
    (read,) = await run(dsn, "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'filings_of_sender'")
    assert read["idx_tup_read"] == 0
