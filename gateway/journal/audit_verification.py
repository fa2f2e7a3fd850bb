"""The audit log computed again from its first entry, and compared with what was sealed of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from gateway.journal.audit import AUDIT_LEDGER, AuditEntry, audit_entry_of, audit_leaf
from gateway.journal.connections import VERIFYING, Connection, close, connect, postgres_needed
from gateway.journal.encoding import chain_of
from gateway.journal.queries import sql
from gateway.journal.report import BREAKS_KEPT
from gateway.model import Checkpoint

_START = bytes(32)
_PREFETCH = 200

ReadCheckpoint = Callable[[str], Checkpoint]
"""From a JWS to the checkpoint that it seals; raises where it does not hold."""


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """One thing that is not as it was: the place, and `entry`, `chain`, `missing`, `head` or `checkpoint`."""

    seq: int
    what: str
    detail: str

    def __str__(self) -> str:
        return f"audit entry {self.seq}: {self.what}: {self.detail}"


@dataclass(slots=True)
class AuditReport:
    """How much was checked, how many breaks there are, and the first hundred of them in the order of the log."""

    entries: int = 0
    checkpoints: int = 0
    broken: int = 0
    breaks: list[AuditBreak] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """True when everything stands as it was written."""
        return self.broken == 0

    def note(self, seq: int, what: str, detail: str) -> None:
        """Counts a break."""
        self.broken += 1
        if len(self.breaks) < BREAKS_KEPT:
            self.breaks.append(AuditBreak(seq, what, detail))


async def verify_audit(dsn: str, read_checkpoint: ReadCheckpoint) -> AuditReport:
    """Checks every entry, the head and every checkpoint in constant memory; damage is reported, never raised.

    Raises Unavailable and SchemaOutdated.
    """
    report = AuditReport()
    with postgres_needed():
        connection = await connect(dsn, VERIFYING)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await _walk(connection, read_checkpoint, report)
        finally:
            await close(connection)
    report.breaks.sort(key=lambda found: found.seq)
    return report


async def _walk(connection: Connection, read_checkpoint: ReadCheckpoint, report: AuditReport) -> None:
    checkpoints = aiter(connection.cursor(sql("every_audit_checkpoint"), prefetch=_PREFETCH))
    waiting = await anext(checkpoints, None)
    seq, chain = 0, _START
    async for row in connection.cursor(sql("every_audit_entry"), prefetch=_PREFETCH):
        entry = audit_entry_of(row)
        while waiting is not None and waiting["seq"] < entry.seq:
            _check_checkpoint(waiting, None, read_checkpoint, report)
            waiting = await anext(checkpoints, None)
        _check_entry(entry, seq, chain, report)
        if waiting is not None and waiting["seq"] == entry.seq:
            _check_checkpoint(waiting, entry.chain, read_checkpoint, report)
            waiting = await anext(checkpoints, None)
        seq, chain = entry.seq, entry.chain
        report.entries += 1
    while waiting is not None:
        _check_checkpoint(waiting, None, read_checkpoint, report)
        waiting = await anext(checkpoints, None)
    _check_head(await connection.fetchrow(sql("audit_head")), seq, chain, report)


def _check_entry(entry: AuditEntry, before: int, chain: bytes, report: AuditReport) -> None:
    if entry.seq != before + 1:
        report.note(before + 1, "missing", f"no entry before {entry.seq}")
    if audit_leaf(entry) != entry.leaf:
        report.note(entry.seq, "entry", "what is stored is not what the leaf was computed from")
    elif entry.seq == before + 1 and chain_of(chain, entry.leaf) != entry.chain:
        report.note(entry.seq, "chain", "the chain value does not follow from the one before and the leaf")


def _check_checkpoint(
    row: asyncpg.Record, chain: bytes | None, read_checkpoint: ReadCheckpoint, report: AuditReport
) -> None:
    report.checkpoints += 1
    try:
        sealed = read_checkpoint(row["jws"])
    except Exception as error:  # noqa: BLE001 - whatever the JWS is, it is not one that holds
        report.note(row["seq"], "checkpoint", f"its signature does not hold: {type(error).__name__}")
        return
    stored = (AUDIT_LEDGER, row["seq"], row["chain"], row["made_at"])
    if (sealed.ledger, sealed.seq, sealed.chain, sealed.made_at) != stored:
        report.note(row["seq"], "checkpoint", "the stored row is not what was sealed")
    elif chain is None:
        report.note(row["seq"], "missing", "the entry that was sealed is not there")
    elif chain != sealed.chain:
        report.note(row["seq"], "checkpoint", "the chain value is not the one that was sealed")


def _check_head(row: asyncpg.Record | None, seq: int, chain: bytes, report: AuditReport) -> None:
    if row is None or row["seq"] != seq:
        report.note(seq, "head", f"the head stands at {None if row is None else row['seq']}")
    elif row["chain"] != chain:
        report.note(seq, "head", "the head's chain value is not that of the last entry")
