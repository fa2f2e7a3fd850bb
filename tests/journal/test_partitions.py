"""Partitions are made ahead; no append fails for want of one."""

import asyncio

import asyncpg

from gateway.journal import Journal, verify_journal
from gateway.journal.batches import PARTITION
from gateway.model import Filed
from tests.journal.support import Drafts, read_checkpoint, read_receipt, run


async def partitions(dsn: str) -> list[str]:
    found = await run(
        dsn, "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'entries'::regclass ORDER BY 1"
    )
    return [row["name"] for row in found]


async def stand_at(dsn: str, seq: int) -> None:
    await run(dsn, "UPDATE ledgers SET seq = $1 WHERE ledger = 0", seq)


async def test_the_first_append_leaves_a_whole_partition_ahead(journal: Journal, dsn: str, draft: Drafts) -> None:
    await journal.append(draft())
    await asyncio.sleep(0.2)
    assert await partitions(dsn) == ["entries_000000", "entries_000001"]


async def test_entering_a_partition_prepares_the_next_one(journal: Journal, dsn: str, draft: Drafts) -> None:
    await journal.append(draft())
    await stand_at(dsn, PARTITION - 5)
    filed = await asyncio.gather(*(journal.append(draft()) for _ in range(40)))
    assert sorted(item.seq for item in filed) == list(range(PARTITION - 4, PARTITION + 36))
    await journal.append(draft())
    assert "entries_000002" in await partitions(dsn)


async def test_a_missing_partition_is_made_when_an_append_meets_it(dsn: str, draft: Drafts) -> None:
    await stand_at(dsn, 7 * PARTITION + 1234)
    async with Journal(dsn) as one, Journal(dsn) as other:
        answers = await asyncio.gather(
            *(journal.append(draft()) for journal in (one, other) for _ in range(30)), return_exceptions=True
        )
    assert sum(isinstance(answer, Filed) for answer in answers) == 60
    assert await partitions(dsn) == ["entries_000000", "entries_000001", "entries_000007", "entries_000008"]


async def test_a_partition_that_another_process_makes_first_is_as_good(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn) as one, Journal(dsn) as other, Journal(dsn) as third:
        for number in range(1, 12):
            await stand_at(dsn, number * 3 * PARTITION)
            filed = await asyncio.gather(*(journal.append(draft()) for journal in (one, other, third)))
            assert sorted(item.seq - number * 3 * PARTITION for item in filed) == [1, 2, 3]


async def test_a_partition_is_made_while_others_append_and_read(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn) as journal:
        await journal.append(draft())
        connection = await asyncpg.connect(dsn)
        reading = connection.transaction()
        await reading.start()
        await connection.fetch("SELECT * FROM entries")
        appended = asyncio.gather(*(journal.append(draft()) for _ in range(100)))
        await asyncio.wait_for(run(dsn, "SELECT prepare_partition(5)"), 3)
        await appended
        await reading.rollback()
        await connection.close()


async def test_a_new_partition_stores_and_guards_as_the_first(dsn: str) -> None:
    await run(dsn, "SELECT prepare_partition(2)")
    described = [
        await run(
            dsn,
            "SELECT attname, attstorage, attnotnull FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
            " ORDER BY attnum",
            name,
        )
        for name in ("entries", "entries_000000", "entries_000002")
    ]
    assert described[0] == described[1] == described[2]
    triggers = await run(
        dsn, "SELECT tgname FROM pg_trigger WHERE tgrelid = 'entries_000002'::regclass ORDER BY tgname"
    )
    assert [row["tgname"] for row in triggers] == ["append_only", "never_emptied"]


async def test_a_log_over_several_partitions_is_read_and_verified_as_one(dsn: str, draft: Drafts) -> None:
    """The first entry of the later partition follows a gap made by hand: that gap is all there is to find."""
    async with Journal(dsn) as journal:
        await journal.append(draft())
        await stand_at(dsn, PARTITION - 3)
        for _ in range(6):
            await journal.append(draft())
        entries = await journal.read(0, PARTITION - 3, 100)
        assert [entry.seq for entry in entries] == list(range(PARTITION - 2, PARTITION + 4))
    report = await verify_journal(dsn, read_receipt, read_checkpoint)
    assert [(found.seq, found.what) for found in report.breaks] == [(2, "missing")]
    assert report.entries == 7
