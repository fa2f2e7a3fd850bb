"""What PostgreSQL answers, as the nouns of the gateway."""

from uuid import UUID

import asyncpg

from gateway.journal.encoding import Packer
from gateway.model import Checkpoint, Entry, Filed


def plain_uuid(value: UUID) -> UUID:
    """The standard library's UUID in place of asyncpg's subclass, which serialisers of JSON do not know."""
    return UUID(bytes=value.bytes)


def filed_of(row: asyncpg.Record) -> Filed:
    """What was filed before; the columns are those of the queries `filed_before` and `find_by_digest`."""
    return Filed(plain_uuid(row["receipt_id"]), row["receipt"], row["ledger"], row["seq"], repeated=True)


def entry_of(row: asyncpg.Record, packer: Packer) -> Entry:
    """An entry as it is read back.

    Raises JournalDamaged when its body or its records cannot be unpacked.
    """
    return Entry(
        ledger=row["ledger"],
        seq=row["seq"],
        receipt_id=plain_uuid(row["receipt_id"]),
        sender=row["sender"],
        received_at=row["received_at"],
        jws=row["receipt"],
        body=packer.unpack(row["body"]),
        records=packer.records(row["records"]),
        leaf=row["leaf"],
        chain=row["chain"],
    )


def checkpoint_of(row: asyncpg.Record) -> Checkpoint:
    """The checkpoint of a row."""
    return Checkpoint(**{**row, "cosignatures": tuple(row["cosignatures"])})
