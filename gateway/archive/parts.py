"""The parts of large entries in an archive: of each entry two files beside those of the entries.

`body-L-SSSSSSSSSSSS.xml.zst` holds the stored parts of the body of entry S of ledger L, one behind the other. Each of
them is a zstd frame, and so the file is the message, compressed: `zstd -dc` gives its bytes. `records-...zst` holds
those of its records. How long each part is stands in the entry's line, its SHA-256 in the list that the entry has in
place of body or records.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.archive.errors import ArchiveBroken
from gateway.journal.encoding import UNPACKED_LIMIT
from gateway.journal.entry_checks import Fault, Stored
from gateway.journal.errors import JournalDamaged
from gateway.journal.part_checks import PartsCheck
from gateway.journal.parts import BODY, RECORDS

_SUFFIXES = {BODY: "xml.zst", RECORDS: "zst"}
KINDS = tuple(_SUFFIXES)


@dataclass(frozen=True, slots=True)
class PartLengths:
    """How many bytes each stored part of a large entry has; raises ArchiveBroken for a length that no part has."""

    body: tuple[int, ...]
    records: tuple[int, ...]

    def __post_init__(self) -> None:
        if not all(type(length) is int and 0 < length <= UNPACKED_LIMIT for length in (*self.body, *self.records)):
            raise ArchiveBroken("a line gives a length that no part has")

    def of(self, kind: str) -> tuple[int, ...]:
        """Those of one kind."""
        return self.body if kind == BODY else self.records


@dataclass(frozen=True, slots=True)
class ArchivedEntry:
    """An entry as the log stores it; `lengths` are those of its parts, None where it has none."""

    stored: Stored
    lengths: PartLengths | None = None


def parts_name(kind: str, ledger: int, seq: int) -> str:
    """The name of the file with the parts of an entry's body, or of its records."""
    return f"{kind}-{ledger}-{seq:012}.{_SUFFIXES[kind]}"


def stored_parts(file: Path, lengths: Sequence[int]) -> Iterator[bytes]:
    """The parts as they are stored, one at a time; nothing of them is checked. Raises ArchiveBroken."""
    try:
        with file.open("rb") as opened:
            for length in lengths:
                yield opened.read(length)
    except OSError as error:
        raise ArchiveBroken(f"{file.name} can't be read: {error.strerror}") from error


def part_faults(
    archive: Path, ledger: int, entry: ArchivedEntry, there: Container[str]
) -> Iterator[tuple[str | None, Fault]]:
    """What is wrong with the parts of an entry, each with its file, None where that is the file of the entry.

    `there` are the names of the files of parts that are listed and can be read. Nothing is unpacked that is not what
    the entry names. One part is held at a time.
    """
    try:
        check = PartsCheck(entry.stored.row)
    except JournalDamaged as error:
        yield None, (BODY, str(error))
        return
    if entry.lengths is None:
        yield None, (BODY, "the archive does not hold its parts")
        return
    names = {kind: parts_name(kind, ledger, entry.stored.seq) for kind in KINDS}
    for kind in check.kinds:
        name = names[kind.name]
        parts = stored_parts(archive / name, entry.lengths.of(kind.name)) if name in there else ()
        for number, packed in enumerate(parts):
            if not kind.take(number, packed):
                break
    for fault in check.faults():
        yield names[fault[0]], fault
