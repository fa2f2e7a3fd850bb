"""What may be archived, and the three commands that change something: out of the log, back into it, away for ever."""

import shutil
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path

from gateway.archive.errors import ArchiveBroken, RetentionRefused
from gateway.archive.lines import entry_of_line, lines_of
from gateway.archive.manifest import Manifest, read_manifest
from gateway.archive.parts import ArchivedEntry, parts_name, stored_parts
from gateway.archive.verification import verify_archives
from gateway.journal import ArchiveStore, ArchivingRefused, Helping, Partition, StoredPart
from gateway.journal.entry_checks import Stored
from gateway.journal.part_checks import PartsCheck
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

    Entries are compared with those of the log; their parts were held against the digests in them. What a command that
    was killed left of detached parts is deleted first. Raises ArchiveBroken, ArchivingRefused.
    """
    manifest, digest = verified_manifest(archive, believed)
    await store.drop_archived_parts()
    partition = next((each for each in await store.partitions() if each.number == manifest.partition), None)
    if partition is None or (partition.low, partition.high) != (manifest.low, manifest.high):
        raise ArchivingRefused(f"the log has no partition {manifest.partition} as this archive has it")
    await check_unneeded(store, partition, published)
    for section in manifest.sections:
        archived = _entries(archive, manifest, section.ledger)
        if not await _same(store.entries(section.ledger, partition), archived):
            raise ArchivingRefused(f"the archive does not hold ledger {section.ledger} as the log has it")
    await store.detach(manifest.partition, digest, person)
    await store.drop_archived_parts()
    return manifest


async def restore_archive(store: ArchiveStore, archive: Path, believed: KeySet, person: str) -> Manifest:
    """Puts the entries of an archive and their parts back into the log, byte for byte; the archive stays as it is.

    Raises ArchiveBroken, ArchivingRefused.
    """
    manifest, digest = verified_manifest(archive, believed)
    await store.drop_archived_parts()
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


def _entries(archive: Path, manifest: Manifest, ledger: int) -> Iterator[ArchivedEntry]:
    for file in manifest.segments(ledger):
        yield from map(entry_of_line, lines_of(archive / Path(file.name).name))


def _helpings(archive: Path, manifest: Manifest) -> Iterator[Helping]:
    for section in manifest.sections:
        entries = _entries(archive, manifest, section.ledger)
        while some := list(islice(entries, _AT_ONCE)):
            large = (_parts(archive, section.ledger, entry) for entry in some if entry.stored.row.in_parts)
            yield Helping(section.ledger, [entry.stored for entry in some], chain.from_iterable(large))


def _parts(archive: Path, ledger: int, entry: ArchivedEntry) -> Iterator[StoredPart]:
    """The parts of an entry, one at a time; raises ArchiveBroken once they are not those that the entry names.

    The archive was verified, but that was before.
    """
    stored, check = entry.stored, PartsCheck(entry.stored.row)
    for kind in check.kinds:
        lengths = () if entry.lengths is None else entry.lengths.of(kind.name)
        file = archive / parts_name(kind.name, ledger, stored.seq)
        for number, packed in enumerate(stored_parts(file, lengths)):
            if not kind.take(number, packed):
                break
            yield stored.row.receipt_id, kind.name, number, packed
    for what, detail in check.faults():
        raise ArchiveBroken(f"ledger {ledger}, entry {stored.seq}: {what}: {detail}")


async def _same(log: AsyncIterator[Stored], archived: Iterator[ArchivedEntry]) -> bool:
    async for stored in log:
        other = next(archived, None)
        if other is None or other.stored != stored:
            return False
    return next(archived, None) is None
