"""Everything that is stored, computed again from the first byte and compared."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import asyncpg
from asyncpg import exceptions as postgres

from gateway.journal.ahead import Ahead
from gateway.journal.connections import VERIFYING, Connection, close, connect, postgres_needed
from gateway.journal.encoding import Packer, Row
from gateway.journal.entry_checks import (
    START,
    UNKNOWN,
    EntryChecks,
    Fault,
    Link,
    ReadCheckpoint,
    ReadReceipt,
    checkpoint_fault,
    filing_fault,
)
from gateway.journal.errors import NoCheckpoint
from gateway.journal.part_checks import part_faults
from gateway.journal.queries import sql
from gateway.journal.report import Break, Progress, Report, Tally
from gateway.journal.rows import checkpoint_of, kept_of, plain_uuid, stored_of
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
    *,
    after: Mapping[int, int] | None = None,
    witnesses: Witnesses | None = None,
) -> Report:
    """Checks every entry and part, every row of keys, every head and every checkpoint, in constant memory.

    Of archived entries what stays is checked: leaf, chain, receipt and keys. The log goes on meanwhile: each ledger is
    read as it stood when its reading began. `read_receipt` and `read_checkpoint` check a JWS and answer what it seals,
    or raise. `after` begins a ledger behind the entry of a checkpoint, whose chain value is believed if its seal
    verifies; `witnesses` hold the log against what others saw of it. Damage is reported, never raised; raises
    Unavailable, SchemaOutdated, and NoCheckpoint where there is no checkpoint at that place.
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
                await walk.begin_after((after or {}).get(head["ledger"], 0))
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """An entry, what is wrong with it, its receipt, its row as far as it is known, and how long its ledger is."""

    seq: int
    faults: list[Fault]
    receipt: str
    row: Row | None
    length: int


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is read beside the entries, in their order."""

    filings: Ahead
    checkpoints: Ahead
    cosignatures: Ahead
    timestamps: Ahead


@dataclass(slots=True)
class _Walk:
    """One ledger from its first entry to its head."""

    connection: Connection
    ledger: int
    tally: Tally
    read_checkpoint: ReadCheckpoint
    progress: Progress
    seen: LedgerWitnesses
    begun_after: int = -(1 << 63)
    seq: int = 0
    link: Link = START

    async def begin_after(self, seq: int) -> None:
        """Goes to a checkpoint; raises NoCheckpoint where there is none."""
        if seq == 0:
            return
        found = await self.connection.fetchrow(sql("checkpoint_at"), self.ledger, seq)
        if found is None or found["seq"] != seq:
            raise NoCheckpoint(self.ledger, seq, None if found is None else found["seq"])
        checkpoint = checkpoint_of(found)
        fault = checkpoint_fault(checkpoint, self.read_checkpoint)
        if fault is not None:
            self._note(seq, *fault)
        self.begun_after, self.seq, self.link = seq, seq, Link(checkpoint.chain, checkpoint.chain)

    async def verify(self, checks: EntryChecks) -> None:
        try:
            async with self.connection.transaction(isolation="repeatable_read", readonly=True):
                await self._walk(checks)
        except (postgres.InternalServerError, postgres.PostgresSystemError) as error:
            self._note(self.seq + 1, "storage", f"PostgreSQL cannot read on: {type(error).__name__}")

    async def _walk(self, checks: EntryChecks) -> None:
        head = await self.connection.fetchrow(sql("head"), self.ledger)
        length = 0 if head is None else head["seq"]
        names = ("every_filing", "every_checkpoint", "every_cosignature", "every_timestamp")
        beside = _Beside(*(Ahead(self._rows(name)) for name in names))
        async for row in self._rows("every_archived"):
            kept = kept_of(row)
            await self._note_missing(kept.seq, beside.filings)
            found, known, self.link = checks.kept_faults(kept, self.link)
            await self._passed(_Seen(kept.seq, found, kept.receipt, known, length), beside)
        async for row in self._rows("every_entry"):
            stored = stored_of(row)
            if stored.seq < 1:
                self._note(stored.seq, "extra", "entries are numbered from 1", stored.row)
                continue
            await self._note_missing(stored.seq, beside.filings)
            found, self.link = checks.faults(stored, self.link)
            if stored.row.in_parts:
                found = [*await part_faults(stored.row, partial(self._parts, stored.row.receipt_id)), *found]
            await self._passed(_Seen(stored.seq, found, stored.row.receipt, stored.row, length), beside)
        await self._check_end(head, beside)
        self._conclude()
        self.progress(self.ledger, self.seq, length)

    async def _passed(self, seen: _Seen, beside: _Beside) -> None:
        for what, detail in seen.faults:
            self._note(seen.seq, what, detail, seen.row)
        self.seen.sealed(seen.seq, seen.receipt)
        await self._check_filing(seen, beside.filings)
        await self._check_checkpoints(seen.seq, beside.checkpoints)
        await self._check_words(seen.seq, beside)
        self.seq = seen.seq
        self.tally.entries += 1
        if seen.seq % _PROGRESS_EVERY == 0:
            self.progress(self.ledger, seen.seq, seen.length)

    def _rows(self, query: str) -> AsyncIterator[asyncpg.Record]:
        cursor = self.connection.cursor(sql(query), self.ledger, self.begun_after, prefetch=_PREFETCH)
        return aiter(cursor)

    def _parts(self, receipt_id: UUID, kind: str) -> AsyncIterator[asyncpg.Record]:
        return aiter(self.connection.cursor(sql("every_part"), receipt_id, kind, prefetch=1))

    async def _note_missing(self, seq: int, filings: Ahead) -> None:
        if seq == self.seq + 1:
            return
        gap = f"{self.seq + 1}" if seq == self.seq + 2 else f"{self.seq + 1} to {seq - 1}"
        self._note(self.seq + 1, "missing", f"no entry {gap}")
        self.link = UNKNOWN
        async for _ in filings.upto(seq - 1):
            self.tally.filings += 1

    async def _check_filing(self, seen: _Seen, filings: Ahead) -> None:
        found = False
        async for filing in filings.upto(seen.seq):
            self.tally.filings += 1
            if filing["seq"] != seen.seq:
                self._note(filing["seq"], "filing", "keys without an entry")
                continue
            found = True
            fault = None if seen.row is None else filing_fault(dict(filing), seen.row)
            if fault is not None:
                self._note(seen.seq, *fault, seen.row)
        if not found:
            self._note(seen.seq, "filing", "the keys of the entry are missing", seen.row)

    async def _check_checkpoints(self, seq: int | None, checkpoints: Ahead) -> None:
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

    async def _check_words(self, seq: int | None, beside: _Beside) -> None:
        """What others said of the log: witnesses and their memory, and a time-stamping service."""
        for words, faults in (
            (beside.cosignatures, self.seen.cosignature_faults),
            (beside.timestamps, self.seen.timestamp_faults),
        ):
            async for row in words.upto(seq):
                for fault in faults(dict(row), self.link if row["seq"] == seq else None):
                    self._note(row["seq"], *fault)
        if seq is not None:
            for fault in self.seen.memory_faults(seq, self.link):
                self._note(seq, *fault)

    def _conclude(self) -> None:
        """What can be told of the witnesses when the whole ledger was read."""
        for seq, what, detail in self.seen.end_faults(self.seq, whole=self.begun_after < 0):
            self._note(seq, what, detail)
        self.tally.cosignatures += self.seen.checked
        self.tally.timestamps += self.seen.timestamps
        if self.seen.stamped is not None:
            self.tally.stamped[self.ledger] = self.seen.stamped
        if self.seen.furthest:
            self.tally.witnessed[self.ledger] = self.seen.furthest
        self.tally.undetermined += self.seen.undetermined
        if self.tally.first_undetermined is None and self.seen.first_undetermined is not None:
            self.tally.first_undetermined = (self.ledger, self.seen.first_undetermined)

    async def _check_end(self, head: asyncpg.Record | None, beside: _Beside) -> None:
        async for filing in beside.filings.upto(None):
            self.tally.filings += 1
            self._note(filing["seq"], "filing", "keys without an entry")
        await self._check_checkpoints(None, beside.checkpoints)
        await self._check_words(None, beside)
        if head is None or head["seq"] != self.seq:
            self._note(self.seq, "head", f"the head stands at {None if head is None else head['seq']}")
        elif not self.link.holds(head["chain"]):
            self._note(self.seq, "head", "the head's chain value is not that of the last entry")

    def _note(self, seq: int, what: str, detail: str, row: Row | None = None) -> None:
        self.tally.note(Break(self.ledger, seq, what, detail, row.receipt_id if row else None))
