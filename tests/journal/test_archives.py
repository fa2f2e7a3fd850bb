"""Old partitions go to files, out of the log and back, large entries with their parts, and nothing of them is lost."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import asyncpg
import orjson
import pytest

from gateway.archive.errors import ArchiveBroken
from gateway.archive.keeping import detach_archive, restore_archive
from gateway.archive.lines import entry_line, entry_of_line
from gateway.archive.manifest import read_manifest
from gateway.archive.mounted import MountedArchives
from gateway.archive.parts import ArchivedEntry, PartLengths, parts_name
from gateway.archive.verification import verify_archives
from gateway.journal import ArchiveStore, ArchivingRefused, EntryArchived, Journal, Partition, Report, verify_journal
from gateway.journal.errors import NoCheckpoint
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.receipts import read_receipt
from tests.bus.kit import KEYSET
from tests.journal.archives import CLOSED_ENTRIES, LARGE, PUBLISHED, SIZE, ClosedLog, archived, detached
from tests.journal.support import BANK, Drafts, run

EVERYTHING = "SELECT entries::text AS row FROM entries ORDER BY ledger, seq"
PARTS = "SELECT entry_parts::text AS row FROM entry_parts ORDER BY receipt_id, kind, number"


async def verified(dsn: str, after: dict[int, int] | None = None) -> Report:
    readers = partial(read_receipt, keys=KEYSET), partial(read_checkpoint, keys=KEYSET)
    return await verify_journal(dsn, *readers, after=after)


async def stored(dsn: str) -> tuple[Sequence[asyncpg.Record], Sequence[asyncpg.Record]]:
    return await run(dsn, EVERYTHING), await run(dsn, PARTS)


async def test_a_partition_goes_to_files_and_back_and_is_the_same_to_the_byte(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    before = await stored(closed.dsn)
    paths = [await detached(closed.dsn, store, number, tmp_path) for number in (0, 1)]
    assert [path.name for path in paths] == ["fma-entries-000000", "fma-entries-000001"]
    entries, parts = await stored(closed.dsn)
    assert (len(entries), len(parts)) == (CLOSED_ENTRIES - (2 * SIZE - 1), 0)
    assert verify_archives(paths, KEYSET).intact
    for path in reversed(paths):
        await restore_archive(store, path, KEYSET, "an officer")
    assert await stored(closed.dsn) == before
    assert (await verified(closed.dsn)).intact
    assert [(each.partition, each.action, each.person) for each in await store.actions()] == [
        (number, action, "an officer")
        for number, action in ((0, "detached"), (1, "detached"), (1, "restored"), (0, "restored"))
    ]
    for statement in ("DELETE FROM entries WHERE seq = 2", "TRUNCATE entries_000001", "DELETE FROM entry_parts"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await run(closed.dsn, statement)


async def test_the_gateway_goes_on_without_the_bytes_of_archived_entries(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    await detached(closed.dsn, store, 0, tmp_path)
    async with Journal(closed.dsn) as journal:
        for given, first in closed.filed:
            again = await journal.append(given)
            assert (again.receipt_id, again.jws, again.seq) == (first.receipt_id, first.jws, first.seq)
            assert again.repeated
        (draft_of_old, old), (_, large), (newest, new) = closed.filed[0], closed.filed[LARGE - 1], closed.filed[-1]
        assert [each.jws for each in await journal.page(BANK)] == [each.jws for _, each in closed.filed]
        assert await journal.filed(old.receipt_id, BANK) == await journal.find(draft_of_old.receipt.sha256)
        for gone in (old, large):
            with pytest.raises(EntryArchived, match=f"entry {gone.seq}:"):
                await journal.by_id(gone.receipt_id, BANK)
        with pytest.raises(EntryArchived, match="gateway archive restore"):
            await journal.read(0, 0, 10)
        assert [entry.seq for entry in await journal.read(0, SIZE, 3)] == [SIZE + 1, SIZE + 2, SIZE + 3]
        entry = await journal.by_id(new.receipt_id, BANK)
        assert entry is not None
        assert entry.body == newest.body
        assert not (await journal.append(Drafts(CLOSED_ENTRIES)())).repeated


async def test_mounted_archives_give_the_bytes_that_the_receipt_names_and_no_others(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    path = await detached(closed.dsn, store, 0, tmp_path)
    mounted, filed = MountedArchives(tmp_path), closed.filed
    for given, place in filed[: SIZE - 1]:
        found = mounted.body(0, place.seq, given.receipt.sha256)
        assert found is not None
        assert (b"".join(found.pieces()), found.size) == (given.body, len(given.body))
        assert max(map(len, found.pieces())) <= 1000
        assert mounted.body(0, place.seq, "00" * 32) is None
    assert mounted.body(0, SIZE, filed[SIZE - 1][0].receipt.sha256) is None
    assert MountedArchives(None).body(0, 1, filed[0][0].receipt.sha256) is None
    for file in path.iterdir():
        file.write_bytes(b"damaged")
    for given, place in filed[:LARGE]:
        assert mounted.body(0, place.seq, given.receipt.sha256) is None


async def test_what_stays_of_archived_entries_is_verified_with_the_log(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    await detached(closed.dsn, store, 0, tmp_path)
    report = await verified(closed.dsn)
    assert (report.intact, report.entries, report.filings, report.checkpoints) == (True, 14, 14, 14)
    await run(closed.dsn, "ALTER TABLE archived_entries DISABLE TRIGGER append_only")
    await run(closed.dsn, "UPDATE archived_entries SET receipt = 'x' || receipt WHERE seq = 2")
    await run(closed.dsn, "UPDATE archived_entries SET leaf = sha256(leaf) WHERE seq = 3")
    found = await verified(closed.dsn)
    assert {(each.seq, each.what) for each in found.breaks} >= {(2, "receipt"), (3, "chain")}
    await run(closed.dsn, "DELETE FROM archived_entries WHERE seq = 1")
    assert next((each.seq, each.what) for each in (await verified(closed.dsn)).breaks) == (1, "missing")


async def test_a_verification_begins_behind_a_sealed_checkpoint_and_only_there(closed: ClosedLog) -> None:
    report = await verified(closed.dsn, {0: 9})
    assert (report.intact, report.entries, report.filings, report.checkpoints) == (True, 5, 5, 5)
    await run(closed.dsn, "ALTER TABLE checkpoints DISABLE TRIGGER append_only")
    await run(closed.dsn, "UPDATE checkpoints SET chain = sha256(chain) WHERE seq = 9")
    assert next(each.seq for each in (await verified(closed.dsn, {0: 9})).breaks) == 9
    await run(closed.dsn, "DELETE FROM checkpoints WHERE seq = 9")
    with pytest.raises(NoCheckpoint, match="the one before it is at 8"):
        await verified(closed.dsn, {0: 9})


async def test_the_leaves_of_archived_entries_are_answered_and_end_before_one_that_is_missing(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    async with Journal(closed.dsn) as journal:
        before = await journal.leaves(0, 0, 100)
        await detached(closed.dsn, store, 0, tmp_path)
        assert len(before) == CLOSED_ENTRIES
        assert await journal.leaves(0, 0, 100) == before
        assert await journal.leaves(0, SIZE - 2, 3) == before[SIZE - 2 : SIZE + 1]
        await run(closed.dsn, "ALTER TABLE archived_entries DISABLE TRIGGER append_only")
        await run(closed.dsn, "DELETE FROM archived_entries WHERE seq = 2")
        assert await journal.leaves(0, 0, 100) == before[:1]
        assert await journal.leaves(0, 1, 100) == []


async def test_appends_and_reads_go_on_while_a_partition_is_detached(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    path = await archived(closed.dsn, 0, tmp_path)
    next_draft = Drafts(CLOSED_ENTRIES)
    async with Journal(closed.dsn) as journal:
        leaves = await journal.leaves(0, 0, CLOSED_ENTRIES)
        moving = asyncio.create_task(detach_archive(store, path, KEYSET, PUBLISHED, "an officer"))
        appending = asyncio.gather(*(journal.append(next_draft()) for _ in range(60)))
        while not moving.done():
            assert await journal.leaves(0, 0, CLOSED_ENTRIES) == leaves
        await moving
        assert sorted(each.seq for each in await appending) == list(range(15, 75))


async def test_parts_that_a_killed_command_left_are_deleted_by_the_next_one_before_anything_comes_back(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    before = await stored(closed.dsn)
    path = await archived(closed.dsn, 0, tmp_path)
    digest = read_manifest(path)[1]
    await store.detach(0, digest, "an officer")
    assert (await stored(closed.dsn))[1] == before[1]
    with pytest.raises(ArchivingRefused, match="still being deleted"):
        await store.restore(0, digest, iter(()), "an officer")
    await restore_archive(store, path, KEYSET, "an officer")
    assert await stored(closed.dsn) == before
    await store.detach(0, digest, "an officer")
    with pytest.raises(ArchivingRefused, match="no partition 0 as this archive has it"):
        await detach_archive(store, path, KEYSET, PUBLISHED, "an officer")
    assert (await stored(closed.dsn))[1] == []


async def test_parts_that_change_after_the_archive_was_verified_are_not_restored(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await detached(closed.dsn, store, 0, tmp_path)
    before = await stored(closed.dsn)
    file = path / parts_name("records", 0, LARGE)
    again = store.drop_archived_parts

    async def drop_and_damage() -> None:
        await again()
        file.write_bytes(file.read_bytes()[:-1])

    monkeypatch.setattr(store, "drop_archived_parts", drop_and_damage)
    with pytest.raises(ArchiveBroken, match="entry 2: records: part 3 of 3"):
        await restore_archive(store, path, KEYSET, "an officer")
    assert await stored(closed.dsn) == before


async def test_a_line_holds_every_column_of_an_entry_and_the_lengths_of_its_parts(store: ArchiveStore) -> None:
    async for each in store.entries(0, Partition(0, 0, SIZE)):
        lengths = PartLengths((7, 8), (9,)) if each.row.in_parts else None
        line = entry_line(ArchivedEntry(each, lengths))
        assert entry_of_line(line) == ArchivedEntry(each, lengths)
        facts = orjson.loads(line)
        assert {"series", "number", "body", "records", "leaf", "chain", "seq"} < facts.keys()
        assert ("parts" in facts) == (each.seq == LARGE)
        for wrong in ({"body": [7]}, {"body": [0], "records": []}, {"body": [1 << 40], "records": []}, [1]):
            with pytest.raises(ArchiveBroken):
                entry_of_line(orjson.dumps({**facts, "parts": wrong}))
