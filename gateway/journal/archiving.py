"""Partitions of the log on their way to files and back: what archiving says to PostgreSQL."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self, TypeAlias
from uuid import UUID

from asyncpg import exceptions as postgres

from gateway.errors import Unavailable
from gateway.journal.connections import Connection, Session, close, connect, postgres_needed
from gateway.journal.encoding import CHAIN_START, ROW_COLUMNS, row_values
from gateway.journal.entry_checks import Stored
from gateway.journal.errors import ArchivingRefused
from gateway.journal.queries import sql
from gateway.journal.rows import stored_of
from gateway.model import Checkpoint, Cosignature

ARCHIVING = Session("archive", statement_timeout=0, lock_timeout=1_000, idle_in_transaction_timeout=0, by_index=True)
"""Appends wait behind a partition that waits to be detached: not for long, whatever holds it up."""
_PREFETCH = 64
_COLUMNS = ("ledger", "seq", *ROW_COLUMNS, "leaf", "chain")
_PART_COLUMNS = ("receipt_id", "kind", "number", "bytes")

StoredPart: TypeAlias = tuple[UUID, str, int, bytes]
"""A part as it is stored: the receipt id of its entry, its kind, its number from 0, its bytes."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of the log by its number; it holds `low <= seq < high` of every ledger."""

    number: int
    low: int
    high: int

    @property
    def last(self) -> int:
        """The last `seq` in it."""
        return self.high - 1


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a ledger has grown, was overseen and was checkpointed, each as a `seq`."""

    ledger: int
    head: int
    overseen: int
    checkpointed: int


@dataclass(frozen=True, slots=True)
class ArchiveAction:
    """Who moved which partition when: `action` is `detached`, `restored` or `discarded`.

    `manifest` is the SHA-256 of the archive's manifest, `role` the role in PostgreSQL, `person` who gave the command.
    """

    partition: int
    low: int
    high: int
    action: str
    manifest: bytes
    at: datetime
    role: str
    person: str


@dataclass(frozen=True, slots=True)
class Helping:
    """Some entries of one ledger on their way back into the log, and the parts of those among them that have any."""

    ledger: int
    entries: Sequence[Stored]
    parts: Iterator[StoredPart]


class ArchiveStore:
    """One connection to the log for archiving; an async context manager.

    Every method raises Unavailable while PostgreSQL is away or a lock is not had in time, and ArchivingRefused when
    PostgreSQL's own conditions for moving a partition do not hold.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        with postgres_needed():
            self._connection = await connect(self._dsn, ARCHIVING)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            await close(self._connection)

    async def partitions(self) -> list[Partition]:
        """The partitions that are in the log, the oldest first."""
        with _refusals():
            return [Partition(**row) for row in await self._connected().fetch(sql("entry_partitions"))]

    async def progress(self) -> list[Progressed]:
        """How far each ledger is."""
        with _refusals():
            return [Progressed(**row) for row in await self._connected().fetch(sql("ledger_progress"))]

    async def received_at(self, ledger: int, seq: int) -> datetime | None:
        """When an entry of the log was received; None where there is none."""
        with _refusals():
            found = await self._connected().fetchrow(sql("last_received"), ledger, seq)
        return None if found is None else found["received_at"]

    async def chain_at(self, ledger: int, seq: int) -> bytes:
        """The chain value behind an entry, archived or not; that of an empty ledger for 0."""
        if seq == 0:
            return CHAIN_START
        with _refusals():
            found = await self._connected().fetchval(sql("chain_at"), ledger, seq)
        if found is None:
            raise ArchivingRefused(f"ledger {ledger} has no entry {seq}; `gateway verify journal` tells more")
        return bytes(found)

    async def entries(self, ledger: int, partition: Partition) -> AsyncIterator[Stored]:
        """The entries of a ledger in a partition, in their order, as they are stored."""
        with _refusals():
            async with self._connected().transaction(isolation="repeatable_read", readonly=True):
                query, span = sql("partition_entries"), (ledger, partition.low, partition.high)
                async for row in self._connected().cursor(query, *span, prefetch=_PREFETCH):
                    yield stored_of(row)

    async def parts(self, stored: Stored, kind: str) -> AsyncIterator[bytes]:
        """The stored parts of one kind of an entry that `entries` has just given, in their order, one at a time."""
        with _refusals():
            query = sql("every_part")
            async for row in self._connected().cursor(query, stored.row.receipt_id, kind, prefetch=1):
                yield row["bytes"]

    async def checkpoints(self, ledger: int, partition: Partition) -> list[Checkpoint]:
        """The checkpoints of a ledger in a partition, in their order."""
        with _refusals():
            query, span = sql("partition_checkpoints"), (ledger, partition.low, partition.high)
            return [Checkpoint(**row) for row in await self._connected().fetch(query, *span)]

    async def cosignatures(self, ledger: int, partition: Partition) -> list[Cosignature]:
        """What witnesses said of the checkpoints of a ledger in a partition, in their order."""
        with _refusals():
            query, span = sql("partition_cosignatures"), (ledger, partition.low, partition.high)
            return [Cosignature(**row) for row in await self._connected().fetch(query, *span)]

    async def detach(self, partition: int, manifest: bytes, person: str) -> None:
        """Takes the oldest partition out of the log; its receipts stay, the action is recorded, all or nothing.

        The parts of its large entries are for `drop_archived_parts`.
        """
        with _refusals():
            await self._connected().execute(sql("detach_partition"), partition, manifest, person)

    async def drop_archived_parts(self) -> None:
        """Deletes the parts of detached entries, some at a time, so that nobody waits behind it.

        What is left when it is interrupted is for the next call. Nothing is restored before it is done.
        """
        with _refusals():
            while await self._connected().fetchval(sql("drop_archived_parts")):
                pass

    async def restore(self, partition: int, manifest: bytes, helpings: Iterator[Helping], person: str) -> None:
        """Puts entries and parts back into the log as the partition that was detached last, all or nothing."""
        with _refusals():
            connection = self._connected()
            async with connection.transaction():
                table = await connection.fetchval(sql("begin_restore"), partition, manifest)
                for helping in helpings:
                    rows = [_values(helping.ledger, stored) for stored in helping.entries]
                    await connection.copy_records_to_table(table, records=rows, columns=_COLUMNS)
                    await connection.copy_records_to_table("entry_parts", records=helping.parts, columns=_PART_COLUMNS)
                await connection.execute(sql("finish_restore"), partition, person)

    async def record_discard(self, partition: int, manifest: bytes, person: str) -> None:
        """Records that an archive is deleted for ever; ArchivingRefused where it is not what the log needs it to be."""
        with _refusals():
            noted = await self._connected().fetchval(sql("record_discard"), partition, manifest, person)
        if noted is None:
            raise ArchivingRefused(f"partition {partition} is not archived in this archive")

    async def actions(self) -> list[ArchiveAction]:
        """Everything that was ever done, in its order."""
        with _refusals():
            return [ArchiveAction(**row) for row in await self._connected().fetch(sql("archive_actions"))]

    def _connected(self) -> Connection:
        if self._connection is None:
            raise Unavailable("the archive store is not connected")
        return self._connection


def _values(ledger: int, stored: Stored) -> tuple[object, ...]:
    return (ledger, stored.seq, *row_values(stored.row), stored.leaf, stored.chain)


@contextmanager
def _refusals() -> Iterator[None]:
    with postgres_needed():
        try:
            yield
        except (postgres.RestrictViolationError, postgres.DuplicateTableError, postgres.UniqueViolationError) as error:
            raise ArchivingRefused(str(error)) from error
