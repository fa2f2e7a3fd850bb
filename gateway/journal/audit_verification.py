"""The audit log computed again from its first entry, and compared with what was sealed, witnessed and stamped of it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from gateway.journal.ahead import Ahead
from gateway.journal.audit import AUDIT_LEDGER, AuditEntry, audit_entry_of, audit_leaf
from gateway.journal.connections import VERIFYING, Connection, close, connect, postgres_needed
from gateway.journal.encoding import chain_of
from gateway.journal.entry_checks import START, Link
from gateway.journal.queries import sql
from gateway.journal.report import BREAKS_KEPT
from gateway.journal.witnessed import LedgerWitnesses, Witnesses
from gateway.model import Checkpoint

_PREFETCH = 200
_BEFORE_ALL = 0

ReadCheckpoint = Callable[[str], Checkpoint]
"""From a JWS to the checkpoint that it seals; raises where it does not hold."""


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """One thing that is not as it was: the place, and what.

    That is `entry`, `chain`, `missing`, `head`, `checkpoint`, `cosignature`, `witness` or `timestamp`.
    """

    seq: int
    what: str
    detail: str

    def __str__(self) -> str:
        return f"audit entry {self.seq}: {self.what}: {self.detail}"


@dataclass(slots=True)
class AuditReport:
    """How much was checked, how many breaks there are, and the first hundred of them in the order of the log.

    `witnessed` is the furthest entry that a witness is known to have seen, 0 where there is none; `stamped` the
    furthest that a time stamp covers, and its moment. `undetermined` counts seals of compromised keys that neither
    covers from before the compromise.
    """

    entries: int = 0
    checkpoints: int = 0
    broken: int = 0
    breaks: list[AuditBreak] = field(default_factory=list)
    cosignatures: int = 0
    witnessed: int = 0
    timestamps: int = 0
    stamped: tuple[int, datetime] | None = None
    undetermined: int = 0
    first_undetermined: int | None = None

    @property
    def intact(self) -> bool:
        """True when everything stands as it was written, and nothing is undetermined."""
        return self.broken == 0 and self.undetermined == 0

    def note(self, seq: int, what: str, detail: str) -> None:
        """Counts a break."""
        self.broken += 1
        if len(self.breaks) < BREAKS_KEPT:
            self.breaks.append(AuditBreak(seq, what, detail))


async def verify_audit(dsn: str, read_checkpoint: ReadCheckpoint, witnesses: Witnesses | None = None) -> AuditReport:
    """Checks every entry, the head and every checkpoint in constant memory; damage is reported, never raised.

    `witnesses` hold the log against what others saw of it. Raises Unavailable and SchemaOutdated.
    """
    report = AuditReport()
    seen = LedgerWitnesses(AUDIT_LEDGER, witnesses or Witnesses())
    with postgres_needed():
        connection = await connect(dsn, VERIFYING)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await _Walk(connection, read_checkpoint, report, seen).walk()
        finally:
            await close(connection)
    report.breaks.sort(key=lambda found: found.seq)
    return report


@dataclass(slots=True)
class _Walk:
    """The log from its first entry to its head."""

    connection: Connection
    read_checkpoint: ReadCheckpoint
    report: AuditReport
    seen: LedgerWitnesses
    seq: int = 0
    link: Link = START

    async def walk(self) -> None:
        checkpoints = Ahead(self._rows("every_audit_checkpoint"))
        words = [
            (Ahead(self._rows("every_cosignature", AUDIT_LEDGER, _BEFORE_ALL)), self.seen.cosignature_faults),
            (Ahead(self._rows("every_timestamp", AUDIT_LEDGER, _BEFORE_ALL)), self.seen.timestamp_faults),
        ]

        async def pass_by(seq: int | None) -> None:
            async for row in checkpoints.upto(seq):
                self._check_checkpoint(row, self._link_at(row, seq))
            for rows, faults in words:
                async for row in rows.upto(seq):
                    for what, detail in faults(dict(row), self._link_at(row, seq)):
                        self.report.note(row["seq"], what, detail)

        async for row in self._rows("every_audit_entry"):
            self._check_entry(audit_entry_of(row))
            await pass_by(self.seq)
            for what, detail in self.seen.memory_faults(self.seq, self.link):
                self.report.note(self.seq, what, detail)
        await pass_by(None)
        self._check_head(await self.connection.fetchrow(sql("audit_head")))
        self._conclude()

    def _rows(self, query: str, *arguments: object) -> AsyncIterator[asyncpg.Record]:
        return aiter(self.connection.cursor(sql(query), *arguments, prefetch=_PREFETCH))

    def _link_at(self, row: asyncpg.Record, seq: int | None) -> Link | None:
        """The chain at the entry that a row is about, None where that entry is not there."""
        return self.link if row["seq"] == seq else None

    def _check_entry(self, entry: AuditEntry) -> None:
        follows = entry.seq == self.seq + 1
        if not follows:
            self.report.note(self.seq + 1, "missing", f"no entry before {entry.seq}")
        if audit_leaf(entry) != entry.leaf:
            self.report.note(entry.seq, "entry", "what is stored is not what the leaf was computed from")
        elif follows and not self.link.reaches(entry.leaf, entry.chain):
            self.report.note(entry.seq, "chain", "the chain value does not follow from the one before and the leaf")
        before = self.link.computed if follows else None
        computed = entry.chain if before is None else chain_of(before, entry.leaf)
        self.seq, self.link = entry.seq, Link(entry.chain, computed)
        self.report.entries += 1

    def _check_checkpoint(self, row: asyncpg.Record, link: Link | None) -> None:
        self.report.checkpoints += 1
        try:
            sealed = self.read_checkpoint(row["jws"])
        except Exception as error:  # noqa: BLE001 - whatever the JWS is, it is not one that holds
            self.report.note(row["seq"], "checkpoint", f"its signature does not hold: {type(error).__name__}")
            return
        self.seen.sealed(row["seq"], row["jws"])
        stored = (AUDIT_LEDGER, row["seq"], row["chain"], row["made_at"])
        if (sealed.ledger, sealed.seq, sealed.chain, sealed.made_at) != stored:
            self.report.note(row["seq"], "checkpoint", "the stored row is not what was sealed")
        elif link is None:
            self.report.note(row["seq"], "missing", "the entry that was sealed is not there")
        elif not link.holds(sealed.chain):
            self.report.note(row["seq"], "checkpoint", "the chain value is not the one that was sealed")

    def _check_head(self, row: asyncpg.Record | None) -> None:
        if row is None or row["seq"] != self.seq:
            self.report.note(self.seq, "head", f"the head stands at {None if row is None else row['seq']}")
        elif not self.link.holds(row["chain"]):
            self.report.note(self.seq, "head", "the head's chain value is not that of the last entry")

    def _conclude(self) -> None:
        for seq, what, detail in self.seen.end_faults(self.seq):
            self.report.note(seq, what, detail)
        self.report.cosignatures, self.report.witnessed = self.seen.checked, self.seen.furthest
        self.report.timestamps, self.report.stamped = self.seen.timestamps, self.seen.stamped
        self.report.undetermined = self.seen.undetermined
        self.report.first_undetermined = self.seen.first_undetermined
