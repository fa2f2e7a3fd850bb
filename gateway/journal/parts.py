"""What stands in a large entry in place of its body, and of its records: the list of their parts.

The byte 0x03, then for each part the SHA-256 of its stored bytes (32 bytes) and how much it holds (8 bytes,
big-endian): bytes of the body, or records. What is compressed never begins with that byte, so that the two can't be
taken for each other. The leaf of the entry covers both lists as it covers body and records of any other, and so every
byte of every part.

A part of a body is a piece of it, compressed; a part of records is a frame of them as `encoding` describes it,
compressed.
"""

import hashlib
import struct
from collections.abc import Iterable

from gateway.journal.encoding import LIST_VERSION, Packer, is_list
from gateway.journal.errors import JournalDamaged
from gateway.model import Part, Parts, Record

BODY = "body"
RECORDS = "records"
_PART = struct.Struct(">32sQ")


def listed(parts: Iterable[Part]) -> bytes:
    """The list of these parts, as the module describes it."""
    return LIST_VERSION + b"".join(_PART.pack(part.sha256, part.holds) for part in parts)


def parts_of(body: bytes, records: bytes) -> Parts:
    """The parts of a large entry from what is stored in place of body and records; raises JournalDamaged."""
    return Parts(parts_in(body), parts_in(records))


def parts_in(stored: bytes) -> tuple[Part, ...]:
    """The parts of one list; raises JournalDamaged."""
    if not is_list(stored) or len(stored) % _PART.size != 1:
        raise JournalDamaged("what is stored is no list of parts")
    return tuple(Part(*facts) for facts in _PART.iter_unpack(stored[1:]))


def part_of(packed: bytes, holds: int) -> Part:
    """A part by its stored bytes."""
    return Part(hashlib.sha256(packed).digest(), holds)


def unpacked_body(part: Part, packed: bytes | None) -> bytes:
    """The piece of the body; raises JournalDamaged when it is missing or another one."""
    piece = Packer().unpack(_sound(part, packed))
    if len(piece) != part.holds:
        raise JournalDamaged(f"it holds {len(piece)} bytes, not {part.holds}")
    return piece


def unpacked_records(part: Part, packed: bytes | None) -> tuple[Record, ...]:
    """The records of the part; raises JournalDamaged when it is missing or another one."""
    records = Packer().records(_sound(part, packed))
    if len(records) != part.holds:
        raise JournalDamaged(f"it holds {len(records)} records, not {part.holds}")
    return records


def unpacked_values(part: Part, packed: bytes | None) -> list[tuple[str, bytes]]:
    """Topic and value of each record of the part; raises JournalDamaged when it is missing or another one."""
    return Packer().values(_sound(part, packed))


def _sound(part: Part, packed: bytes | None) -> bytes:
    if packed is None:
        raise JournalDamaged("it is missing")
    if hashlib.sha256(packed).digest() != part.sha256:
        raise JournalDamaged("its bytes are not those that the entry names")
    return packed
