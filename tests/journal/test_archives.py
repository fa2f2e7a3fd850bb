"""Old partitions go to files, out of the log and back; nothing of them is lost, and a changed byte is found."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg
import orjson
import pytest

from gateway.archive.creating import create_archive
from gateway.archive.errors import ArchiveBroken, RetentionRefused
from gateway.archive.keeping import (
    Published,
    Retention,
    detach_archive,
    discard_archive,
    needs,
    restore_archive,
    retention,
)
from gateway.archive.lines import entry_line, entry_of_line
from gateway.archive.manifest import MANIFEST, read_manifest
from gateway.archive.mounted import MountedArchives
from gateway.archive.verification import verify_archives
from gateway.journal import (
    ArchiveStore,
    ArchivingRefused,
    EntryArchived,
    Journal,
    Partition,
    Report,
    verify_journal,
)
from gateway.journal.errors import NoCheckpoint
from gateway.journal.timestamps import Timestamps
from gateway.model import Draft, Filed, Timestamp
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.receipts import read_receipt
from gateway.sealing.timestamps import TimestampTrust, timestamp_question
from tests.bus.kit import KEYS, KEYSET, make_keys
from tests.journal.archives import LATER, PUBLISHED, SEALING, SIZE, archived, fill, sealed_draft, small_partitions
from tests.journal.large import file_in_parts
from tests.journal.support import BANK, Drafts, dsn_of, run
from tests.support.tsa import TimestampAuthority, authority, stamper

EVERYTHING = "SELECT entries::text AS row FROM entries ORDER BY ledger, seq"


@pytest.fixture
async def filled(dsn: str, draft: Drafts) -> list[tuple[Draft, Filed]]:
    await small_partitions(dsn)
    async with Journal(dsn) as journal:
        return await fill(journal, draft, 14)


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[ArchiveStore]:
    async with ArchiveStore(dsn) as store:
        yield store


def names(place: Path) -> list[str]:
    return sorted(item.name for item in place.iterdir())


async def verified(dsn: str, after: dict[int, int] | None = None) -> Report:
    readers = partial(read_receipt, keys=KEYSET), partial(read_checkpoint, keys=KEYSET)
    return await verify_journal(dsn, *readers, after=after)


async def detached(dsn: str, store: ArchiveStore, number: int, place: Path) -> Path:
    path = await archived(dsn, number, place)
    await detach_archive(store, path, KEYSET, PUBLISHED, "an officer")
    return path


@pytest.mark.usefixtures("filled")
async def test_a_partition_goes_to_files_and_back_and_is_the_same_to_the_byte(
    dsn: str, store: ArchiveStore, tmp_path: Path
) -> None:
    before = await run(dsn, EVERYTHING)
    paths = [await detached(dsn, store, number, tmp_path) for number in (0, 1)]
    assert [path.name for path in paths] == ["fma-entries-000000", "fma-entries-000001"]
    assert len(await run(dsn, EVERYTHING)) == 14 - (2 * SIZE - 1)
    assert verify_archives(paths, KEYSET).intact
    for path in reversed(paths):
        await restore_archive(store, path, KEYSET, "an officer")
    assert await run(dsn, EVERYTHING) == before
    assert (await verified(dsn)).intact
    assert [(each.partition, each.action, each.person) for each in await store.actions()] == [
        (number, action, "an officer")
        for number, action in ((0, "detached"), (1, "detached"), (1, "restored"), (0, "restored"))
    ]
    with pytest.raises(asyncpg.RestrictViolationError):
        await run(dsn, "DELETE FROM entries WHERE seq = 2")
    with pytest.raises(asyncpg.RestrictViolationError):
        await run(dsn, "TRUNCATE entries_000001")


async def test_the_gateway_goes_on_without_the_bytes_of_archived_entries(
    dsn: str, store: ArchiveStore, tmp_path: Path, filled: list[tuple[Draft, Filed]], draft: Drafts
) -> None:
    await detached(dsn, store, 0, tmp_path)
    async with Journal(dsn) as journal:
        for given, first in filled:
            again = await journal.append(given)
            assert (again.receipt_id, again.jws, again.seq, again.repeated) == (
                first.receipt_id,
                first.jws,
                first.seq,
                True,
            )
        old, new = filled[0][1], filled[-1][1]
        assert [each.jws for each in await journal.page(BANK)] == [each.jws for _, each in filled]
        assert await journal.filed(old.receipt_id, BANK) == await journal.find(filled[0][0].receipt.sha256)
        with pytest.raises(EntryArchived, match="entry 1:"):
            await journal.by_id(old.receipt_id, BANK)
        with pytest.raises(EntryArchived, match="gateway archive restore"):
            await journal.read(0, 0, 10)
        assert [entry.seq for entry in await journal.read(0, SIZE, 3)] == [SIZE + 1, SIZE + 2, SIZE + 3]
        entry = await journal.by_id(new.receipt_id, BANK)
        assert entry is not None
        assert entry.body == filled[-1][0].body
        await journal.append(draft())


async def test_mounted_archives_give_the_bytes_that_the_receipt_names_and_no_others(
    dsn: str, store: ArchiveStore, tmp_path: Path, filled: list[tuple[Draft, Filed]]
) -> None:
    await detached(dsn, store, 0, tmp_path)
    mounted = MountedArchives(tmp_path)
    for given, filed in filled[: SIZE - 1]:
        assert mounted.body(0, filed.seq, given.receipt.sha256) == given.body
        assert mounted.body(0, filed.seq, "00" * 32) is None
    assert mounted.body(0, SIZE, filled[SIZE - 1][0].receipt.sha256) is None
    assert MountedArchives(None).body(0, 1, filled[0][0].receipt.sha256) is None
    for name in names(tmp_path / "fma-entries-000000"):
        (tmp_path / "fma-entries-000000" / name).write_bytes(b"damaged")
    assert mounted.body(0, 1, filled[0][0].receipt.sha256) is None


@pytest.mark.usefixtures("filled")
async def test_what_stays_of_archived_entries_is_verified_with_the_log(
    dsn: str, store: ArchiveStore, tmp_path: Path
) -> None:
    await detached(dsn, store, 0, tmp_path)
    report = await verified(dsn)
    assert (report.intact, report.entries, report.filings, report.checkpoints) == (True, 14, 14, 14)
    await run(dsn, "ALTER TABLE archived_entries DISABLE TRIGGER append_only")
    await run(dsn, "UPDATE archived_entries SET receipt = 'x' || receipt WHERE seq = 2")
    await run(dsn, "UPDATE archived_entries SET leaf = sha256(leaf) WHERE seq = 3")
    found = await verified(dsn)
    assert {(each.seq, each.what) for each in found.breaks} >= {(2, "receipt"), (3, "chain")}
    await run(dsn, "DELETE FROM archived_entries WHERE seq = 1")
    assert next((each.seq, each.what) for each in (await verified(dsn)).breaks) == (1, "missing")


@pytest.mark.usefixtures("filled")
async def test_a_verification_begins_behind_a_sealed_checkpoint_and_only_there(dsn: str) -> None:
    report = await verified(dsn, {0: 9})
    assert (report.intact, report.entries, report.filings, report.checkpoints) == (True, 5, 5, 5)
    await run(dsn, "ALTER TABLE checkpoints DISABLE TRIGGER append_only")
    await run(dsn, "UPDATE checkpoints SET chain = sha256(chain) WHERE seq = 9")
    assert next(each.seq for each in (await verified(dsn, {0: 9})).breaks) == 9
    await run(dsn, "DELETE FROM checkpoints WHERE seq = 9")
    with pytest.raises(NoCheckpoint, match="the one before it is at 8"):
        await verified(dsn, {0: 9})


@pytest.mark.parametrize(
    ("overseen", "published", "why"),
    [
        (2, PUBLISHED, "was overseen up to 2 only"),
        (3, {}, "is in Kafka up to 0 only"),
        (3, {0: Published(3, 3)}, "is in Kafka up to 3 only"),
        (3, {0: Published(4, 2)}, "has its checkpoints in Kafka up to 2 only"),
    ],
)
@pytest.mark.usefixtures("filled")
async def test_a_partition_that_somebody_needs_stays(
    dsn: str, tmp_path: Path, overseen: int, published: dict[int, Published], why: str
) -> None:
    path = await archived(dsn, 0, tmp_path)
    await run(dsn, "UPDATE oversight_positions SET seq = $1", overseen)
    async with ArchiveStore(dsn) as store:
        with pytest.raises(ArchivingRefused, match=why):
            await detach_archive(store, path, KEYSET, published, "an officer")
    assert len(await run(dsn, EVERYTHING)) == 14


async def test_the_partition_that_is_being_filled_and_one_without_a_checkpoint_stay(
    dsn: str, store: ArchiveStore
) -> None:
    last = (await store.partitions())[-1]
    assert any("must have more than" in why for why in await needs(store, last, PUBLISHED))
    with pytest.raises(ArchivingRefused, match="oldest partition of the log is 0"):
        await store.detach(2, bytes(32), "an officer")
    await run(dsn, "ALTER TABLE checkpoints DISABLE TRIGGER append_only")
    await run(dsn, "DELETE FROM checkpoints WHERE seq > 2")
    with pytest.raises(ArchivingRefused, match="still needed"):
        await store.detach(0, bytes(32), "an officer")


@pytest.mark.usefixtures("filled")
async def test_partitions_leave_from_the_oldest_and_come_back_from_the_latest(
    dsn: str, store: ArchiveStore, tmp_path: Path
) -> None:
    second = await archived(dsn, 1, tmp_path)
    with pytest.raises(ArchivingRefused, match="oldest partition of the log is 0"):
        await detach_archive(store, second, KEYSET, PUBLISHED, "an officer")
    first = await detached(dsn, store, 0, tmp_path)
    await detach_archive(store, second, KEYSET, PUBLISHED, "an officer")
    with pytest.raises(ArchivingRefused, match="restore that one first"):
        await restore_archive(store, first, KEYSET, "an officer")
    await restore_archive(store, second, KEYSET, "an officer")
    with pytest.raises(ArchivingRefused, match="is not archived"):
        await restore_archive(store, second, KEYSET, "an officer")


@pytest.mark.usefixtures("filled")
async def test_another_archive_of_the_same_partition_is_not_restored(
    dsn: str, store: ArchiveStore, tmp_path: Path
) -> None:
    await detached(dsn, store, 0, tmp_path / "one")
    await run(dsn, "ALTER TABLE archive_actions DISABLE TRIGGER append_only")
    await run(dsn, "UPDATE archive_actions SET manifest = sha256(manifest)")
    with pytest.raises(ArchivingRefused, match="went into another archive"):
        await restore_archive(store, tmp_path / "one" / "fma-entries-000000", KEYSET, "an officer")


@pytest.mark.usefixtures("filled")
async def test_nobody_without_the_right_moves_a_partition(dsn: str) -> None:
    await run(dsn, "DROP ROLE IF EXISTS mere_reader")
    await run(dsn, "CREATE ROLE mere_reader")
    await run(dsn, "GRANT USAGE ON SCHEMA public TO mere_reader")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET ROLE mere_reader")
        for call in ("detach_partition(0, '\\x00', 'me')", "begin_restore(0, '\\x00')", "finish_restore(0, 'me')"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT {call}")
    finally:
        await connection.close()
        await run(dsn, "DROP OWNED BY mere_reader")
        await run(dsn, "DROP ROLE mere_reader")


@pytest.mark.usefixtures("filled")
async def test_appends_and_reads_go_on_while_a_partition_is_detached(
    dsn: str, store: ArchiveStore, tmp_path: Path, draft: Drafts
) -> None:
    path = await archived(dsn, 0, tmp_path)
    async with Journal(dsn) as journal:
        moving = asyncio.create_task(detach_archive(store, path, KEYSET, PUBLISHED, "an officer"))
        filed = await asyncio.gather(*(journal.append(draft()) for _ in range(60)))
        await moving
    assert sorted(each.seq for each in filed) == list(range(15, 75))


async def test_every_changed_byte_of_an_archive_is_found_and_its_file_named(
    dsn: str, draft: Drafts, tmp_path: Path
) -> None:
    await small_partitions(dsn, size=2)
    async with Journal(dsn) as journal:
        await fill(journal, draft, 3)
    path = await archived(dsn, 0, tmp_path)
    assert verify_archives([path], KEYSET).intact
    files = sorted(path.iterdir())
    assert len(files) == 5
    for file in files:
        content = file.read_bytes()
        named = MANIFEST if file.name == "manifest.jws" else file.name
        for place in range(len(content)):
            file.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
            report = verify_archives([path], KEYSET)
            assert [each.file for each in report.breaks][:1] == [named], (file.name, place)
        file.write_bytes(content[:-1])
        assert not verify_archives([path], KEYSET).intact
        file.write_bytes(content + b"\n")
        assert not verify_archives([path], KEYSET).intact
        file.unlink()
        assert not verify_archives([path], KEYSET).intact
        file.write_bytes(content)
    (path / "more").write_bytes(b"")
    assert [each.what for each in verify_archives([path], KEYSET).breaks] == ["extra"]


@pytest.mark.usefixtures("filled")
async def test_an_archive_under_a_strangers_key_is_broken(dsn: str, tmp_path: Path) -> None:
    path = await archived(dsn, 0, tmp_path)
    stranger = make_keys()
    report = verify_archives([path], type(KEYSET).of(stranger))
    assert [(each.file, each.what) for each in report.breaks] == [(MANIFEST, "manifest")]


@pytest.mark.usefixtures("filled")
async def test_archives_that_do_not_join_are_found(dsn: str, tmp_path: Path, template: str, postgres_dsn: str) -> None:
    paths = [await archived(dsn, number, tmp_path / "own") for number in range(3)]
    assert verify_archives(list(reversed(paths)), KEYSET).intact
    gap = verify_archives([paths[0], paths[2]], KEYSET)
    assert [(each.archive, each.what) for each in gap.breaks] == [("fma-entries-000002", "join")]
    other = f"{template}_other"
    await run(postgres_dsn, f"CREATE DATABASE {other} TEMPLATE {template}")
    try:
        await small_partitions(dsn_of(dsn, other))
        async with Journal(dsn_of(dsn, other)) as journal:
            await fill(journal, Drafts(), 14)
        strange = await archived(dsn_of(dsn, other), 1, tmp_path / "other")
    finally:
        await run(postgres_dsn, f"DROP DATABASE {other} WITH (FORCE)")
    mixed = verify_archives([paths[0], strange], KEYSET)
    assert [(each.what, "does not go on" in each.detail) for each in mixed.breaks] == [("join", True)]


async def test_a_partition_with_a_message_in_parts_stays_and_is_named(dsn: str, tmp_path: Path, draft: Drafts) -> None:
    await small_partitions(dsn)
    async with Journal(dsn) as journal:
        await file_in_parts(journal, [await sealed_draft(draft())])
        await fill(journal, draft, 8)
    with pytest.raises(ArchivingRefused, match="ledger 0, entry 1 is a message in parts"):
        await archived(dsn, 0, tmp_path)
    assert names(tmp_path) == []
    assert (await archived(dsn, 1, tmp_path)).exists()


@pytest.mark.usefixtures("filled")
async def test_a_damaged_log_is_not_archived_and_nothing_is_left(dsn: str, tmp_path: Path) -> None:
    await run(dsn, "ALTER TABLE entries DISABLE TRIGGER append_only")
    await run(dsn, "UPDATE entries SET sender = sender || 'x' WHERE seq = 2")
    with pytest.raises(ArchiveBroken, match="ledger 0, entry 2: sender"):
        await archived(dsn, 0, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("filled")
async def test_what_a_killed_command_left_is_no_archive_and_in_nobodys_way(dsn: str, tmp_path: Path) -> None:
    left = tmp_path / ".fma-entries-000000.part"
    left.mkdir()
    (left / "entries-0-000000000001.jsonl.zst").write_bytes(b"half")
    path = await archived(dsn, 0, tmp_path)
    assert names(tmp_path) == [path.name]
    with pytest.raises(ArchivingRefused, match="there already"):
        await archived(dsn, 0, tmp_path)


@pytest.mark.usefixtures("filled")
async def test_a_key_that_fails_leaves_nothing(store: ArchiveStore, tmp_path: Path) -> None:
    class Failing(LocalKeyHolder):
        async def sign(self, message: bytes) -> bytes:
            del message
            raise ArchiveBroken("the key holder is away")

    failing = Failing(KEYS._key, KEYS.certificate)
    sealing = type(SEALING)(failing, KEYSET, LATER)
    with pytest.raises(ArchiveBroken, match="away"):
        await create_archive(store, (await store.partitions())[0], tmp_path, sealing)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("filled")
async def test_an_archive_that_is_not_what_the_log_has_takes_nothing_out_of_it(
    dsn: str, store: ArchiveStore, tmp_path: Path
) -> None:
    path = await archived(dsn, 0, tmp_path)
    await run(dsn, "ALTER TABLE entries DISABLE TRIGGER append_only")
    await run(dsn, "UPDATE entries SET chain = sha256(chain) WHERE seq = 3")
    with pytest.raises(ArchivingRefused, match="as the log has it"):
        await detach_archive(store, path, KEYSET, PUBLISHED, "an officer")


@pytest.mark.usefixtures("filled")
async def test_young_archives_are_kept_and_old_ones_go_with_a_record(
    dsn: str, store: ArchiveStore, tmp_path: Path
) -> None:
    path = await detached(dsn, store, 0, tmp_path)
    newest = read_manifest(path)[0].newest
    with pytest.raises(RetentionRefused, match=r"kept until 2031-11-22.*5 years \(proposed\)"):
        await discard_archive(store, path, KEYSET, retention().until(newest).replace(hour=0), "an officer")
    copy = shutil.copytree(path, tmp_path / "copy")
    await discard_archive(store, path, KEYSET, retention().until(newest), "an officer")
    assert names(tmp_path) == [copy.name]
    assert [each.action for each in await store.actions()] == ["detached", "discarded"]
    still = await archived(dsn, 1, tmp_path)
    with pytest.raises(ArchivingRefused, match="is not archived in this archive"):
        await discard_archive(store, still, KEYSET, retention().until(LATER), "an officer")
    assert still.exists()


def test_a_leap_day_is_kept_to_the_end_of_its_years() -> None:
    kept = Retention(5, "proposed", "")
    assert kept.until(datetime.fromisoformat("2028-02-29T12:00:00+00:00")).isoformat() == "2033-03-01T12:00:00+00:00"


@pytest.mark.usefixtures("filled")
async def test_a_line_holds_every_column_of_an_entry(store: ArchiveStore) -> None:
    async for stored in store.entries(0, Partition(0, 0, SIZE)):
        line = entry_line(stored)
        assert entry_of_line(line) == stored
        assert {"series", "number", "body", "records", "leaf", "chain", "seq"} < orjson.loads(line).keys()


async def test_an_archive_holds_the_time_stamps_of_its_checkpoints_and_they_are_verified(
    dsn: str, filled: list[tuple[Draft, Filed]], store: ArchiveStore, tmp_path: Path
) -> None:
    [checkpoint] = await store.checkpoints(0, Partition(0, 2, 3))
    root = authority()
    question = timestamp_question(checkpoint.jws, datetime.now(UTC))
    token = TimestampAuthority(stamper(root)).answer(question.der)
    async with Timestamps(dsn) as kept:
        await kept.store(Timestamp(0, 2, datetime.now(UTC), token, checkpoint.jws))
    path = await archived(dsn, 0, tmp_path)
    found = verify_archives([path], KEYSET, read_timestamp=TimestampTrust([root.certificate]).read)
    assert (found.intact, found.timestamps, len(filled)) == (True, 1, 14)
    other = verify_archives([path], KEYSET, read_timestamp=TimestampTrust([authority().certificate]).read)
    assert [(each.what, each.seq) for each in other.breaks] == [("timestamp", 2)]
