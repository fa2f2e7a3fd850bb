"""What must hold of the parts of a large entry, read one after the other."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import asyncpg

from gateway.journal.encoding import Row
from gateway.journal.entry_checks import Fault
from gateway.journal.errors import JournalDamaged
from gateway.journal.parts import BODY, RECORDS, parts_of, unpacked_body, unpacked_values
from gateway.model import Part

ReadParts = Callable[[str], AsyncIterator[asyncpg.Record]]
"""The stored parts of one kind in their order, with `number` and `bytes`."""


async def part_faults(row: Row, read: ReadParts) -> list[Fault]:
    """What is wrong with the parts of an entry: of its body and of its records the first break each.

    Parts are counted from 1. One part is held at a time.
    """
    try:
        parts = parts_of(row.body, row.records)
    except JournalDamaged as error:
        return [("body", str(error))]
    body = _Body()
    found = [
        await _first_break(BODY, parts.body, read(BODY), body.check),
        await _first_break(RECORDS, parts.records, read(RECORDS), _check_records),
    ]
    if found[0] is None and body.digest.digest() != row.sha256:
        found[0] = ("body", "the bytes of all parts are not those of the receipt's sha256")
    return [fault for fault in found if fault is not None]


async def _first_break(
    kind: str, parts: Sequence[Part], rows: AsyncIterator[Any], check: Callable[[Part, bytes], None]
) -> Fault | None:
    number = 0
    async for row in rows:
        if row["number"] != number or number == len(parts):
            break
        try:
            check(parts[number], row["bytes"])
        except JournalDamaged as error:
            return (kind, f"part {number + 1} of {len(parts)}: {error}")
        number += 1
    else:
        return None if number == len(parts) else (kind, f"part {number + 1} of {len(parts)} is missing")
    what = "is missing" if number < len(parts) else "is not the entry's"
    return (kind, f"part {number + 1} of {len(parts)} {what}")


class _Body:
    """The digest over all pieces."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def check(self, part: Part, packed: bytes) -> None:
        self.digest.update(unpacked_body(part, packed))


def _check_records(part: Part, packed: bytes) -> None:
    count = len(unpacked_values(part, packed))
    if count != part.holds:
        raise JournalDamaged(f"it holds {count} records, not {part.holds}")
