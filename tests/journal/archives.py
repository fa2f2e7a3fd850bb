"""A log in small partitions, really sealed, overseen and published as far as is said."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.archive.creating import Sealing, create_archive
from gateway.archive.keeping import Published
from gateway.journal import ArchiveStore, Checkpointer, Journal
from gateway.model import Draft, Filed
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.receipts import seal_receipt
from tests.bus.kit import KEYS, KEYSET
from tests.journal.support import Drafts, run

LATER = datetime(2026, 12, 1, tzinfo=UTC)
SEALING = Sealing(KEYS, KEYSET, LATER)
SIZE = 4
PUBLISHED = {0: Published(1000, 1000)}


async def small_partitions(dsn: str, size: int = SIZE, ledgers: int = 1) -> None:
    """Partitions of `size` entries instead of a million; the fourth takes all that follow."""
    await run(dsn, "DROP TABLE entries_000000, entries_000001")
    for number in range(4):
        name, end = f"entries_{number:06}", (number + 1) * size if number < 3 else 1_000_000
        await run(dsn, f"CREATE TABLE {name} (LIKE entries INCLUDING ALL)")
        await run(
            dsn,
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {name} FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse_change()",
        )
        await run(dsn, f"ALTER TABLE entries ATTACH PARTITION {name} FOR VALUES FROM ({number * size}) TO ({end})")
    for ledger in range(ledgers):
        await run(dsn, "INSERT INTO oversight_positions (ledger, epoch, seq) VALUES ($1, 1, 1000)", ledger)


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


async def make_checkpoint(journal: Journal) -> None:
    """Makes the checkpoints that are due."""
    await Checkpointer(journal, lambda checkpoint: seal_checkpoint(checkpoint, KEYS), lambda: LATER).make()


async def archived(dsn: str, number: int, place: Path) -> Path:
    """The archive of a partition."""
    async with ArchiveStore(dsn) as store:
        partition = next(each for each in await store.partitions() if each.number == number)
        return await create_archive(store, partition, place, SEALING, segment_entries=2)
