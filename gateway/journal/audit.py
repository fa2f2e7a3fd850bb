"""The audit log: who read or changed what, when and why, in a chain like that of the journal.

Leaf. SHA-256 over 0x00 and the frame (see `gateway.journal.encoding`) of seq, at (microseconds since 1970), actor,
role, channel, action, subject, purpose and detail, numbers as 8 bytes big-endian and texts in UTF-8. The chain starts
with 32 zero bytes, and its value after an entry is SHA-256 over the value before it and the entry's leaf.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import asyncpg
import orjson

from gateway.errors import ConfigurationError
from gateway.journal.connections import AnyConnection
from gateway.journal.encoding import chain_of, frame
from gateway.journal.pooled import Pooled
from gateway.journal.queries import sql
from gateway.journal.settlement import Head
from gateway.model import Checkpoint, Cosignature

AUDIT_LEDGER: Final = -1
"""The number under which checkpoints of the audit log are signed; no ledger of the journal has it."""
LONGEST_TEXT = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Channel(StrEnum):
    """How somebody acted."""

    HTTP = "http"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as what, how, and for what stated purpose.

    `name` is a person's id over HTTP; at the command line the configured person and the system's user.
    """

    name: str
    role: str = ""
    channel: Channel = Channel.COMMAND
    purpose: str = ""


UNNAMED: Final = Actor("unnamed")
"""Whoever uses the parts of the gateway as a library and does not say who acts."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is about to be done: `action` such as `message read`, and to or of whom or what."""

    actor: Actor
    action: str
    subject: str
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as it stands; `detail` is the text of a JSON object, `leaf` and `chain` are 32 bytes."""

    seq: int
    at: datetime
    actor: str
    role: str
    channel: str
    action: str
    subject: str
    purpose: str
    detail: str
    leaf: bytes = b""
    chain: bytes = b""


class AuditLog(Pooled):
    """The audit log in one PostgreSQL database; an async context manager. What was appended is durable.

    For `Checkpointer` it is a log with the one ledger AUDIT_LEDGER.
    """

    async def append(self, deed: Deed) -> int:
        """Writes a deed down, durably; its place. Raises Unavailable."""
        async with self._changing() as connection:
            return await append_deed(connection, deed)

    async def page(
        self, after: int = 0, limit: int = 50, actor: str | None = None, subject: str | None = None
    ) -> list[AuditEntry]:
        """The entries after this `seq`, of one actor or about one subject where it is named. Raises Unavailable."""
        async with self._connection() as connection:
            rows = await connection.fetch(sql("audit_page"), after, limit, actor, subject)
        return [audit_entry_of(row) for row in rows]

    async def ledgers(self) -> list[int]:
        """The one number that this log has among ledgers."""
        return [AUDIT_LEDGER]

    async def head(self, ledger: int = AUDIT_LEDGER) -> Head:
        """How long the log is, and its chain value there. Raises Unavailable."""
        async with self._connection() as connection:
            row = await _one(connection, "audit_head")
        return Head(ledger, row["seq"], row["chain"])

    async def store_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keeps a sealed checkpoint; the first one for a `seq` stands. Raises Unavailable."""
        facts = (checkpoint.seq, checkpoint.chain, checkpoint.made_at, checkpoint.jws)
        async with self._connection() as connection:
            await connection.execute(sql("store_audit_checkpoint"), *facts)

    async def latest_checkpoint(self, ledger: int = AUDIT_LEDGER) -> Checkpoint | None:
        """The checkpoint of the greatest `seq`. Raises Unavailable."""
        async with self._connection() as connection:
            row = await connection.fetchrow(sql("latest_audit_checkpoint"))
        return Checkpoint(ledger, **row) if row else None

    async def leaves(self, after: int, limit: int) -> list[bytes]:
        """The leaves of the entries that follow `after`, in order. Raises Unavailable.

        They are hashes of little: who guesses right what an entry says sees that in its leaf. Not for the public.
        """
        async with self._connection() as connection:
            return [row["leaf"] for row in await connection.fetch(sql("audit_leaves"), after, limit)]

    async def store_cosignature(self, cosignature: Cosignature) -> bool:
        """Keeps a witness's word beside the checkpoint that it is about; False where there is no such checkpoint."""
        said = cosignature
        async with self._connection() as connection:
            if await connection.fetchval(sql("audit_checkpoint_chain"), said.seq) != said.chain:
                return False
            facts = (AUDIT_LEDGER, said.seq, said.witness, said.chain, said.seen_at, said.jws)
            await connection.execute(sql("store_cosignature"), *facts)
        return True

    async def newest_cosignatures(self, ledger: int = AUDIT_LEDGER) -> list[Cosignature]:
        """The word of each witness on the furthest checkpoint that it saw. Raises Unavailable."""
        async with self._connection() as connection:
            return [Cosignature(**row) for row in await connection.fetch(sql("newest_cosignatures"), ledger)]


async def append_deed(connection: AnyConnection, deed: Deed) -> int:
    """Writes a deed down in the caller's transaction, which thereby waits for every other that does; its place."""
    head = await _one(connection, "lock_audit_head")
    entry = entry_of_deed(head["seq"] + 1, deed)
    chain = chain_of(head["chain"], entry.leaf)
    await connection.execute(sql("add_audit_entry"), *_columns(replace(entry, chain=chain)))
    await connection.execute(sql("move_audit_head"), entry.seq, chain)
    return entry.seq


def entry_of_deed(seq: int, deed: Deed) -> AuditEntry:
    """The entry that a deed becomes, all but its chain value; texts are cut after 500 characters."""
    entry = AuditEntry(
        seq=seq,
        at=deed.at,
        actor=_text(deed.actor.name),
        role=_text(deed.actor.role),
        channel=deed.actor.channel.value,
        action=_text(deed.action),
        subject=_text(deed.subject),
        purpose=_text(deed.actor.purpose),
        detail=orjson.dumps(dict(deed.detail), option=orjson.OPT_SORT_KEYS).decode(),
    )
    return replace(entry, leaf=audit_leaf(entry))


def audit_leaf(entry: AuditEntry) -> bytes:
    """The RFC 9162 leaf of an entry: 32 bytes."""
    numbers = (entry.seq, (entry.at - _EPOCH) // timedelta(microseconds=1))
    texts = (entry.actor, entry.role, entry.channel, entry.action, entry.subject, entry.purpose, entry.detail)
    fields = [*(number.to_bytes(8, "big", signed=True) for number in numbers), *(text.encode() for text in texts)]
    return hashlib.sha256(b"\x00" + frame(fields)).digest()


def audit_entry_of(row: asyncpg.Record) -> AuditEntry:
    """An entry as it is read back."""
    return AuditEntry(**row)


def _columns(entry: AuditEntry) -> Sequence[object]:
    return tuple(getattr(entry, name) for name in AuditEntry.__slots__)


def _text(text: str) -> str:
    """What PostgreSQL can keep of a text; a zero byte it can't."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")[:LONGEST_TEXT]


async def _one(connection: AnyConnection, query: str) -> asyncpg.Record:
    row = await connection.fetchrow(sql(query))
    if row is None:
        raise ConfigurationError("the audit log has no head: the database was not set up by `gateway migrate`")
    return row
