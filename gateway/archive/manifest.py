"""What an archive says of itself: the manifest, a JSON file beside the others, and its seal.

An archive is a directory `fma-entries-NNNNNN` that holds one partition of the log:

- `manifest.json`: format, partition, for every ledger the first and last `seq` with the chain values before and after,
  and every other file with its length and SHA-256;
- `manifest.jws`: the gateway's seal over the bytes of `manifest.json` (a detached JWS of type `fma-archive+jws`);
- `entries-L-SSSSSSSSSSSS.jsonl.zst`: entries of ledger L from `seq` S on, one JSON object a line (see `lines`);
- `body-L-SSSSSSSSSSSS.xml.zst` and `records-L-SSSSSSSSSSSS.zst`: the parts of a large entry (see `parts`);
- `checkpoints.jsonl.zst`: the checkpoints within the partition with their JWS, and time stamp if they have one;
- `cosignatures.jsonl.zst`: what witnesses said of them until then;
- `certificate.pem`: the gateway's certificate at that time.

Format `fma-archive/1` is the same without large entries, their parts, and co-signatures; it is read as before, and no
longer written. A reader refuses a format that it does not know.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from gateway.archive.errors import ArchiveBroken
from gateway.sealing.receipts import moment_text

FORMAT = "fma-archive/2"
READ_FORMATS = ("fma-archive/1", FORMAT)
MANIFEST = "manifest.json"
SEAL = "manifest.jws"
CHECKPOINTS = "checkpoints.jsonl.zst"
COSIGNATURES = "cosignatures.jsonl.zst"
CERTIFICATE = "certificate.pem"
SEAL_TYPE = "fma-archive+jws"


@dataclass(frozen=True, slots=True)
class Section:
    """The entries `first` to `last` of one ledger, with the chain values before the first and after the last."""

    ledger: int
    first: int
    last: int
    chain_before: bytes
    chain_after: bytes


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file; `ledger`, `first` and `last` tell which entries are in it, None in a file of something else.

    `parts` is `body` or `records` where it holds the parts of the body or the records of that one entry.
    """

    name: str
    length: int
    sha256: str
    ledger: int | None = None
    first: int | None = None
    last: int | None = None
    parts: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole manifest; `newest` is when the last of the messages was received."""

    partition: int
    low: int
    high: int
    made_at: datetime
    newest: datetime
    sections: tuple[Section, ...]
    files: tuple[ArchiveFile, ...]

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return sum(section.last - section.first + 1 for section in self.sections)

    def segments(self, ledger: int) -> list[ArchiveFile]:
        """The files with entries of a ledger, in their order; those of parts are not among them."""
        own = (file for file in self.files if file.ledger == ledger and file.parts is None)
        return sorted(own, key=lambda file: file.first or 0)


def directory_name(partition: int) -> str:
    """The name of a partition's archive."""
    return f"fma-entries-{partition:06}"


def segment_name(ledger: int, first: int) -> str:
    """The name of the file with the entries of a ledger from this one on."""
    return f"entries-{ledger}-{first:012}.jsonl.zst"


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as it stands in its file."""
    facts = {
        "format": FORMAT,
        "partition": manifest.partition,
        "low": manifest.low,
        "high": manifest.high,
        "made_at": moment_text(manifest.made_at),
        "newest": moment_text(manifest.newest),
        "sections": [
            {
                "ledger": section.ledger,
                "first": section.first,
                "last": section.last,
                "chain_before": section.chain_before.hex(),
                "chain_after": section.chain_after.hex(),
            }
            for section in manifest.sections
        ],
        "files": [
            {name: value for name in ArchiveFile.__slots__ if (value := getattr(file, name)) is not None}
            for file in manifest.files
        ],
    }
    return orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def manifest_of(content: bytes) -> Manifest:
    """The manifest of a file's bytes; ArchiveBroken when they are none, or of a format that is not known."""
    try:
        facts = orjson.loads(content)
        if facts["format"] not in READ_FORMATS:
            known = ", ".join(READ_FORMATS)
            raise ArchiveBroken(f"the format {facts['format']!r} is not known to this program, which knows {known}")
        return Manifest(
            partition=int(facts["partition"]),
            low=int(facts["low"]),
            high=int(facts["high"]),
            made_at=datetime.fromisoformat(facts["made_at"]),
            newest=datetime.fromisoformat(facts["newest"]),
            sections=tuple(_section(section) for section in facts["sections"]),
            files=tuple(ArchiveFile(**file) for file in facts["files"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveBroken("the manifest can't be read") from error


def read_manifest(archive: Path) -> tuple[Manifest, bytes]:
    """The manifest of an archive, and its SHA-256; ArchiveBroken when there is none that can be read."""
    try:
        content = (archive / MANIFEST).read_bytes()
    except OSError as error:
        raise ArchiveBroken(f"{archive}: {MANIFEST}: {error.strerror}") from error
    return manifest_of(content), hashlib.sha256(content).digest()


def _section(facts: dict[str, Any]) -> Section:
    before, after = bytes.fromhex(facts["chain_before"]), bytes.fromhex(facts["chain_after"])
    return Section(facts["ledger"], facts["first"], facts["last"], before, after)
