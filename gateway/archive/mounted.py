"""The bytes of archived messages, read one at a time from a directory of archives."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.archive.errors import ArchiveBroken
from gateway.archive.lines import entry_of_line, lines_of
from gateway.archive.manifest import MANIFEST, Manifest, read_manifest
from gateway.archive.parts import ArchivedEntry, PartLengths, parts_name, stored_parts
from gateway.journal import JournalDamaged
from gateway.journal.encoding import Packer
from gateway.journal.parts import BODY, parts_in, unpacked_body
from gateway.model import Part

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ArchivedBody:
    """The bytes of a message: whole, or those of a large one in the parts of a file, which are read when asked for."""

    whole: bytes = b""
    file: Path = Path()
    parts: tuple[tuple[Part, int], ...] = ()

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.whole) + sum(part.holds for part, _ in self.parts)

    def pieces(self) -> Iterator[bytes]:
        """The bytes in order, one part in memory; raises JournalDamaged before any byte of a part that was changed."""
        if not self.parts:
            yield self.whole
            return
        stored = stored_parts(self.file, [length for _, length in self.parts])
        for (part, _), packed in zip(self.parts, stored, strict=True):
            yield unpacked_body(part, packed)


class MountedArchives:
    """The archives in a directory; with None there are none. Safe in several threads."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._known: dict[Path, Manifest] = {}

    def body(self, ledger: int, seq: int, sha256: str) -> ArchivedBody | None:
        """The bytes of a message by its place in the log; None when no archive here has them.

        They are given out only if they are those of the receipt's `sha256` (lower-case hex), for which a large message
        is read once more; an archive that has others is told to the log of the program.
        """
        for archive in self._archives():
            try:
                found = self._in(archive, ledger, seq)
                sound = found is not None and _digest(found) == sha256
            except (ArchiveBroken, JournalDamaged) as error:
                _log.error("archive.broken", archive=archive.name, ledger=ledger, seq=seq, code=error.code)
                continue
            if sound:
                return found
            if found is not None:
                _log.error("archive.other_bytes", archive=archive.name, ledger=ledger, seq=seq)
        return None

    def _archives(self) -> list[Path]:
        if self._directory is None:
            return []
        return sorted(manifest.parent for manifest in self._directory.glob(f"fma-entries-*/{MANIFEST}"))

    def _in(self, archive: Path, ledger: int, seq: int) -> ArchivedBody | None:
        manifest = self._known.get(archive)
        if manifest is None:
            manifest = self._known[archive] = read_manifest(archive)[0]
        for file in manifest.segments(ledger):
            if file.first is None or file.last is None or not file.first <= seq <= file.last:
                continue
            for line in lines_of(archive / Path(file.name).name):
                entry = entry_of_line(line)
                if entry.stored.seq == seq:
                    return _body(archive, ledger, entry)
        return None


def _body(archive: Path, ledger: int, entry: ArchivedEntry) -> ArchivedBody:
    stored = entry.stored
    if not stored.row.in_parts:
        return ArchivedBody(Packer().unpack(stored.row.body))
    parts, lengths = parts_in(stored.row.body), entry.lengths or PartLengths((), ())
    if len(parts) != len(lengths.body):
        raise ArchiveBroken(f"it holds {len(lengths.body)} parts of a body of {len(parts)}")
    file = archive / parts_name(BODY, ledger, stored.seq)
    return ArchivedBody(file=file, parts=tuple(zip(parts, lengths.body, strict=True)))


def _digest(body: ArchivedBody) -> str:
    digest = hashlib.sha256()
    for piece in body.pieces():
        digest.update(piece)
    return digest.hexdigest()
