"""How an entry of the log is stored, and the digests that seal it.

Frames. A frame is the byte 0x01 (the version of this encoding), then each field as a 4-byte big-endian length and
its bytes; the length 0xFFFFFFFF, with no bytes, stands for NULL.

Entry. The frame of the stored values of every column but `ledger`, `seq`, `leaf` and `chain`, in the order of
`Row`: receipt id (16 bytes), sender, document, version, verdict, family, edition (UTF-8), received_at
(microseconds since 1970 UTC, 8 bytes big-endian, signed), sha256 (32 bytes), body (compressed), receipt (ASCII),
records (compressed); in a message that is numbered in a series also series (UTF-8) and number (8 bytes big-endian).
A large entry has lists of parts in place of body and records, as `parts` describes them.

Leaf and chain. `leaf = SHA-256(0x00 || entry)`, an RFC 9162 leaf; `chain = SHA-256(previous chain || leaf)`, the
first entry's previous chain being 32 zero bytes.

Records. Runs of records with the same topic and header names: the byte 0x02, then for each run two fields as in a
frame. The first is a frame of what they share: the topic, then each header's name and value, NULL where each record
has a value of its own. The second is a frame of what is theirs, record after record: key, value, own header values.
Older entries hold a frame (0x01) of one frame a record: topic, key, value, then each header's name and value; they
are read as before. Records are compressed as a whole; compression is zstd with its content checksum.
"""

import dataclasses
import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import zstandard

from gateway.journal.errors import JournalDamaged
from gateway.model import Draft, Receipt, Record, Verdict

CHAIN_START = bytes(32)
UNPACKED_LIMIT = 256 * 1024 * 1024
_VERSION = b"\x01"
_RUNS = b"\x02"
LIST_VERSION = b"\x03"
_NULL = 0xFFFFFFFF
_LENGTH = struct.Struct(">I")
_MOMENT = struct.Struct(">q")
_NUMBER = struct.Struct(">Q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Row:
    """The stored values of one entry, save its place in the log and its leaf; digests and packed values are bytes."""

    receipt_id: UUID
    sender: str
    document: str | None
    version: str | None
    verdict: str
    family: str
    edition: str
    received_at: datetime
    sha256: bytes
    body: bytes
    receipt: str
    records: bytes
    series: str | None = None
    number: int | None = None

    @property
    def accepted(self) -> bool:
        """True when the message stands, so that its GUID and version are taken."""
        return Verdict(self.verdict).stands

    @property
    def in_parts(self) -> bool:
        """True when body and records are lists of parts, see `parts`."""
        return is_list(self.body)


ROW_COLUMNS = tuple(field.name for field in dataclasses.fields(Row))
"""The columns of the log that a row fills, in its order."""
row_values = attrgetter(*ROW_COLUMNS)
"""The values of a row in the order of `ROW_COLUMNS`."""


def is_list(stored: bytes) -> bool:
    """Whether what is stored in place of a body, or of records, is a list of parts: nothing compressed begins so."""
    return stored[:1] == LIST_VERSION


def frame(fields: Iterable[bytes | None]) -> bytes:
    """The frame of these fields, as the module describes it."""
    pieces = [_VERSION]
    for field in fields:
        pieces.append(_LENGTH.pack(_NULL if field is None else len(field)))
        pieces.append(field or b"")
    return b"".join(pieces)


def unframe(framed: bytes, version: bytes = _VERSION) -> list[bytes | None]:
    """The fields of a frame.

    Raises JournalDamaged when the bytes are not a frame of this version.
    """
    if framed[:1] != version:
        raise JournalDamaged("a frame begins with an unknown version")
    fields: list[bytes | None] = []
    at, end, read = 1, len(framed), _LENGTH.unpack_from
    while at < end:
        if at + _LENGTH.size > end:
            raise JournalDamaged("a frame ends inside a length")
        (length,) = read(framed, at)
        at += _LENGTH.size
        if length == _NULL:
            fields.append(None)
            continue
        if at + length > end:
            raise JournalDamaged("a frame ends inside a field")
        fields.append(framed[at : at + length])
        at += length
    return fields


def leaf_of(row: Row) -> bytes:
    """The RFC 9162 leaf of an entry: 32 bytes."""
    series = None if row.series is None else row.series.encode()
    number = None if row.number is None else _NUMBER.pack(row.number)
    entry = frame(
        (
            row.receipt_id.bytes,
            row.sender.encode(),
            None if row.document is None else row.document.encode(),
            None if row.version is None else row.version.encode(),
            row.verdict.encode(),
            row.family.encode(),
            row.edition.encode(),
            _MOMENT.pack((row.received_at - _EPOCH) // timedelta(microseconds=1)),
            row.sha256,
            row.body,
            row.receipt.encode(),
            row.records,
            *(() if series is number is None else (series, number)),
        ),
    )
    return hashlib.sha256(b"\x00" + entry).digest()


def chain_of(previous: bytes, leaf: bytes) -> bytes:
    """The chain value after a leaf: 32 bytes."""
    return hashlib.sha256(previous + leaf).digest()


def frame_records(records: Sequence[Record]) -> bytes:
    """The records of an entry in runs, not yet compressed.

    A frame a record, as older entries have it, is twice as long for a batch of 500 events, and takes the relay 8 us
    of CPU a record more to read.
    """
    fields: list[bytes] = []
    for (topic, names), run in groupby(records, _shape):
        fields += _framed_run(topic, names, list(run))
    return _RUNS + frame(fields)[1:]


def unframe_records(framed: bytes) -> tuple[Record, ...]:
    """The records of an entry from their frame, of either version.

    Raises JournalDamaged when the bytes do not hold records.
    """
    try:
        if framed[:1] == _VERSION:
            return tuple(_unframe_record(item) for item in unframe(framed))
        return tuple(record for run in _runs(framed) for record in run.records())
    except ValueError as error:
        raise JournalDamaged("a record has the wrong fields, or text that is not UTF-8") from error


def record_values(framed: bytes) -> list[tuple[str, bytes]]:
    """The topic and the value of each record of a frame of them, keys and headers left out.

    Raises JournalDamaged when the bytes do not hold records.
    """
    if framed[:1] == _VERSION:
        return [(record.topic, record.value) for record in unframe_records(framed)]
    try:
        return [(run.topic, value) for run in _runs(framed) for value in run.own[1 :: run.width]]
    except ValueError as error:
        raise JournalDamaged("a run of records has the wrong fields, or a topic that is not UTF-8") from error


def _shape(record: Record) -> tuple[str, tuple[str, ...]]:
    return record.topic, tuple([name for name, _ in record.headers])


def _framed_run(topic: str, names: Sequence[str], run: Sequence[Record]) -> tuple[bytes, bytes]:
    """What the records of a run share, and what is theirs."""
    columns = list(zip(*([value for _, value in record.headers] for record in run), strict=True))
    shared = [column[0] if len(set(column)) == 1 else None for column in columns]
    own = [column for column, value in zip(columns, shared, strict=True) if value is None]
    named = (field for name, value in zip(names, shared, strict=True) for field in (name.encode(), value))
    theirs = zip([record.key.encode() for record in run], [record.value for record in run], *own, strict=True)
    return frame((topic.encode(), *named)), frame([field for fields in theirs for field in fields])


@dataclass(frozen=True, slots=True)
class _Run:
    """A run as it was read: `own` are `width` fields a record, one record after the other."""

    topic: str
    headers: list[tuple[str, bytes | None]]
    own: list[bytes]

    @property
    def width(self) -> int:
        return 2 + sum(value is None for _, value in self.headers)

    def records(self) -> Iterator[Record]:
        shared = [(name, value or b"") for name, value in self.headers]
        places = [place for place, (_, value) in enumerate(self.headers) if value is None]
        for at in range(0, len(self.own), self.width):
            headers = shared.copy()
            for offset, place in enumerate(places, at + 2):
                headers[place] = (headers[place][0], self.own[offset])
            yield Record(self.topic, self.own[at].decode(), self.own[at + 1], tuple(headers))


def _runs(framed: bytes) -> Iterator[_Run]:
    fields = _all_there(unframe(framed, _RUNS))
    for shared, own in zip(fields[::2], fields[1::2], strict=True):
        topic, *headers = unframe(shared)
        names = _all_there(headers[::2])
        run = _Run(
            _all_there([topic])[0].decode(),
            [(name.decode(), value) for name, value in zip(names, headers[1::2], strict=True)],
            _all_there(unframe(own)),
        )
        if len(run.own) % run.width:
            raise JournalDamaged("a run of records has the wrong number of fields")
        yield run


def _all_there(fields: Sequence[bytes | None]) -> list[bytes]:
    there = [field for field in fields if field is not None]
    if len(there) != len(fields):
        raise JournalDamaged("a record lacks a field")
    return there


def _unframe_record(framed: bytes | None) -> Record:
    """A record of an older entry."""
    fields = [field for field in unframe(framed or b"") if field is not None]
    if len(fields) < 3 or len(fields) % 2 == 0:  # noqa: PLR2004 - topic, key and value, then pairs
        raise JournalDamaged("a record has the wrong number of fields")
    headers = tuple((name.decode(), value) for name, value in zip(fields[3::2], fields[4::2], strict=True))
    return Record(topic=fields[0].decode(), key=fields[1].decode(), value=fields[2], headers=headers)


def row_of(receipt: Receipt, body: bytes, records: bytes) -> Row:
    """The row that a receipt speaks of, with what is stored for body and records.

    `received_at` must know its time zone.
    """
    return Row(
        receipt_id=receipt.id,
        sender=receipt.sender,
        document=receipt.document,
        version=receipt.version,
        verdict=receipt.verdict.value,
        family=receipt.family,
        edition=receipt.edition,
        received_at=receipt.received_at.astimezone(UTC),
        sha256=bytes.fromhex(receipt.sha256),
        body=body,
        receipt=receipt.jws,
        records=records,
        series=receipt.place[0],
        number=receipt.place[1],
    )


class Packer:
    """Makes rows of drafts, and bodies and records of rows; for one event loop, not for several threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True)
        self._decompressor = zstandard.ZstdDecompressor()

    def row(self, draft: Draft) -> Row:
        """The row of a draft. `received_at` must know its time zone."""
        return row_of(draft.receipt, self.pack(draft.body), self.pack(frame_records(draft.records)))

    def pack(self, plain: bytes) -> bytes:
        """The bytes compressed."""
        return self._compressor.compress(plain)

    def unpack(self, packed: bytes) -> bytes:
        """The bytes as they were.

        Raises JournalDamaged when they cannot be had, or would be longer than UNPACKED_LIMIT.
        """
        try:
            size = zstandard.frame_content_size(packed)
            if not 0 <= size <= UNPACKED_LIMIT:
                raise JournalDamaged(f"compressed bytes claim a length of {size}")
            return self._decompressor.decompress(packed, allow_extra_data=False)
        except (zstandard.ZstdError, MemoryError) as error:
            raise JournalDamaged("compressed bytes do not decompress") from error

    def values(self, packed: bytes) -> list[tuple[str, bytes]]:
        """The topic and the value of each record of an entry.

        Raises JournalDamaged when the bytes do not hold records.
        """
        return record_values(self.unpack(packed))

    def records(self, packed: bytes) -> tuple[Record, ...]:
        """The records of an entry.

        Raises JournalDamaged when the bytes do not hold records.
        """
        return unframe_records(self.unpack(packed))
