"""Everything that is stored, computed again from the first byte and compared."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
from asyncpg import exceptions as postgres

from gateway.journal.connections import VERIFYING, Connection, close, connect, postgres_needed
from gateway.journal.encoding import ROW_COLUMNS, Packer, Row
from gateway.journal.entry_checks import (
    START,
    UNKNOWN,
    EntryChecks,
    Link,
    ReadCheckpoint,
    ReadReceipt,
    Stored,
    checkpoint_fault,
    filing_fault,
)
from gateway.journal.queries import sql
from gateway.journal.report import Break, Progress, Report, Tally
from gateway.journal.rows import checkpoint_of, plain_uuid
from gateway.journal.witnessed import LedgerWitnesses, Witnesses

__all__ = ["Break", "Report", "verify_journal"]

_PREFETCH = 32
_PROGRESS_EVERY = 1000


def _silent(_ledger: int, _seq: int, _length: int) -> None:
    return None


async def verify_journal(
    dsn: str,
    read_receipt: ReadReceipt,
    read_checkpoint: ReadCheckpoint,
    progress: Progress = _silent,
    witnesses: Witnesses | None = None,
) -> Report:
    """Checks every entry, every row of keys, every head and every checkpoint, in constant memory.

    The log goes on meanwhile: each ledger is read as it stood when its reading began. `read_receipt` and
    `read_checkpoint` check a JWS and answer what it seals, or raise; `witnesses` hold the log against what others saw
    of it. Damage is reported, never raised; raises Unavailable and SchemaOutdated.
    """
    tally = Tally()
    with postgres_needed():
        connection = await connect(dsn, VERIFYING)
        try:
            heads = await connection.fetch(sql("heads"))
            for head in heads:
                tally.ledgers += 1
                seen = LedgerWitnesses(head["ledger"], witnesses or Witnesses())
                walk = _Walk(connection, head["ledger"], tally, read_checkpoint, progress, seen)
                await walk.verify(EntryChecks(Packer(), read_receipt))
            await _note_strays(connection, [head["ledger"] for head in heads], tally)
        finally:
            await close(connection)
    return tally.report()


async def _note_strays(connection: Connection, ledgers: list[int], tally: Tally) -> None:
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(sql("strays"), ledgers, prefetch=_PREFETCH):
            detail = f"{row['what']} of a ledger that does not exist"
            tally.note(
                Break(row["ledger"], row["seq"], "extra", detail, row["receipt_id"] and plain_uuid(row["receipt_id"]))
            )


class _Ahead:
    """A stream of rows ordered by `seq` with a look at the next one."""

    def __init__(self, rows: AsyncIterator[asyncpg.Record]) -> None:
        self._rows = rows
        self._next: asyncpg.Record | None = None

    async def upto(self, seq: int | None) -> AsyncIterator[asyncpg.Record]:
        """The rows that follow, as far as `seq`; all when it is None."""
        while True:
            if self._next is None:
                self._next = await anext(self._rows, None)
            if self._next is None or (seq is not None and self._next["seq"] > seq):
                return
            row, self._next = self._next, None
            yield row


@dataclass(slots=True)
class _Walk:
    """One ledger from its first entry to its head."""

    connection: Connection
    ledger: int
    tally: Tally
    read_checkpoint: ReadCheckpoint
    progress: Progress
    seen: LedgerWitnesses
    seq: int = 0
    link: Link = START

    async def verify(self, checks: EntryChecks) -> None:
        try:
            async with self.connection.transaction(isolation="repeatable_read", readonly=True):
                await self._walk(checks)
        except (postgres.InternalServerError, postgres.PostgresSystemError) as error:
            self._note(self.seq + 1, "storage", f"PostgreSQL cannot read on: {type(error).__name__}")

    async def _walk(self, checks: EntryChecks) -> None:
        head = await self.connection.fetchrow(sql("head"), self.ledger)
        length = 0 if head is None else head["seq"]
        filings = _Ahead(self._rows("every_filing"))
        checkpoints = _Ahead(self._rows("every_checkpoint"))
        cosignatures = _Ahead(self._rows("every_cosignature"))
        async for record in self._rows("every_entry"):
            stored = _stored(record)
            if stored.seq < 1:
                self._note(stored.seq, "extra", "entries are numbered from 1", stored.row)
                continue
            await self._note_missing(stored.seq, filings)
            faults, self.link = checks.faults(stored, self.link)
            for what, detail in faults:
                self._note(stored.seq, what, detail, stored.row)
            self.seen.sealed(stored.seq, stored.row.receipt)
            await self._check_filing(stored, filings)
            await self._check_checkpoints(stored.seq, checkpoints)
            await self._check_cosignatures(stored.seq, cosignatures)
            self.seq = stored.seq
            self.tally.entries += 1
            if stored.seq % _PROGRESS_EVERY == 0:
                self.progress(self.ledger, stored.seq, length)
        await self._check_end(head, filings, checkpoints)
        await self._check_cosignatures(None, cosignatures)
        self._conclude()
        self.progress(self.ledger, self.seq, length)

    def _rows(self, query: str) -> AsyncIterator[asyncpg.Record]:
        cursor = self.connection.cursor(sql(query), self.ledger, prefetch=_PREFETCH)
        return aiter(cursor)

    async def _note_missing(self, seq: int, filings: _Ahead) -> None:
        if seq == self.seq + 1:
            return
        gap = f"{self.seq + 1}" if seq == self.seq + 2 else f"{self.seq + 1} to {seq - 1}"
        self._note(self.seq + 1, "missing", f"no entry {gap}")
        self.link = UNKNOWN
        async for _ in filings.upto(seq - 1):
            self.tally.filings += 1

    async def _check_filing(self, stored: Stored, filings: _Ahead) -> None:
        found = False
        async for filing in filings.upto(stored.seq):
            self.tally.filings += 1
            if filing["seq"] != stored.seq:
                self._note(filing["seq"], "filing", "keys without an entry")
                continue
            found = True
            fault = filing_fault(dict(filing), stored.row)
            if fault is not None:
                self._note(stored.seq, *fault, stored.row)
        if not found:
            self._note(stored.seq, "filing", "the keys of the entry are missing", stored.row)

    async def _check_checkpoints(self, seq: int | None, checkpoints: _Ahead) -> None:
        async for row in checkpoints.upto(seq):
            self.tally.checkpoints += 1
            checkpoint = checkpoint_of(row)
            fault = checkpoint_fault(checkpoint, self.read_checkpoint)
            if fault is not None:
                self._note(checkpoint.seq, *fault)
            elif seq is None:
                self._note(checkpoint.seq, "checkpoint", "the log ends before what was sealed")
            elif checkpoint.seq != seq:
                self._note(checkpoint.seq, "checkpoint", "the entry that was sealed is missing")
            elif not self.link.holds(checkpoint.chain):
                self._note(checkpoint.seq, "checkpoint", "the chain value is not the one that was sealed")
            self.seen.sealed(checkpoint.seq, checkpoint.jws)
            for found in self.seen.carried_faults(checkpoint):
                self._note(checkpoint.seq, *found)

    async def _check_cosignatures(self, seq: int | None, cosignatures: _Ahead) -> None:
        async for row in cosignatures.upto(seq):
            link = self.link if row["seq"] == seq else None
            for fault in self.seen.cosignature_faults(dict(row), link):
                self._note(row["seq"], *fault)
        if seq is not None:
            for fault in self.seen.memory_faults(seq, self.link):
                self._note(seq, *fault)

    def _conclude(self) -> None:
        """What can be told of the witnesses when the whole ledger was read."""
        for seq, what, detail in self.seen.end_faults(self.seq):
            self._note(seq, what, detail)
        self.tally.cosignatures += self.seen.checked
        if self.seen.furthest:
            self.tally.witnessed[self.ledger] = self.seen.furthest
        self.tally.undetermined += self.seen.undetermined
        if self.tally.first_undetermined is None and self.seen.first_undetermined is not None:
            self.tally.first_undetermined = (self.ledger, self.seen.first_undetermined)

    async def _check_end(self, head: asyncpg.Record | None, filings: _Ahead, checkpoints: _Ahead) -> None:
        async for filing in filings.upto(None):
            self.tally.filings += 1
            self._note(filing["seq"], "filing", "keys without an entry")
        await self._check_checkpoints(None, checkpoints)
        if head is None or head["seq"] != self.seq:
            self._note(self.seq, "head", f"the head stands at {None if head is None else head['seq']}")
        elif not self.link.holds(head["chain"]):
            self._note(self.seq, "head", "the head's chain value is not that of the last entry")

    def _note(self, seq: int, what: str, detail: str, row: Row | None = None) -> None:
        self.tally.note(Break(self.ledger, seq, what, detail, row.receipt_id if row else None))


def _stored(record: asyncpg.Record) -> Stored:
    return Stored(
        seq=record["seq"],
        row=Row(**{**{name: record[name] for name in ROW_COLUMNS}, "receipt_id": plain_uuid(record["receipt_id"])}),
        leaf=record["leaf"],
        chain=record["chain"],
    )
