"""What may be archived, and the three commands that change something: out of the log, back into it, away for ever."""

import shutil
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import islice
from pathlib import Path

from gateway.archive.errors import ArchiveBroken, RetentionRefused
from gateway.archive.lines import entry_of_line, lines_of
from gateway.archive.manifest import Manifest, read_manifest
from gateway.archive.verification import verify_archives
from gateway.journal import ArchiveStore, ArchivingRefused, Partition
from gateway.journal.entry_checks import Stored
from gateway.sealing.jws import KeySet

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Published:
    """How far a ledger is in Kafka: the last entry's `seq` and the last checkpoint's."""

    seq: int
    checkpoint_seq: int


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many years archives are kept at least; `status` is `law` or `proposed`."""

    years: int
    status: str
    source: str

    def until(self, newest: datetime) -> datetime:
        """The moment up to which an archive with this newest message is kept; a 29 February ends on 1 March."""
        try:
            return newest.replace(year=newest.year + self.years)
        except ValueError:
            return newest.replace(year=newest.year + self.years, month=3, day=1)


def retention() -> Retention:
    """The retention as the data beside this module has it."""
    return Retention(**tomllib.loads(files("gateway.archive").joinpath("retention.toml").read_text(encoding="utf-8")))


async def needs(store: ArchiveStore, partition: Partition, published: Mapping[int, Published]) -> list[str]:
    """Why a partition can't be archived yet, in words; nothing where it can.

    Of every ledger all its entries are in the log and one more, overseen, behind a checkpoint that is in Kafka, and in
    Kafka themselves.
    """
    found: list[str] = []
    for each in await store.progress():
        relayed = published.get(each.ledger, Published(0, 0))
        reached = {
            f"has {each.head} entries and must have more than {partition.last}": each.head > partition.last,
            f"was overseen up to {each.overseen} only": each.overseen >= partition.last,
            f"was checkpointed up to {each.checkpointed} only": each.checkpointed >= partition.last,
            f"is in Kafka up to {relayed.seq} only": relayed.seq > partition.last,
            f"has its checkpoints in Kafka up to {relayed.checkpoint_seq} only": (
                relayed.checkpoint_seq >= partition.last
            ),
        }
        found += [f"ledger {each.ledger} {what}" for what, enough in reached.items() if not enough]
    return found


async def check_unneeded(store: ArchiveStore, partition: Partition, published: Mapping[int, Published]) -> None:
    """Raises ArchivingRefused with the reasons while somebody still needs the partition."""
    found = await needs(store, partition, published)
    if found:
        raise ArchivingRefused(f"partition {partition.number} is still needed: {'; '.join(found)}")


def verified_manifest(archive: Path, believed: KeySet) -> tuple[Manifest, bytes]:
    """The manifest of an archive that is wholly intact, and its SHA-256; raises ArchiveBroken."""
    report = verify_archives([archive], believed)
    if not report.intact:
        raise ArchiveBroken(f"nothing was done: {report.breaks[0]}")
    return read_manifest(archive)


async def detach_archive(
    store: ArchiveStore, archive: Path, believed: KeySet, published: Mapping[int, Published], person: str
) -> Manifest:
    """Takes the partition of an archive out of the log, once the archive is proved to hold every byte of it.

    Raises ArchiveBroken, ArchivingRefused.
    """
    manifest, digest = verified_manifest(archive, believed)
    partition = next((each for each in await store.partitions() if each.number == manifest.partition), None)
    if partition is None or (partition.low, partition.high) != (manifest.low, manifest.high):
        raise ArchivingRefused(f"the log has no partition {manifest.partition} as this archive has it")
    await check_unneeded(store, partition, published)
    for section in manifest.sections:
        archived = _entries(archive, manifest, section.ledger)
        if not await _same(store.entries(section.ledger, partition), archived):
            raise ArchivingRefused(f"the archive does not hold ledger {section.ledger} as the log has it")
    await store.detach(manifest.partition, digest, person)
    return manifest


async def restore_archive(store: ArchiveStore, archive: Path, believed: KeySet, person: str) -> Manifest:
    """Puts the entries of an archive back into the log, byte for byte; the archive stays as it is.

    Raises ArchiveBroken, ArchivingRefused.
    """
    manifest, digest = verified_manifest(archive, believed)
    await store.restore(manifest.partition, digest, _helpings(archive, manifest), person)
    return manifest


async def discard_archive(store: ArchiveStore, archive: Path, believed: KeySet, now: datetime, person: str) -> Manifest:
    """Deletes an archive for ever, the receipts of its entries stay in the log.

    Raises RetentionRefused while it must be kept, ArchivingRefused when its entries are in the log, ArchiveBroken.
    """
    manifest, digest = verified_manifest(archive, believed)
    kept = retention()
    until = kept.until(manifest.newest)
    if now < until:
        why = f"{kept.years} years ({kept.status}) from its newest message"
        raise RetentionRefused(f"{archive.name} is kept until {until.isoformat()}: {why}")
    await store.record_discard(manifest.partition, digest, person)
    _delete(archive)
    return manifest


def _delete(archive: Path) -> None:
    """Out of its place at once, so that a deletion which is cut short leaves nothing that looks like an archive."""
    doomed = archive.with_name(f".{archive.name}.discarded")
    archive.rename(doomed)
    shutil.rmtree(doomed)


def _entries(archive: Path, manifest: Manifest, ledger: int) -> Iterator[Stored]:
    for file in manifest.segments(ledger):
        yield from map(entry_of_line, lines_of(archive / Path(file.name).name))


def _helpings(archive: Path, manifest: Manifest) -> Iterator[Sequence[tuple[int, Stored]]]:
    for section in manifest.sections:
        entries = ((section.ledger, stored) for stored in _entries(archive, manifest, section.ledger))
        while helping := list(islice(entries, _AT_ONCE)):
            yield helping


async def _same(log: AsyncIterator[Stored], archived: Iterator[Stored]) -> bool:
    async for stored in log:
        if next(archived, None) != stored:
            return False
    return next(archived, None) is None
