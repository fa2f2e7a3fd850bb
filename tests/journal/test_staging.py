"""Large messages: what goes in part by part comes out whole, once, or not at all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from gateway.errors import Unavailable
from gateway.journal import DocumentConflict, EntryRefused, Journal, JournalDamaged, LargeDraft, StagingLost
from gateway.journal.encoding import leaf_of
from gateway.journal.rows import stored_of
from gateway.model import Entry
from tests.journal.large import SMALL_PARTS, Large, again, file_large, large, pieces, records_in
from tests.journal.support import BANK, Drafts, run


@pytest.fixture
async def journal(dsn: str) -> AsyncIterator[Journal]:
    async with Journal(dsn, limits=SMALL_PARTS) as journal:
        yield journal


async def counts(dsn: str) -> tuple[int, int]:
    """How many stagings and parts there are."""
    found = await run(dsn, "SELECT (SELECT count(*) FROM stagings), (SELECT count(*) FROM entry_parts)")
    return found[0][0], found[0][1]


async def entry_of(journal: Journal, message: Large) -> Entry:
    entry = await journal.by_id(message.receipt.id, message.receipt.sender)
    assert entry is not None
    return entry


async def test_body_and_records_come_out_as_they_went_in(journal: Journal, draft: Drafts) -> None:
    await journal.append(draft())
    message = large(draft)
    filed = await file_large(journal, message)
    assert (filed.seq, filed.repeated, filed.receipt_id) == (2, False, message.receipt.id)
    entry = await entry_of(journal, message)
    assert b"".join(await pieces(journal.body(entry))) == message.body
    assert await records_in(journal, entry) == message.records
    assert entry.parts is not None
    assert entry.parts.size == len(message.body)
    assert [part.holds for part in entry.parts.records] == [11, 9, 5]


async def test_no_piece_that_is_given_or_stored_is_longer_than_a_part(
    journal: Journal, dsn: str, draft: Drafts
) -> None:
    message = large(draft)
    async with journal.stage(message.receipt) as staging:
        await staging.add_body(message.body)
        await staging.append(LargeDraft(message.receipt, len(message.body)))
    found = await pieces(journal.body(await entry_of(journal, message)))
    assert [len(piece) for piece in found] == [1000, 1000, 1000, 1000, 488]
    longest = await run(dsn, "SELECT max(octet_length(bytes)) FROM entry_parts")
    assert longest[0][0] < 1100


async def test_nobody_sees_a_message_before_it_is_appended(journal: Journal, draft: Drafts) -> None:
    message = large(draft)
    async with journal.stage(message.receipt) as staging:
        await staging.add_body(message.body)
        assert await journal.by_id(message.receipt.id, BANK) is None
        assert await journal.find(message.receipt.sha256) is None
        assert await journal.read(0, 0, 10) == []


async def test_what_is_left_without_an_append_is_deleted(journal: Journal, dsn: str, draft: Drafts) -> None:
    message = large(draft)
    async with journal.stage(message.receipt) as staging:
        await staging.add_body(message.body)
        await staging.add_records(message.segments[0])
        assert await counts(dsn) == (1, 6)
    assert await counts(dsn) == (0, 0)


async def test_the_same_bytes_staged_twice_at_once_are_one_entry(journal: Journal, dsn: str, draft: Drafts) -> None:
    first = large(draft)
    second = again(first, draft)
    answers = await asyncio.gather(file_large(journal, first), file_large(journal, second))
    assert sorted(answer.repeated for answer in answers) == [False, True]
    assert len({answer.receipt_id for answer in answers}) == 1
    assert (await journal.head(0)).seq == 1
    assert await counts(dsn) == (0, 8)


async def test_other_bytes_for_a_taken_document_are_a_conflict_and_leave_nothing(
    journal: Journal, dsn: str, draft: Drafts
) -> None:
    await journal.append(draft(document="TAKEN"))
    with pytest.raises(DocumentConflict):
        await file_large(journal, large(draft, document="TAKEN"))
    assert await counts(dsn) == (0, 0)


async def test_a_crashed_staging_is_swept_when_it_is_old_and_no_other(
    journal: Journal, dsn: str, draft: Drafts
) -> None:
    filed, old, alive = large(draft), large(draft, b"old " * 600), large(draft, b"alive " * 600)
    await file_large(journal, filed)
    for message in (old, alive):
        crashed = journal.stage(message.receipt)
        await crashed.__aenter__()
        await crashed.add_body(message.body)
    await run(
        dsn, "UPDATE stagings SET touched_at = now() - interval '61 minutes' WHERE receipt_id = $1", old.receipt.id
    )
    async with journal.stage(large(draft).receipt):
        pass
    found = await run(dsn, "SELECT DISTINCT receipt_id::text AS id FROM entry_parts")
    assert {row["id"] for row in found} == {str(filed.receipt.id), str(alive.receipt.id)}
    assert b"".join(await pieces(journal.body(await entry_of(journal, filed)))) == filed.body


async def test_a_swept_staging_that_goes_on_has_to_begin_again(journal: Journal, dsn: str, draft: Drafts) -> None:
    message = large(draft)
    async with journal.stage(message.receipt) as staging:
        await staging.add_body(message.body)
        await run(dsn, "SELECT give_up_staging($1)", message.receipt.id)
        with pytest.raises(StagingLost):
            await staging.add_records(message.segments[0])
        with pytest.raises(Unavailable):
            await staging.append(LargeDraft(message.receipt, len(message.body)))
    assert await counts(dsn) == (0, 0)


async def test_a_lost_staging_does_not_hold_up_what_is_filed_with_it(dsn: str, draft: Drafts) -> None:
    lone = replace(SMALL_PARTS, gather=0.5, busy=1, part_bytes=10_000)
    async with Journal(dsn, limits=lone) as journal:
        message = large(draft)
        async with journal.stage(message.receipt) as staging:
            await staging.add_body(message.body)
            await staging.add_records(())
            staged = journal.append(draft()), journal.append(draft())
            await staged[0]
            await run(dsn, "UPDATE stagings SET touched_at = now() - interval '2 hours'")
            await run(dsn, "SELECT sweep_stagings()")
            answers = await asyncio.gather(
                staged[1], staging.append(LargeDraft(message.receipt, len(message.body))), return_exceptions=True
            )
        assert not isinstance(answers[0], BaseException)
        assert isinstance(answers[1], StagingLost)


async def test_a_receipt_of_other_bytes_is_refused(journal: Journal, dsn: str, draft: Drafts) -> None:
    message = large(draft)
    async with journal.stage(message.receipt) as staging:
        await staging.add_body(message.body[:-1])
        with pytest.raises(EntryRefused):
            await staging.append(LargeDraft(message.receipt, len(message.body)))
    assert await counts(dsn) == (0, 0)


async def test_parts_of_an_entry_can_neither_be_changed_nor_deleted_nor_emptied(
    journal: Journal, dsn: str, draft: Drafts
) -> None:
    await file_large(journal, large(draft))
    for statement in ("UPDATE entry_parts SET bytes = ''", "DELETE FROM entry_parts", "TRUNCATE entry_parts"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await run(dsn, statement)


async def test_the_leaf_of_an_entry_covers_every_byte_of_its_parts(journal: Journal, dsn: str, draft: Drafts) -> None:
    message = large(draft)
    await file_large(journal, message)
    stored = stored_of((await run(dsn, "SELECT * FROM entries"))[0])
    assert leaf_of(stored.row) == stored.leaf
    parts = await run(dsn, "SELECT kind, bytes FROM entry_parts ORDER BY kind, number")
    for row in parts:
        listed = stored.row.body if row["kind"] == "body" else stored.row.records
        assert hashlib.sha256(row["bytes"]).digest() in listed


@pytest.mark.parametrize("kind", ["body", "records"])
async def test_a_changed_part_is_named_and_nothing_of_it_is_given(
    journal: Journal, dsn: str, draft: Drafts, kind: str
) -> None:
    message = large(draft)
    await file_large(journal, message)
    entry = await entry_of(journal, message)
    connection = await asyncpg.connect(dsn)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(
        "UPDATE entry_parts SET bytes = set_byte(bytes, 20, get_byte(bytes, 20) # 1) WHERE number = 1 AND kind = $1",
        kind,
    )
    await connection.close()
    reading = pieces(journal.body(entry)) if kind == "body" else records_in(journal, entry)
    with pytest.raises(JournalDamaged, match=f"entry 1, {kind} part 2"):
        await reading
    if kind == "records":
        with pytest.raises(JournalDamaged, match="entry 1, records part 2"):
            await journal.check_parts(entry)
