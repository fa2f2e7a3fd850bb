"""Whether somebody else's word, from before a key got out, covers one receipt that the key sealed."""

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.journal.connections import VERIFYING, Connection, close, connect, postgres_needed
from gateway.journal.encoding import CHAIN_START, chain_of, leaf_of
from gateway.journal.queries import sql
from gateway.journal.rows import stored_of
from gateway.journal.witnessed import Witnesses
from gateway.model import Checkpoint, Receipt

_PAGE, _PREFETCH = 4096, 16

ReadCheckpoint = Callable[[str], Checkpoint]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A word that covers an entry: at which place of which ledger, when, and `by` whom.

    That is `witness` or `time-stamping service`; `chain` is the chain value that it names.
    """

    by: str
    ledger: int
    seq: int
    at: datetime
    chain: bytes


@dataclass(frozen=True, slots=True)
class Readers:
    """Who is believed, and how a checkpoint's JWS is read, whoever has its key."""

    witnesses: Witnesses
    checkpoint: ReadCheckpoint

    def cosignature(self, row: asyncpg.Record) -> Coverage | None:
        """What a believed witness said; raises where it did not."""
        if self.witnesses.read is None or row["witness"] not in self.witnesses.kids:
            return None
        said = self.witnesses.read(row["jws"])
        return Coverage("witness", said.ledger, said.seq, said.seen_at, said.chain)

    def timestamp(self, row: asyncpg.Record) -> Coverage | None:
        """What a believed time-stamping service said; raises where it did not."""
        if self.witnesses.read_timestamp is None or row["jws"] is None:
            return None
        at, said = self.witnesses.read_timestamp(row["token"], row["jws"]), self.checkpoint(row["jws"])
        return Coverage("time-stamping service", said.ledger, said.seq, at, said.chain)


async def coverage_of(dsn: str, receipt: Receipt, before: datetime, readers: Readers) -> Coverage | None:
    """The first co-signature or time stamp over the receipt's entry, where it is from `before` a moment.

    The entry's leaf is computed from its stored bytes, the receipt's JWS among them, and the chain from it over the
    leaves up to that word: whoever gave it saw this receipt. None where there is no such word, and where the entry is
    not in the log, or is archived. Raises Unavailable and SchemaOutdated.
    """
    with postgres_needed():
        connection = await connect(dsn, VERIFYING)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await _look(connection, receipt, before, readers)
        finally:
            await close(connection)


async def _look(connection: Connection, receipt: Receipt, before: datetime, readers: Readers) -> Coverage | None:
    filed = await connection.fetchrow(sql("find_by_receipt"), receipt.id, receipt.sender)
    if filed is None:
        return None
    found = await connection.fetchrow(sql("stored_entry"), filed["ledger"], filed["seq"])
    if found is None:
        return None
    ledger, stored = filed["ledger"], stored_of(found)
    chain = await connection.fetchval(sql("chain_at"), ledger, stored.seq - 1) if stored.seq > 1 else CHAIN_START
    if stored.row.receipt != receipt.jws or chain is None:
        return None
    chain = chain_of(chain, leaf_of(stored.row))
    for query, read in (("every_cosignature", readers.cosignature), ("every_timestamp", readers.timestamp)):
        word = await _first(connection.cursor(sql(query), ledger, stored.seq - 1, prefetch=_PREFETCH), read)
        in_time = word is not None and word.ledger == ledger and word.at < before
        if word and in_time and await _chain_at(connection, word, stored.seq, chain) == word.chain:
            return word
    return None


async def _first(
    rows: AsyncIterable[asyncpg.Record], read: Callable[[asyncpg.Record], Coverage | None]
) -> Coverage | None:
    """The first that is a word at all: those that follow are later ones."""
    async for row in rows:
        try:
            word = read(row)
        except Exception:  # noqa: BLE001, S112 - however a reader fails, it is nobody's word
            continue
        if word is not None:
            return word
    return None


async def _chain_at(connection: Connection, word: Coverage, seq: int, chain: bytes) -> bytes:
    """The chain value at the place of a word, computed over the leaves from an entry and its value on."""
    while seq < word.seq:
        leaves = await connection.fetch(sql("leaves"), word.ledger, seq, min(_PAGE, word.seq - seq))
        if not leaves:
            return b""
        for row in leaves:
            chain = chain_of(chain, row["leaf"])
        seq += len(leaves)
    return chain
