"""The bare relay: `python -m bench.ceiling.relay DSN BOOTSTRAP TOPIC COUNT` publishes the log's records and ends.

asyncpg reads a batch while aiokafka commits the one before; each batch is one transaction, acks=all. The chain is not
checked, and no position is kept.
"""

import asyncio
import struct
import sys
from collections.abc import Iterator

import asyncpg
import uvloop
import zstandard
from aiokafka import AIOKafkaProducer

from bench.ceiling.publishing import BareRecord, Publisher

BATCH = 1_024
QUERY = "SELECT records FROM entries WHERE ledger = 0 AND seq > $1 ORDER BY seq LIMIT $2"
_LENGTH = struct.Struct(">I")
_NULL = 0xFFFFFFFF
_UNPACKER = zstandard.ZstdDecompressor()


def fields_of(frame: bytes) -> list[bytes | None]:
    """The fields of a frame of the log: a byte, then each field behind its length, the longest length being NULL."""
    fields: list[bytes | None] = []
    at = 1
    while at < len(frame):
        (length,) = _LENGTH.unpack_from(frame, at)
        at += 4
        if length == _NULL:
            fields.append(None)
            continue
        fields.append(frame[at : at + length])
        at += length
    return fields


def records_of(packed: bytes) -> list[BareRecord]:
    """The records of an entry: in runs, what a run shares and then what is each record's own."""
    found: list[BareRecord] = []
    runs = fields_of(_UNPACKER.decompress(packed))
    for shared, own in zip(runs[::2], runs[1::2], strict=True):
        found += _records_of_run(fields_of(shared or b""), fields_of(own or b""))
    return found


def _records_of_run(shared: list[bytes | None], own: list[bytes | None]) -> Iterator[BareRecord]:
    headers = [((name or b"").decode(), value) for name, value in zip(shared[1::2], shared[2::2], strict=True)]
    width = 2 + sum(value is None for _, value in headers)
    for at in range(0, len(own), width):
        theirs = iter(own[at + 2 : at + width])
        filled = [(name, (next(theirs) if value is None else value) or b"") for name, value in headers]
        yield BareRecord(own[at] or b"", own[at + 1] or b"", filled)


async def main(dsn: str, bootstrap: str, topic: str, count: str) -> None:
    """Reads from the beginning to entry `count`."""
    publisher = Publisher(bootstrap, topic, topic)
    connection = await asyncpg.connect(dsn)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=topic,
        acks="all",
        max_batch_size=1 << 20,
        max_request_size=10 << 20,
    )
    await producer.start()
    reading = asyncio.create_task(connection.fetch(QUERY, 0, BATCH))
    for after in range(0, int(count), BATCH):
        rows = await reading
        reading = asyncio.create_task(connection.fetch(QUERY, after + BATCH, BATCH))
        await publisher.publish(producer, [each for row in rows for each in records_of(row[0])])
    await reading
    await producer.stop()
    await connection.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
