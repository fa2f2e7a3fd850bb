"""An archive is written: file by file, each made durable, verified from the disk, and only then put in its place."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import zstandard

from gateway.archive.errors import ArchiveBroken
from gateway.archive.lines import checkpoint_line, cosignature_line, entry_line
from gateway.archive.manifest import (
    CERTIFICATE,
    CHECKPOINTS,
    COSIGNATURES,
    MANIFEST,
    SEAL,
    SEAL_TYPE,
    ArchiveFile,
    Manifest,
    Section,
    directory_name,
    manifest_bytes,
    segment_name,
)
from gateway.archive.parts import KINDS, ArchivedEntry, PartLengths, parts_name
from gateway.archive.verification import verify_archives
from gateway.journal import ArchiveStore, ArchivingRefused, Partition
from gateway.journal.entry_checks import Stored
from gateway.sealing.jws import KeySet, sign_detached
from gateway.sealing.keys import KeyHolder

SEGMENT_ENTRIES = 1000
SEGMENT_BYTES = 64 << 20
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Sealing:
    """By which key an archive is sealed, which keys are believed when it is verified, and when it is made."""

    keys: KeyHolder
    believed: KeySet
    at: datetime


async def create_archive(
    store: ArchiveStore, partition: Partition, directory: Path, sealing: Sealing, segment_entries: int = SEGMENT_ENTRIES
) -> Path:
    """Writes the archive of a partition into `directory`, and returns where it is; the log stays as it is.

    Whether the partition may be archived is not asked here. One part of a large entry is held at a time. Raises
    ArchivingRefused when it is there already or another one is being written; ArchiveBroken when what was read from the
    log or back from the disk does not stand; then nothing stays.
    """
    place = directory / directory_name(partition.number)
    with _alone_in(directory):
        if place.exists():
            raise ArchivingRefused(f"{place} is there already; `gateway verify archive` checks it")
        working = directory / f".{place.name}.part"
        shutil.rmtree(working, ignore_errors=True)
        working.mkdir()
        try:
            await _Writing(store, partition, working, sealing, segment_entries).write()
            _check(working, sealing.believed)
            working.rename(place)
        except BaseException:
            shutil.rmtree(working, ignore_errors=True)
            raise
        _sync(directory)
    return place


def _check(archive: Path, believed: KeySet) -> None:
    report = verify_archives([archive], believed)
    if not report.intact:
        raise ArchiveBroken(f"nothing is archived: {report.breaks[0]}")


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ArchivingRefused(f"another command is writing into {directory}") from error
        yield
    finally:
        os.close(handle)


@dataclass(slots=True)
class _Writing:
    """One archive in the making."""

    store: ArchiveStore
    partition: Partition
    place: Path
    sealing: Sealing
    segment_entries: int
    files: list[ArchiveFile] = field(default_factory=list)
    newest: datetime | None = None

    async def write(self) -> None:
        ledgers = [each.ledger for each in await self.store.progress()]
        sections = [await self._section(ledger) for ledger in ledgers]
        await self._seals(ledgers)
        self.files.append(self._write(CERTIFICATE, self.sealing.keys.certificate))
        if self.newest is None:
            raise ArchivingRefused(f"partition {self.partition.number} holds no entries")
        span = (self.partition.number, self.partition.low, self.partition.high)
        content = manifest_bytes(Manifest(*span, self.sealing.at, self.newest, tuple(sections), tuple(self.files)))
        seal = await sign_detached(content, self.sealing.keys, SEAL_TYPE)
        self._write(MANIFEST, content)
        self._write(SEAL, seal.encode("ascii") + b"\n")
        _sync(self.place)

    async def _section(self, ledger: int) -> Section:
        first = max(1, self.partition.low)
        before = chain = await self.store.chain_at(ledger, first - 1)
        seq = first - 1
        segment: _Segment | None = None
        try:
            async for stored in self.store.entries(ledger, self.partition):
                if segment is None:
                    segment = _Segment(self.place, ledger, stored.seq)
                lengths = await self._parts(ledger, stored) if stored.row.in_parts else None
                segment.add(stored.seq, entry_line(ArchivedEntry(stored, lengths)))
                seq, chain = stored.seq, stored.chain
                moment = stored.row.received_at
                self.newest = moment if self.newest is None else max(self.newest, moment)
                if segment.full(self.segment_entries):
                    done, segment = segment, None
                    self.files.append(done.finish())
        finally:
            if segment is not None:
                self.files.append(segment.finish())
        return Section(ledger, first, seq, before, chain)

    async def _parts(self, ledger: int, stored: Stored) -> PartLengths:
        """Writes the parts of a large entry, as they are stored, each kind into a file of its own."""
        lengths: dict[str, tuple[int, ...]] = {}
        for kind in KINDS:
            path = self.place / parts_name(kind, ledger, stored.seq)
            with path.open("wb") as file:
                lengths[kind] = tuple([file.write(part) async for part in self.store.parts(stored, kind)])
                _make_durable(file)
            self.files.append(replace(_file(path, ledger, stored.seq, stored.seq), parts=kind))
        return PartLengths(**lengths)

    async def _seals(self, ledgers: Sequence[int]) -> None:
        """The checkpoints, and what witnesses said of them."""
        checkpoints, cosignatures = bytearray(), bytearray()
        for ledger in ledgers:
            for checkpoint in await self.store.checkpoints(ledger, self.partition):
                checkpoints += checkpoint_line(checkpoint)
            for cosignature in await self.store.cosignatures(ledger, self.partition):
                cosignatures += cosignature_line(cosignature)
        for name, lines in ((CHECKPOINTS, checkpoints), (COSIGNATURES, cosignatures)):
            self.files.append(self._write(name, _compressor().compress(lines)))

    def _write(self, name: str, content: bytes) -> ArchiveFile:
        with (self.place / name).open("wb") as file:
            file.write(content)
            _make_durable(file)
        return _file(self.place / name)


class _Segment:
    """A file of entries in the making."""

    def __init__(self, place: Path, ledger: int, first: int) -> None:
        self._path = place / segment_name(ledger, first)
        self._ledger, self._first, self._last = ledger, first, first
        self._count = self._weight = 0
        self._file = self._path.open("wb")
        self._packed = _compressor().stream_writer(self._file, closefd=False)

    def add(self, seq: int, line: bytes) -> None:
        self._packed.write(line)
        self._last = seq
        self._count += 1
        self._weight += len(line)

    def full(self, entries: int) -> bool:
        return self._count >= entries or self._weight >= SEGMENT_BYTES

    def finish(self) -> ArchiveFile:
        """Makes it durable, and tells what is in it."""
        with self._file:
            self._packed.flush(zstandard.FLUSH_FRAME)
            _make_durable(self._file)
        return _file(self._path, self._ledger, self._first, self._last)


def _compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)


def _file(path: Path, ledger: int | None = None, first: int | None = None, last: int | None = None) -> ArchiveFile:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return ArchiveFile(path.name, path.stat().st_size, digest, ledger, first, last)


def _make_durable(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
