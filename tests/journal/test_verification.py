"""Verification: one changed byte, anywhere, is found and named."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.journal import Break, Checkpointer, Journal, JournalDamaged, Report, verify_journal
from gateway.journal.encoding import CHAIN_START, Packer, chain_of, leaf_of
from gateway.model import Checkpoint, Series, Verdict
from tests.journal.support import NOON, Drafts, dsn_of, read_checkpoint, read_receipt, run, seal_checkpoint

TABLES = ("entries", "filings", "checkpoints", "ledgers")


async def report_on(dsn: str) -> Report:
    return await verify_journal(dsn, read_receipt, read_checkpoint)


async def damage(dsn: str, statement: str, *arguments: object) -> None:
    """Changes rows behind the triggers' back, as somebody with the superuser's rights can."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        assert (await connection.execute(statement, *arguments)).split()[-1] != "0"
    finally:
        await connection.close()


@pytest.fixture(scope="module")
async def filled_once(postgres_dsn: str, template: str) -> str:
    """Ten entries, checkpoints at 4, 7 and 10, and a copy of all tables to go back to."""
    name = f"journal_filled_{uuid.uuid4().hex[:8]}"
    await run(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
    dsn, draft = dsn_of(postgres_dsn, name), Drafts(made=1_000_000)
    async with Journal(dsn) as journal:
        checkpointer = Checkpointer(journal, seal_checkpoint, lambda: NOON)
        for count in (4, 3, 3):
            for number in range(count):
                verdict = Verdict.REFUSED if number == 1 else Verdict.ACCEPTED_WITH_WARNINGS
                await journal.append(draft(verdict=verdict, series=Series("S", 10 * count + number + draft.made, {})))
            await checkpointer.make()
    await run(dsn, "CREATE SCHEMA saved")
    for table in TABLES:
        await run(dsn, f"CREATE TABLE saved.{table} AS TABLE {table}")
    return dsn


@pytest.fixture
async def filled(filled_once: str) -> AsyncIterator[str]:
    yield filled_once
    for table in TABLES:
        await damage(filled_once, f"TRUNCATE {table}")
        await damage(filled_once, f"INSERT INTO {table} SELECT * FROM saved.{table}")


async def test_an_untouched_log_is_intact(filled: str) -> None:
    report = await report_on(filled)
    assert report == Report(ledgers=1, entries=10, filings=10, checkpoints=3, broken=0, breaks=())
    assert report.intact
    assert report.first is None


async def test_an_empty_log_is_intact(dsn: str) -> None:
    assert (await report_on(dsn)).intact


async def test_progress_is_told(filled: str) -> None:
    told: list[tuple[int, int, int]] = []
    await verify_journal(
        filled, read_receipt, read_checkpoint, lambda ledger, seq, length: told.append((ledger, seq, length))
    )
    assert told[-1] == (0, 10, 10)


TEXT = "overlay({0} placing (CASE WHEN substr({0}, {1}, 1) = 'x' THEN 'y' ELSE 'x' END) from {1} for 1)"
BYTES = "set_byte({0}, {1}, get_byte({0}, {1}) # 1)"


@pytest.mark.parametrize(
    ("column", "change", "what"),
    [
        ("receipt_id", "overlay(receipt_id::text placing 'abcd' from 1 for 4)::uuid", "receipt_id"),
        ("sender", TEXT.format("sender", 5), "sender"),
        ("document", TEXT.format("document", 5), "document"),
        ("document", "NULL", "document"),
        ("version", TEXT.format("version", 2), "version"),
        ("verdict", "'accepted'", "verdict"),
        ("verdict", TEXT.format("verdict", 2), "verdict"),
        ("family", TEXT.format("family", 1), "family"),
        ("edition", TEXT.format("edition", 4), "edition"),
        ("received_at", "received_at + interval '1 microsecond'", "received_at"),
        ("sha256", BYTES.format("sha256", 31), "sha256"),
        ("body", BYTES.format("body", 0), "body"),
        ("body", BYTES.format("body", "octet_length(body) / 2"), "body"),
        ("body", BYTES.format("body", "octet_length(body) - 1"), "body"),
        ("body", "substr(body, 1, 9)", "body"),
        ("body", "''::bytea", "body"),
        ("body", r"body || '\x00'::bytea", "body"),
        ("body", r"'\x28b52ffda0ffffffff'::bytea", "body"),
        ("receipt", TEXT.format("receipt", 20), "receipt"),
        ("receipt", TEXT.format("receipt", "length(receipt)"), "receipt"),
        ("receipt", "''", "receipt"),
        ("records", BYTES.format("records", 1), "records"),
        ("records", BYTES.format("records", "octet_length(records) - 1"), "records"),
        ("series", "NULL", "series"),
        ("series", "'T'", "series"),
        ("number", "number + 1", "number"),
        ("leaf", BYTES.format("leaf", 0), "leaf"),
        ("leaf", "''::bytea", "leaf"),
        ("chain", BYTES.format("chain", 31), "chain"),
        ("seq", "500", "missing"),
        ("ledger", "3", "missing"),
    ],
)
async def test_a_change_in_a_column_of_an_entry_is_found_and_named(
    filled: str, column: str, change: str, what: str
) -> None:
    before = (await run(filled, "SELECT receipt_id FROM entries WHERE seq = 6"))[0]["receipt_id"]
    await damage(filled, f"UPDATE entries SET {column} = {change} WHERE seq = 6")
    first = (await report_on(filled)).first
    assert first is not None
    assert (first.ledger, first.seq, first.what) == (0, 6, what), first
    if what not in ("missing", "receipt_id"):
        assert first.receipt_id == before


@pytest.mark.parametrize("column", ["leaf", "chain"])
@pytest.mark.parametrize("seq", [1, 6, 10])
async def test_one_damaged_digest_is_one_break(filled: str, column: str, seq: int) -> None:
    await damage(filled, f"UPDATE entries SET {column} = {BYTES.format(column, 9)} WHERE seq = {seq}")
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(seq, column)]


async def test_every_byte_of_a_stored_body_counts(filled: str) -> None:
    length = (await run(filled, "SELECT octet_length(body) AS n FROM entries WHERE seq = 3"))[0]["n"]
    for position in range(length):
        await damage(filled, f"UPDATE entries SET body = {BYTES.format('body', position)} WHERE seq = 3")
        first = (await report_on(filled)).first
        assert first is not None
        assert (first.seq, first.what) in {(3, "body"), (3, "entry")}, position
        await damage(filled, f"UPDATE entries SET body = {BYTES.format('body', position)} WHERE seq = 3")
    assert (await report_on(filled)).intact


async def test_records_that_were_replaced_by_sound_ones_are_found(filled: str) -> None:
    await damage(filled, "UPDATE entries SET records = (SELECT records FROM entries WHERE seq = 5) WHERE seq = 6")
    first = (await report_on(filled)).first
    assert first is not None
    assert (first.seq, first.what) == (6, "entry")


async def test_a_removed_entry_is_found(filled: str) -> None:
    await damage(filled, "DELETE FROM entries WHERE seq = 4")
    await damage(filled, "DELETE FROM filings WHERE seq = 4")
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(4, "missing"), (4, "checkpoint")]
    assert report.entries == 9


async def test_an_entry_before_the_first_is_found(filled: str) -> None:
    await damage(filled, "UPDATE entries SET seq = 0 WHERE seq = 1")
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks][:2] == [(0, "extra"), (1, "missing")]


async def test_a_log_cut_short_together_with_its_head_is_found_by_its_checkpoint(filled: str) -> None:
    await damage(filled, "DELETE FROM entries WHERE seq > 8")
    await damage(filled, "DELETE FROM filings WHERE seq > 8")
    await damage(filled, "UPDATE ledgers SET seq = 8, chain = (SELECT chain FROM entries WHERE seq = 8)")
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(10, "checkpoint")]


async def test_a_history_rewritten_with_fitting_digests_is_found_by_its_checkpoints(filled: str, draft: Drafts) -> None:
    rows = await run(filled, "SELECT * FROM entries ORDER BY seq")
    forged = Packer().row(draft(document="FORGED"))
    chain = rows[4]["chain"]
    for row in rows[5:]:
        leaf = row["leaf"]
        if row["seq"] == 6:
            leaf = leaf_of(forged)
            await damage(
                filled,
                "UPDATE entries SET receipt_id = $1, sender = $2, document = $3, version = $4, verdict = $5,"
                " received_at = $6, sha256 = $7, body = $8, receipt = $9, records = $10, leaf = $11,"
                " series = NULL, number = NULL WHERE seq = 6",
                forged.receipt_id,
                forged.sender,
                forged.document,
                forged.version,
                forged.verdict,
                forged.received_at,
                forged.sha256,
                forged.body,
                forged.receipt,
                forged.records,
                leaf,
            )
        chain = chain_of(chain, leaf)
        await damage(filled, "UPDATE entries SET chain = $1 WHERE seq = $2", chain, row["seq"])
    await damage(filled, "UPDATE ledgers SET chain = $1", chain)
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [
        (6, "filing"),
        (7, "checkpoint"),
        (10, "checkpoint"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        f"sha256 = {BYTES.format('sha256', 3)}",
        f"sender = {TEXT.format('sender', 3)}",
        "receipt_id = overlay(receipt_id::text placing 'abcd' from 1 for 4)::uuid",
        f"document = {TEXT.format('document', 3)}",
        "document = NULL",
        "series = 'T'",
        "number = NULL",
        f"version = {TEXT.format('version', 3)}",
        "accepted = NOT accepted",
        "seq = 5000",
        "ledger = 9",
    ],
)
async def test_a_change_in_a_row_of_keys_is_found_and_named(filled: str, change: str) -> None:
    await damage(filled, f"UPDATE filings SET {change} WHERE seq = 6")
    first = (await report_on(filled)).first
    assert first is not None
    assert (first.seq, first.what) == (6, "filing")


async def test_a_missing_row_of_keys_is_found(filled: str) -> None:
    await damage(filled, "DELETE FROM filings WHERE seq = 10")
    report = await report_on(filled)
    assert [(found.seq, found.what, found.receipt_id is None) for found in report.breaks] == [(10, "filing", False)]


async def test_a_row_of_keys_without_an_entry_is_found(filled: str) -> None:
    await damage(
        filled,
        "INSERT INTO filings (sha256, sender, receipt_id, ledger, seq, accepted) VALUES ('', 'x', $1, 0, 77, false)",
        uuid.uuid4(),
    )
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(77, "filing")]


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        ("seq = 8", 8),
        ("seq = 80", 80),
        (f"chain = {BYTES.format('chain', 3)}", 7),
        ("made_at = made_at + interval '1 microsecond'", 7),
        (f"jws = {TEXT.format('jws', 3)}", 7),
        ("jws = ''", 7),
        ("jws = (SELECT jws FROM checkpoints WHERE seq = 4)", 7),
    ],
)
async def test_a_change_in_a_checkpoint_is_found_and_named(filled: str, change: str, seq: int) -> None:
    await damage(filled, f"UPDATE checkpoints SET {change} WHERE seq = 7")
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(seq, "checkpoint")]


async def test_a_checkpoint_of_another_ledger_is_found(filled: str) -> None:
    await damage(filled, "UPDATE checkpoints SET ledger = 5 WHERE seq = 7")
    first = (await report_on(filled)).first
    assert first == Break(5, 7, "extra", "checkpoint of a ledger that does not exist")


@pytest.mark.parametrize(
    "change", ["seq = 9", "seq = 11", "seq = 0", f"chain = {BYTES.format('chain', 3)}", "chain = sha256('')"]
)
async def test_a_change_in_the_head_is_found_and_named(filled: str, change: str) -> None:
    await damage(filled, f"UPDATE ledgers SET {change}")
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(10, "head")]


@pytest.mark.parametrize("statement", ["DELETE FROM ledgers", "UPDATE ledgers SET ledger = 4"])
async def test_a_lost_head_is_found(filled: str, statement: str) -> None:
    await damage(filled, statement)
    report = await report_on(filled)
    assert not report.intact
    assert report.first is not None


async def test_a_sealed_checkpoint_that_tells_of_another_chain_is_found(filled: str) -> None:
    forged = await seal_checkpoint(Checkpoint(0, 9, CHAIN_START, NOON))
    await damage(
        filled,
        "INSERT INTO checkpoints VALUES ($1, $2, $3, $4, $5)",
        forged.ledger,
        forged.seq,
        forged.chain,
        forged.made_at,
        forged.jws,
    )
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(9, "checkpoint")]


async def test_all_breaks_are_counted_and_the_first_is_named(filled: str) -> None:
    await damage(filled, "UPDATE entries SET edition = 'other' WHERE seq IN (3, 5, 9)")
    report = await report_on(filled)
    assert [(found.seq, found.what) for found in report.breaks] == [(3, "edition"), (5, "edition"), (9, "edition")]
    assert report.broken == 3
    assert str(report.breaks[0]).startswith(f"ledger 0, entry 3, receipt {report.breaks[0].receipt_id}: edition: ")


async def test_breaks_beyond_the_hundredth_are_counted_and_not_kept(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn) as journal:
        for _ in range(130):
            await journal.append(draft())
    await damage(dsn, "UPDATE entries SET edition = 'other'")
    report = await report_on(dsn)
    assert (report.broken, len(report.breaks), report.entries) == (130, 100, 130)


async def test_a_receipt_of_another_entry_is_found(filled: str) -> None:
    await damage(filled, "UPDATE entries SET receipt = (SELECT receipt FROM entries WHERE seq = 5) WHERE seq = 6")
    first = (await report_on(filled)).first
    assert first is not None
    assert (first.seq, first.what) == (6, "receipt_id")


async def test_a_part_that_postgresql_itself_cannot_read_is_named(filled: str) -> None:
    draft = Drafts()
    async with Journal(filled) as journal:
        await journal.append(draft(bytes(range(256)) * 3))
        for number in range(40):
            await journal.append(draft(random.Random(number).randbytes(9000)))
        await run(filled, "CREATE EXTENSION pg_surgery")
        await run(
            filled,
            "SELECT heap_force_kill(reltoastrelid, ARRAY['(3,1)']::tid[]) FROM pg_class"
            " WHERE relname = 'entries_000000'",
        )
        with pytest.raises(JournalDamaged, match="PostgreSQL cannot read"):
            await journal.read(0, 0, 100)
    report = await report_on(filled)
    assert report.first is not None
    assert report.first.what == "storage"


async def test_what_is_filed_during_a_verification_does_not_disturb_it(filled: str, draft: Drafts) -> None:
    async with Journal(filled) as journal:
        filing = asyncio.gather(*(journal.append(draft()) for _ in range(300)))
        while not filing.done():
            assert (await report_on(filled)).intact
        await filing
    assert (await report_on(filled)).entries == 310


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET verdict = 'refused'",
        "DELETE FROM entries WHERE seq = 3",
        "TRUNCATE entries",
        "TRUNCATE entries_000000",
        "UPDATE filings SET accepted = false",
        "DELETE FROM filings",
        "TRUNCATE filings",
        "UPDATE checkpoints SET jws = ''",
        "DELETE FROM checkpoints",
        "TRUNCATE checkpoints",
        "UPDATE ledgers SET seq = 3",
        "UPDATE ledgers SET ledger = 7, seq = 70",
        "DELETE FROM ledgers",
        "TRUNCATE ledgers",
    ],
)
async def test_postgresql_itself_refuses_to_change_what_was_written(filled: str, statement: str) -> None:
    with pytest.raises(asyncpg.exceptions.RestrictViolationError):
        await run(filled, statement)
    assert (await report_on(filled)).intact
