"""Entries, checkpoints and co-signatures as lines of JSON in zstd files, each value byte for byte as the log stores it.

The members of an entry's line are `seq`, the columns of `gateway.journal.encoding.Row` in their order, `leaf` and
`chain`: `body` and `records` (compressed, as they are stored) in base64, digests in hex, `received_at` in RFC 3339 with
six decimals. The leaf is computed from exactly these values. A large entry has a last member `parts`: how long each
stored part of its `body` and `records` is, in the files that `parts` describes. A checkpoint that was time-stamped has
the service's answer in base64 under `timestamp`.
"""

import base64
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import zstandard

from gateway.archive.errors import ArchiveBroken
from gateway.archive.parts import KINDS, ArchivedEntry, PartLengths
from gateway.journal.encoding import ROW_COLUMNS, Row
from gateway.journal.entry_checks import Stored
from gateway.model import Checkpoint, Cosignature
from gateway.sealing.receipts import moment_text

_READ = 1 << 20
_BASE64 = frozenset({"body", "records"})
_HEX = frozenset({"sha256"})


def entry_line(entry: ArchivedEntry) -> bytes:
    """The line of an entry, its end included."""
    stored, lengths = entry.stored, entry.lengths
    row = {name: _told(name, getattr(stored.row, name)) for name in ROW_COLUMNS}
    facts = {"seq": stored.seq, **row, "leaf": stored.leaf.hex(), "chain": stored.chain.hex()}
    return _line(facts if lengths is None else {**facts, "parts": {kind: lengths.of(kind) for kind in KINDS}})


def entry_of_line(line: bytes) -> ArchivedEntry:
    """The entry of a line; ArchiveBroken when the line is not one of an entry."""
    try:
        facts = orjson.loads(line)
        leaf, chain, seq = bytes.fromhex(facts.pop("leaf")), bytes.fromhex(facts.pop("chain")), facts.pop("seq")
        parts = facts.pop("parts", None)
        lengths = None if parts is None else PartLengths(**{kind: tuple(parts[kind]) for kind in KINDS})
        row = Row(**{name: _read(name, value) for name, value in facts.items()})
        return ArchivedEntry(Stored(seq, row, leaf, chain), lengths)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveBroken("a line is not that of an entry") from error


def checkpoint_line(checkpoint: Checkpoint) -> bytes:
    """The line of a checkpoint, its end included."""
    return _line(
        {
            "ledger": checkpoint.ledger,
            "seq": checkpoint.seq,
            "chain": checkpoint.chain.hex(),
            "made_at": moment_text(checkpoint.made_at),
            "jws": checkpoint.jws,
            **({"timestamp": base64.b64encode(checkpoint.timestamp).decode("ascii")} if checkpoint.timestamp else {}),
        }
    )


def checkpoint_of_line(line: bytes) -> Checkpoint:
    """The checkpoint of a line; ArchiveBroken when the line is not one of a checkpoint."""
    try:
        facts = orjson.loads(line)
        chain, made_at = bytes.fromhex(facts.pop("chain")), datetime.fromisoformat(facts.pop("made_at"))
        timestamp = base64.b64decode(facts.pop("timestamp", ""), validate=True)
        return Checkpoint(chain=chain, made_at=made_at, timestamp=timestamp, **facts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveBroken("a line is not that of a checkpoint") from error


def cosignature_line(cosignature: Cosignature) -> bytes:
    """The line of a co-signature, its end included."""
    return _line(
        {
            "ledger": cosignature.ledger,
            "seq": cosignature.seq,
            "chain": cosignature.chain.hex(),
            "seen_at": moment_text(cosignature.seen_at),
            "witness": cosignature.witness,
            "jws": cosignature.jws,
        }
    )


def cosignature_of_line(line: bytes) -> Cosignature:
    """The co-signature of a line; ArchiveBroken when the line is not one of a co-signature."""
    try:
        facts = orjson.loads(line)
        chain, seen_at = bytes.fromhex(facts.pop("chain")), datetime.fromisoformat(facts.pop("seen_at"))
        return Cosignature(chain=chain, seen_at=seen_at, **facts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveBroken("a line is not that of a co-signature") from error


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, in constant memory; ArchiveBroken when it can't be read or unpacked."""
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_size=_READ) as plain:
            yield from io.BufferedReader(plain, _READ)
    except (OSError, zstandard.ZstdError) as error:
        raise ArchiveBroken(f"{path.name} can't be unpacked") from error


def _line(facts: dict[str, Any]) -> bytes:
    return orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)


def _told(name: str, value: Any) -> Any:
    if name in _BASE64:
        return base64.b64encode(value).decode("ascii")
    if name in _HEX:
        return value.hex()
    return moment_text(value) if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value


def _read(name: str, value: Any) -> Any:
    if name in _BASE64:
        return base64.b64decode(value, validate=True)
    if name in _HEX:
        return bytes.fromhex(value)
    if name == "received_at":
        return datetime.fromisoformat(value)
    return UUID(value) if name == "receipt_id" else value
