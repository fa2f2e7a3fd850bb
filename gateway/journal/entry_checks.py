"""What must hold of one stored entry, of its row of keys and of a checkpoint. Pure."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.journal.encoding import CHAIN_START, Packer, Row, chain_of, leaf_of
from gateway.journal.errors import JournalDamaged
from gateway.model import Checkpoint, Receipt

ReadReceipt = Callable[[str], Receipt]
ReadCheckpoint = Callable[[str], Checkpoint]
Fault = tuple[str, str]
"""What is wrong (as in `Break.what`), and the detail."""

_FACTS = (
    "receipt_id",
    "sender",
    "document",
    "version",
    "verdict",
    "family",
    "edition",
    "received_at",
    "sha256",
    "series",
    "number",
)
_KEPT_FACTS = ("receipt_id", "sender", "received_at")
_KEYS = ("receipt_id", "sender", "document", "version", "sha256", "series", "number", "accepted")


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry as PostgreSQL gives it."""

    seq: int
    row: Row
    leaf: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays in PostgreSQL of an entry whose bytes were moved to an archive."""

    seq: int
    receipt_id: UUID
    sender: str
    received_at: datetime
    receipt: str
    leaf: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """What the next chain value may follow from: the value that is stored, and the one that ought to be.

    They differ behind a break only, so that one damaged value is one break. Both are None behind a missing entry.
    """

    stored: bytes | None
    computed: bytes | None

    @property
    def known(self) -> bool:
        """False where the chain cannot be told, behind a missing entry."""
        return self.stored is not None

    def holds(self, chain: bytes) -> bool:
        """Whether this is the chain value at this place."""
        return chain in (self.stored, self.computed)

    def reaches(self, leaf: bytes, chain: bytes) -> bool:
        """Whether this chain value follows."""
        return any(known is not None and chain_of(known, leaf) == chain for known in (self.stored, self.computed))

    def after(self, leaf: bytes, chain: bytes) -> "Link":
        """The link behind an entry with this leaf and this stored chain value."""
        if self.computed is None or self.reaches(leaf, chain):
            return Link(chain, chain)
        return Link(chain, chain_of(self.computed, leaf))


START = Link(CHAIN_START, CHAIN_START)
UNKNOWN = Link(None, None)


@dataclass(frozen=True, slots=True)
class EntryChecks:
    """The checks that need a reader of receipts; `packer` unpacks."""

    packer: Packer
    read_receipt: ReadReceipt

    def faults(self, stored: Stored, link: Link) -> tuple[list[Fault], Link]:
        """What is wrong with an entry, the most telling first, and the link behind it.

        Of a large one the lists of its parts are looked at, not the parts.
        """
        found = [*self._content_faults(stored.row)]
        leaf = leaf_of(stored.row)
        if leaf == stored.leaf:
            sound = leaf
        elif link.reaches(leaf, stored.chain):
            sound = leaf
            found.append(("leaf", "the stored leaf is not that of the entry"))
        else:
            sound = stored.leaf
            if not found:
                found.append(("entry", "the stored bytes are not the leaf's, though none contradicts the receipt"))
        if link.known and not link.reaches(sound, stored.chain):
            found.append(("chain", "the chain value does not follow from the one before"))
        return found, link.after(sound, stored.chain)

    def kept_faults(self, kept: Kept, link: Link) -> tuple[list[Fault], Row | None, Link]:
        """What is wrong with what stays of an archived entry, its row as far as the receipt tells, the link behind it.

        Of the row body and records are empty; without a receipt that verifies there is none.
        """
        found: list[Fault] = []
        row = None
        receipt = self._receipt(kept.receipt)
        if isinstance(receipt, Receipt):
            row = _row_of(receipt, kept.receipt)
            wrong = [name for name in _KEPT_FACTS if getattr(kept, name) != getattr(row, name)]
            found += [(name, "the column contradicts the sealed receipt") for name in wrong]
        else:
            found.append(("receipt", f"the sealed receipt does not verify: {receipt}"))
        if link.known and not link.reaches(kept.leaf, kept.chain):
            found.append(("chain", "the chain value does not follow from the one before"))
        return found, row, link.after(kept.leaf, kept.chain)

    def _content_faults(self, row: Row) -> Iterator[Fault]:
        receipt = self._receipt(row.receipt)
        if isinstance(receipt, Receipt):
            yield from _fact_faults(row, receipt)
        else:
            yield ("receipt", f"the sealed receipt does not verify: {receipt}")
        if row.in_parts:
            return
        digest = row.sha256.hex() if not isinstance(receipt, Receipt) else receipt.sha256
        try:
            if hashlib.sha256(self.packer.unpack(row.body)).hexdigest() != digest:
                yield ("body", "the bytes are not those of the receipt's sha256")
        except JournalDamaged as error:
            yield ("body", str(error))
        try:
            self.packer.records(row.records)
        except JournalDamaged as error:
            yield ("records", str(error))

    def _receipt(self, jws: str) -> Receipt | str:
        try:
            return self.read_receipt(jws)
        except Exception as error:  # noqa: BLE001 - however a reader fails on damaged bytes, it is a break and no more
            return f"{type(error).__name__} {error}".strip()


def _fact_faults(row: Row, receipt: Receipt) -> Iterator[Fault]:
    sealed = _row_of(receipt, row.receipt)
    for name in _FACTS:
        if getattr(row, name) != getattr(sealed, name):
            yield (name, "the column contradicts the sealed receipt")


def _row_of(receipt: Receipt, jws: str) -> Row:
    """The row that a receipt speaks of, without body and records."""
    return Row(
        receipt_id=receipt.id,
        sender=receipt.sender,
        document=receipt.document,
        version=receipt.version,
        verdict=receipt.verdict.value,
        family=receipt.family,
        edition=receipt.edition,
        received_at=receipt.received_at,
        sha256=bytes.fromhex(receipt.sha256),
        body=b"",
        receipt=jws,
        records=b"",
        series=receipt.place[0],
        number=receipt.place[1],
    )


def filing_fault(filing: Mapping[str, Any], row: Row) -> Fault | None:
    """What is wrong with the row of keys of an entry."""
    try:
        accepted = row.accepted
    except ValueError:
        accepted = None
    ought = {name: getattr(row, name) for name in _KEYS if name != "accepted"} | {"accepted": accepted}
    wrong = [name for name in _KEYS if filing[name] != ought[name]]
    return ("filing", f"the keys contradict the entry: {', '.join(wrong)}") if wrong else None


def checkpoint_fault(checkpoint: Checkpoint, read: ReadCheckpoint) -> Fault | None:
    """What is wrong with a checkpoint by itself."""
    try:
        sealed = read(checkpoint.jws)
    except Exception as error:  # noqa: BLE001 - however a reader fails on damaged bytes, it is a break and no more
        return ("checkpoint", f"the seal does not verify: {type(error).__name__} {error}".strip())
    wrong = [
        name for name in ("ledger", "seq", "chain", "made_at") if getattr(sealed, name) != getattr(checkpoint, name)
    ]
    return ("checkpoint", f"the columns contradict the seal: {', '.join(wrong)}") if wrong else None
