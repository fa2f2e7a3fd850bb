"""A log in small partitions, really sealed, overseen and published as far as is said."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from gateway.archive.creating import Sealing, create_archive
from gateway.archive.keeping import Published, detach_archive
from gateway.journal import ArchiveStore, Checkpointer, Journal
from gateway.model import Draft, Filed
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import seal_receipt
from tests.bus.kit import KEYS, KEYSET
from tests.journal.large import SMALL_PARTS, Large, file_large, large
from tests.journal.support import Drafts

LATER = datetime(2026, 12, 1, tzinfo=UTC)
SEALING = Sealing(KEYS, KEYSET, LATER)
SIZE = 4
PUBLISHED = {0: Published(1000, 1000)}


@dataclass(frozen=True, slots=True)
class ClosedLog:
    """A log of CLOSED_ENTRIES entries in four partitions, the last of them open, and what was filed in it.

    Entry LARGE, in the first partition, is one in parts: 5 of its body, 3 of its records.
    """

    dsn: str
    filed: list[tuple[Draft, Filed]]


CLOSED_ENTRIES = 14
LARGE = 2


async def closed_log(dsn: str) -> ClosedLog:
    """Makes one in a migrated, empty database."""
    drafts = Drafts()
    await small_partitions(dsn)
    async with Journal(dsn, limits=SMALL_PARTS) as journal:
        filed = await fill(journal, drafts, LARGE - 1)
        filed.append(await fill_large(journal, drafts))
        filed += await fill(journal, drafts, CLOSED_ENTRIES - LARGE)
    return ClosedLog(dsn, filed)


async def small_partitions(dsn: str, size: int = SIZE, ledgers: int = 1) -> None:
    """Partitions of `size` entries instead of a million; the fourth takes all that follow."""
    script = ["DROP TABLE entries_000000, entries_000001"]
    for number in range(4):
        name, end = f"entries_{number:06}", (number + 1) * size if number < 3 else 1_000_000
        script += [
            f"CREATE TABLE {name} (LIKE entries INCLUDING ALL)",
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {name} EXECUTE FUNCTION refuse_change()",
            f"ALTER TABLE entries ATTACH PARTITION {name} FOR VALUES FROM ({number * size}) TO ({end})",
        ]
    script += [
        f"INSERT INTO oversight_positions (ledger, epoch, seq) VALUES ({ledger}, 1, 1000)" for ledger in range(ledgers)
    ]
    connection = await asyncpg.connect(dsn)
    await connection.execute("; ".join(script))
    await connection.close()


async def sealed_draft(draft: Draft) -> Draft:
    """The draft with a receipt that the gateway's key sealed."""
    receipt = replace(draft.receipt, jws="")
    return replace(draft, receipt=await seal_receipt(receipt, KEYS))


async def fill(journal: Journal, drafts: Drafts, count: int) -> list[tuple[Draft, Filed]]:
    """Files so many drafts, with a checkpoint behind each."""
    filed = []
    for _ in range(count):
        made = await sealed_draft(drafts())
        filed.append((made, await journal.append(made)))
        await make_checkpoint(journal)
    return filed


async def fill_large(journal: Journal, drafts: Drafts) -> tuple[Draft, Filed]:
    """Files a message in parts, with a checkpoint behind it."""
    done = await file_sealed_large(journal, large(drafts), KEYS)
    await make_checkpoint(journal)
    return done


async def file_sealed_large(journal: Journal, message: Large, keys: KeyHolder) -> tuple[Draft, Filed]:
    """Files a message in parts with a receipt that this key sealed."""
    receipt = await seal_receipt(replace(message.receipt, jws=""), keys)
    filed = await file_large(journal, replace(message, receipt=receipt))
    return Draft(receipt, message.body, message.records), filed


async def make_checkpoint(journal: Journal) -> None:
    """Makes the checkpoints that are due."""
    await Checkpointer(journal, lambda checkpoint: seal_checkpoint(checkpoint, KEYS), lambda: LATER).make()


async def archived(dsn: str, number: int, place: Path) -> Path:
    """The archive of a partition."""
    async with ArchiveStore(dsn) as store:
        partition = next(each for each in await store.partitions() if each.number == number)
        return await create_archive(store, partition, place, SEALING, segment_entries=2)


async def detached(dsn: str, store: ArchiveStore, number: int, place: Path) -> Path:
    """The archive of a partition that was taken out of the log."""
    path = await archived(dsn, number, place)
    await detach_archive(store, path, KEYSET, PUBLISHED, "an officer")
    return path


async def take_out_oldest(dsn: str, place: Path, sealing: Sealing) -> Path:
    """The archive of the oldest partition, which was taken out of the log."""
    async with ArchiveStore(dsn) as store:
        path = await create_archive(store, (await store.partitions())[0], place, sealing)
        await detach_archive(store, path, sealing.believed, PUBLISHED, "an officer")
    return path
