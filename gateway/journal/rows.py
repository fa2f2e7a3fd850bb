"""What PostgreSQL answers, as the nouns of the gateway."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from gateway.journal.encoding import ROW_COLUMNS, Packer, Row, is_list
from gateway.journal.entry_checks import Kept, Stored
from gateway.journal.parts import parts_of
from gateway.model import Checkpoint, Entry, Filed


def plain_uuid(value: UUID) -> UUID:
    """The standard library's UUID in place of asyncpg's subclass, which serialisers of JSON do not know."""
    return UUID(bytes=value.bytes)


def filed_of(row: asyncpg.Record) -> Filed:
    """What was filed before; the columns are those of the queries `known` and `find_by_digest`."""
    return Filed(plain_uuid(row["receipt_id"]), row["receipt"], row["ledger"], row["seq"], repeated=True)


def entry_of(row: asyncpg.Record, packer: Packer) -> Entry:
    """An entry as it is read back.

    Raises JournalDamaged when its body or its records cannot be unpacked.
    """
    large = is_list(row["body"])
    return Entry(
        ledger=row["ledger"],
        seq=row["seq"],
        receipt_id=plain_uuid(row["receipt_id"]),
        sender=row["sender"],
        received_at=row["received_at"],
        jws=row["receipt"],
        body=b"" if large else packer.unpack(row["body"]),
        records=() if large else packer.records(row["records"]),
        leaf=row["leaf"],
        chain=row["chain"],
        parts=parts_of(row["body"], row["records"]) if large else None,
    )


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as one list a column, for `unnest`."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def stored_of(row: asyncpg.Record) -> Stored:
    """An entry as it is stored, nothing of it unpacked."""
    return Stored(
        seq=row["seq"],
        row=Row(**{**{name: row[name] for name in ROW_COLUMNS}, "receipt_id": plain_uuid(row["receipt_id"])}),
        leaf=row["leaf"],
        chain=row["chain"],
    )


def kept_of(row: asyncpg.Record) -> Kept:
    """What stays of an archived entry."""
    return Kept(**{**row, "receipt_id": plain_uuid(row["receipt_id"])})


def checkpoint_of(row: asyncpg.Record) -> Checkpoint:
    """The checkpoint of a row."""
    return Checkpoint(**{**row, "cosignatures": tuple(row["cosignatures"])})
