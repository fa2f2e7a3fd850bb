"""What must hold of the parts of a large entry, told one after the other from wherever they are stored. Pure."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence

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

    One part is held at a time.
    """
    try:
        check = PartsCheck(row)
    except JournalDamaged as error:
        return [("body", str(error))]
    for kind in check.kinds:
        async for stored in read(kind.name):
            if not kind.take(stored["number"], stored["bytes"]):
                break
    return check.faults()


class KindCheck:
    """The parts of one kind of an entry, `body` or `records`, taken one at a time; they are counted from 1."""

    def __init__(self, name: str, parts: Sequence[Part], look: Callable[[Part, bytes], None]) -> None:
        self.name = name
        self._parts = parts
        self._look = look
        self._taken = 0
        self._fault: Fault | None = None

    def take(self, number: int, packed: bytes) -> bool:
        """Looks at the next stored part, `number` counting from 0; False once there is a break."""
        if number != self._taken or number == len(self._parts):
            self._fault = self._told("is missing" if self._taken < len(self._parts) else "is not the entry's")
            return False
        try:
            self._look(self._parts[number], packed)
        except JournalDamaged as error:
            self._fault = self._told(str(error), ":")
            return False
        self._taken += 1
        return True

    def fault(self) -> Fault | None:
        """The first break, when all stored parts were taken; None where there is none."""
        if self._fault is None and self._taken < len(self._parts):
            return self._told("is missing")
        return self._fault

    def _told(self, what: str, colon: str = "") -> Fault:
        return (self.name, f"part {self._taken + 1} of {len(self._parts)}{colon} {what}")


class PartsCheck:
    """The parts of one entry, those of `kinds` one kind after the other; raises JournalDamaged where it lists none."""

    def __init__(self, row: Row) -> None:
        parts = parts_of(row.body, row.records)
        self._sha256 = row.sha256
        self._digest = hashlib.sha256()
        self.kinds = (KindCheck(BODY, parts.body, self._look_at_piece), KindCheck(RECORDS, parts.records, _look))

    def faults(self) -> list[Fault]:
        """What is wrong when all was taken: of body and of records the first break each."""
        found = [kind.fault() for kind in self.kinds]
        if found[0] is None and self._digest.digest() != self._sha256:
            found[0] = (BODY, "the bytes of all parts are not those of the receipt's sha256")
        return [fault for fault in found if fault is not None]

    def _look_at_piece(self, part: Part, packed: bytes) -> None:
        self._digest.update(unpacked_body(part, packed))


def _look(part: Part, packed: bytes) -> None:
    count = len(unpacked_values(part, packed))
    if count != part.holds:
        raise JournalDamaged(f"it holds {count} records, not {part.holds}")
