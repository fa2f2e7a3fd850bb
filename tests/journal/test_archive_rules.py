"""What may be archived and moved, in which order and by whom, and how long archives are kept."""

import shutil
from datetime import datetime
from pathlib import Path

import asyncpg
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
from gateway.archive.manifest import read_manifest
from gateway.journal import ArchiveStore, ArchivingRefused
from gateway.sealing.keys import LocalKeyHolder
from tests.bus.kit import KEYS, KEYSET
from tests.journal.archives import CLOSED_ENTRIES, LATER, PUBLISHED, SEALING, ClosedLog, archived, detached
from tests.journal.support import run


def names(place: Path) -> list[str]:
    return sorted(item.name for item in place.iterdir())


@pytest.mark.parametrize(
    ("overseen", "published", "why"),
    [
        (2, PUBLISHED, "was overseen up to 2 only"),
        (3, {}, "is in Kafka up to 0 only"),
        (3, {0: Published(3, 3)}, "is in Kafka up to 3 only"),
        (3, {0: Published(4, 2)}, "has its checkpoints in Kafka up to 2 only"),
    ],
)
async def test_a_partition_that_somebody_needs_stays(
    closed: ClosedLog, tmp_path: Path, overseen: int, published: dict[int, Published], why: str
) -> None:
    path = await archived(closed.dsn, 0, tmp_path)
    await run(closed.dsn, "UPDATE oversight_positions SET seq = $1", overseen)
    async with ArchiveStore(closed.dsn) as store:
        with pytest.raises(ArchivingRefused, match=why):
            await detach_archive(store, path, KEYSET, published, "an officer")
    assert len(await run(closed.dsn, "SELECT FROM entries")) == CLOSED_ENTRIES


async def test_the_partition_that_is_being_filled_and_one_without_a_checkpoint_stay(
    closed: ClosedLog, store: ArchiveStore
) -> None:
    last = (await store.partitions())[-1]
    assert any("must have more than" in why for why in await needs(store, last, PUBLISHED))
    with pytest.raises(ArchivingRefused, match="oldest partition of the log is 0"):
        await store.detach(2, bytes(32), "an officer")
    await run(closed.dsn, "ALTER TABLE checkpoints DISABLE TRIGGER append_only")
    await run(closed.dsn, "DELETE FROM checkpoints WHERE seq > 2")
    with pytest.raises(ArchivingRefused, match="still needed"):
        await store.detach(0, bytes(32), "an officer")


async def test_partitions_leave_from_the_oldest_and_come_back_from_the_latest(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    second = await archived(closed.dsn, 1, tmp_path)
    with pytest.raises(ArchivingRefused, match="oldest partition of the log is 0"):
        await detach_archive(store, second, KEYSET, PUBLISHED, "an officer")
    first = await detached(closed.dsn, store, 0, tmp_path)
    await detach_archive(store, second, KEYSET, PUBLISHED, "an officer")
    with pytest.raises(ArchivingRefused, match="restore that one first"):
        await restore_archive(store, first, KEYSET, "an officer")
    await restore_archive(store, second, KEYSET, "an officer")
    with pytest.raises(ArchivingRefused, match="is not archived"):
        await restore_archive(store, second, KEYSET, "an officer")


async def test_another_archive_of_the_same_partition_is_not_restored(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    path = await detached(closed.dsn, store, 0, tmp_path / "one")
    await run(closed.dsn, "ALTER TABLE archive_actions DISABLE TRIGGER append_only")
    await run(closed.dsn, "UPDATE archive_actions SET manifest = sha256(manifest)")
    with pytest.raises(ArchivingRefused, match="went into another archive"):
        await restore_archive(store, path, KEYSET, "an officer")


async def test_nobody_without_the_right_moves_a_partition(closed: ClosedLog) -> None:
    await run(closed.dsn, "DROP ROLE IF EXISTS mere_reader")
    await run(closed.dsn, "CREATE ROLE mere_reader")
    await run(closed.dsn, "GRANT USAGE ON SCHEMA public TO mere_reader")
    connection = await asyncpg.connect(closed.dsn)
    try:
        await connection.execute("SET ROLE mere_reader")
        for call in (
            "detach_partition(0, '\\x00', 'me')",
            "drop_archived_parts()",
            "begin_restore(0, '\\x00')",
            "finish_restore(0, 'me')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT {call}")
    finally:
        await connection.close()
        await run(closed.dsn, "DROP OWNED BY mere_reader")
        await run(closed.dsn, "DROP ROLE mere_reader")


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("UPDATE entries SET sender = sender || 'x' WHERE seq = 3", "ledger 0, entry 3: sender"),
        (
            "UPDATE entry_parts SET bytes = bytes || '\\x00' WHERE kind = 'body' AND number = 1",
            "ledger 0, entry 2: body: part 2 of 5: its bytes are not those that the entry names",
        ),
        (
            "DELETE FROM entry_parts WHERE kind = 'records' AND number = 2",
            "ledger 0, entry 2: records: part 3 of 3 is missing",
        ),
    ],
)
async def test_a_damaged_log_is_not_archived_and_nothing_is_left(
    closed: ClosedLog, tmp_path: Path, damage: str, why: str
) -> None:
    connection = await asyncpg.connect(closed.dsn)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(damage)
    await connection.close()
    with pytest.raises(ArchiveBroken, match=why):
        await archived(closed.dsn, 0, tmp_path)
    assert names(tmp_path) == []


async def test_what_a_killed_command_left_is_no_archive_and_in_nobodys_way(closed: ClosedLog, tmp_path: Path) -> None:
    left = tmp_path / ".fma-entries-000000.part"
    left.mkdir()
    (left / "entries-0-000000000001.jsonl.zst").write_bytes(b"half")
    path = await archived(closed.dsn, 0, tmp_path)
    assert names(tmp_path) == [path.name]
    with pytest.raises(ArchivingRefused, match="there already"):
        await archived(closed.dsn, 0, tmp_path)


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


async def test_an_archive_that_is_not_what_the_log_has_takes_nothing_out_of_it(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    path = await archived(closed.dsn, 0, tmp_path)
    await run(closed.dsn, "ALTER TABLE entries DISABLE TRIGGER append_only")
    await run(closed.dsn, "UPDATE entries SET chain = sha256(chain) WHERE seq = 3")
    with pytest.raises(ArchivingRefused, match="as the log has it"):
        await detach_archive(store, path, KEYSET, PUBLISHED, "an officer")


async def test_young_archives_are_kept_and_old_ones_go_with_a_record(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    path = await detached(closed.dsn, store, 0, tmp_path)
    newest = read_manifest(path)[0].newest
    with pytest.raises(RetentionRefused, match=r"kept until 2031-11-22.*5 years \(proposed\)"):
        await discard_archive(store, path, KEYSET, retention().until(newest).replace(hour=0), "an officer")
    copy = shutil.copytree(path, tmp_path / "copy")
    await discard_archive(store, path, KEYSET, retention().until(newest), "an officer")
    assert names(tmp_path) == [copy.name]
    assert [each.action for each in await store.actions()] == ["detached", "discarded"]
    still = await archived(closed.dsn, 1, tmp_path)
    with pytest.raises(ArchivingRefused, match="is not archived in this archive"):
        await discard_archive(store, still, KEYSET, retention().until(LATER), "an officer")
    assert still.exists()


def test_a_leap_day_is_kept_to_the_end_of_its_years() -> None:
    kept = Retention(5, "proposed", "")
    assert kept.until(datetime.fromisoformat("2028-02-29T12:00:00+00:00")).isoformat() == "2033-03-01T12:00:00+00:00"
