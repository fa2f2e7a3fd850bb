"""A log that was filled without the gateway: entries with a true chain, or many with a true head alone."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import asyncpg
import orjson

from gateway.bus.positions import Position
from gateway.bus.publisher import TransactionalPublisher
from gateway.commands.relay import TRANSACTIONAL_ID
from gateway.journal.encoding import (
    CHAIN_START,
    ROW_COLUMNS,
    Packer,
    Row,
    chain_of,
    frame_records,
    leaf_of,
    row_values,
)
from gateway.model import Record

PARTITION = 1_000_000
PIECE = 250_000
SENDERS = 64
SEAL = b"e" * 420
"""As long as a seal is."""
FILL = """
INSERT INTO entries (ledger, seq, receipt_id, sender, document, version, verdict, family, edition, received_at, sha256,
    body, receipt, records, leaf, chain)
SELECT 0, seq, (lpad(to_hex(seq), 8, '0') || '-0000-7000-8000-000000000000')::uuid, lpad((seq % 64)::text, 12, '0'),
    seq::text, '1', 'accepted', 'fm1', 'bench', now(), sha256(seq::text::bytea), $3, $4, $5,
    sha256(('leaf' || seq)::bytea), sha256(('chain' || seq)::bytea)
FROM generate_series($1::bigint, $2::bigint) AS seq
"""
KEYS = """
INSERT INTO filings (sha256, sender, receipt_id, ledger, seq, document, version, accepted)
SELECT sha256, sender, receipt_id, ledger, seq, md5(document), version, true
FROM entries WHERE ledger = 0 AND seq BETWEEN $1 AND $2
"""


@dataclass(frozen=True, slots=True)
class Template:
    """What is the same in all entries of a backlog: packed bodies by turns, and the record's topic and value."""

    bodies: Sequence[bytes]
    topic: str
    value: bytes


async def fill_chained(dsn: str, count: int, template: Template) -> None:
    """`count` entries by COPY whose leaves and chain are true, with one record each; their keys are left out."""
    connection = await asyncpg.connect(dsn)
    try:
        await _partitions(connection, count)
        chain = _Chain(template)
        columns = ("ledger", "seq", "leaf", "chain", *ROW_COLUMNS)
        await connection.copy_records_to_table("entries", records=chain.rows(count), columns=columns)
        await connection.execute("UPDATE ledgers SET seq = $1, chain = $2 WHERE ledger = 0", count, chain.head)
        await connection.execute("VACUUM (ANALYZE) entries")
    finally:
        await connection.close()


class _Chain:
    def __init__(self, template: Template) -> None:
        self.head = CHAIN_START
        self._template = template
        self._packer = Packer()

    def rows(self, count: int) -> Iterator[tuple[object, ...]]:
        moment = datetime.now(UTC)
        for seq in range(1, count + 1):
            row = self._row(seq, moment)
            leaf = leaf_of(row)
            self.head = chain_of(self.head, leaf)
            yield (0, seq, leaf, self.head, *row_values(row))

    def _row(self, seq: int, moment: datetime) -> Row:
        number = uuid.UUID(int=seq)
        sender = f"{seq % SENDERS:012}"
        headers = (("ce_id", str(number).encode()), ("ce_type", b"kz.fma.fm1.accepted.v1"), ("seal", SEAL))
        record = Record(self._template.topic, sender, self._template.value, headers)
        return Row(
            receipt_id=number,
            sender=sender,
            document=str(number),
            version="1",
            verdict="accepted",
            family="fm1",
            edition="bench",
            received_at=moment,
            sha256=sha256(number.bytes).digest(),
            body=self._template.bodies[seq % len(self._template.bodies)],
            receipt="e" * 900,
            records=self._packer.pack(frame_records([record])),
        )


async def fill_stored(dsn: str, count: int, tell: Callable[[str], None]) -> Position:
    """`count` entries (at least one) with their keys, made inside PostgreSQL: small, the head true, the chain not.

    The overseer finds that it has dealt with all of them. Answers the position that tells a relay the same.
    """
    packer = Packer()
    body, records = packer.pack(b"<stored/>" * 40), packer.pack(frame_records(()))
    connection = await asyncpg.connect(dsn, timeout=60, command_timeout=3_600)
    try:
        await _partitions(connection, count)
        for first in range(1, count + 1, PIECE):
            last = min(first + PIECE - 1, count)
            await connection.execute(FILL, first, last, body, "e" * 300, records)
            await connection.execute(KEYS, first, last)
            tell(f"  {last:,} of {count:,} entries stored")
        chain = await connection.fetchval("SELECT chain FROM entries WHERE ledger = 0 AND seq = $1", count)
        await connection.execute("UPDATE ledgers SET seq = $1, chain = $2 WHERE ledger = 0", count, chain)
        await connection.execute(
            "INSERT INTO oversight_positions (ledger, epoch, seq) VALUES (0, 1, $1) "
            "ON CONFLICT (ledger) DO UPDATE SET seq = $1",
            count,
        )
        for statement in ("VACUUM (ANALYZE) entries", "VACUUM (ANALYZE) filings", "CHECKPOINT"):
            await connection.execute(statement)
    finally:
        await connection.close()
    return Position(0, count, chain)


async def tell_relay(kafka: str, position: Position) -> None:
    """Leaves a position in Kafka, as the relay itself leaves its own."""
    async with TransactionalPublisher(kafka, TRANSACTIONAL_ID.format(ledger=0), 0) as publisher:
        await publisher.start()
        await publisher.publish([], position)


def template_of(bodies: Sequence[bytes], values: Sequence[object], topic: str) -> Template:
    """The template with these bodies, and with the first value as JSON in every record."""
    packer = Packer()
    return Template([packer.pack(body) for body in bodies], topic, orjson.dumps(values[0]))


async def _partitions(connection: "asyncpg.Connection[asyncpg.Record]", count: int) -> None:
    for number in range(count // PARTITION + 2):
        await connection.execute("SELECT prepare_partition($1)", number)
