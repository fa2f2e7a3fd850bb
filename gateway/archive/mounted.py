"""The bytes of archived messages, read one at a time from a directory of archives."""

import hashlib
from pathlib import Path

import structlog

from gateway.archive.errors import ArchiveBroken
from gateway.archive.lines import entry_of_line, lines_of
from gateway.archive.manifest import MANIFEST, Manifest, read_manifest
from gateway.journal import JournalDamaged
from gateway.journal.encoding import Packer

_log = structlog.get_logger(__name__)


class MountedArchives:
    """The archives in a directory; with None there are none. Safe in several threads."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._known: dict[Path, Manifest] = {}

    def body(self, ledger: int, seq: int, sha256: str) -> bytes | None:
        """The bytes of a message by its place in the log; None when no archive here has them.

        They are given out only if they are those of the receipt's `sha256` (lower-case hex); an archive that has others
        is told to the log of the program.
        """
        for archive in self._archives():
            try:
                found = self._in(archive, ledger, seq)
            except (ArchiveBroken, JournalDamaged) as error:
                _log.error("archive.broken", archive=archive.name, ledger=ledger, seq=seq, code=error.code)
                continue
            if found is None:
                continue
            if hashlib.sha256(found).hexdigest() == sha256:
                return found
            _log.error("archive.other_bytes", archive=archive.name, ledger=ledger, seq=seq)
        return None

    def _archives(self) -> list[Path]:
        if self._directory is None:
            return []
        return sorted(manifest.parent for manifest in self._directory.glob(f"fma-entries-*/{MANIFEST}"))

    def _in(self, archive: Path, ledger: int, seq: int) -> bytes | None:
        manifest = self._known.get(archive)
        if manifest is None:
            manifest = self._known[archive] = read_manifest(archive)[0]
        for file in manifest.segments(ledger):
            if file.first is None or file.last is None or not file.first <= seq <= file.last:
                continue
            for line in lines_of(archive / Path(file.name).name):
                stored = entry_of_line(line)
                if stored.seq == seq:
                    return Packer().unpack(stored.row.body)
        return None
