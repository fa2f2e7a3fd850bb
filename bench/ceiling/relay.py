"""The bare relay: `python -m bench.ceiling.relay DSN BOOTSTRAP TOPIC COUNT` publishes the log's records and ends.

asyncpg reads a batch while aiokafka commits the one before; each batch is one transaction, acks=all. The chain is not
checked, and no position is kept.
"""

import asyncio
import struct
import sys

import asyncpg
import uvloop
import zstandard
from aiokafka import AIOKafkaProducer

from bench.ceiling.publishing import BareRecord, Publisher

BATCH = 1_024
QUERY = "SELECT records FROM entries WHERE ledger = 0 AND seq > $1 ORDER BY seq LIMIT $2"
_LENGTH = struct.Struct(">I")
_UNPACKER = zstandard.ZstdDecompressor()


def fields_of(frame: bytes) -> list[bytes]:
    """The fields of a frame of the log: a byte, then each field behind its length."""
    fields, at = [], 1
    while at < len(frame):
        (length,) = _LENGTH.unpack_from(frame, at)
        at += 4 + length
        fields.append(frame[at - length : at])
    return fields


def records_of(packed: bytes) -> list[BareRecord]:
    """The records of an entry: topic, key, value, then names and values of headers."""
    found = []
    for frame in fields_of(_UNPACKER.decompress(packed)):
        fields = fields_of(frame)
        headers = [(name.decode(), value) for name, value in zip(fields[3::2], fields[4::2], strict=True)]
        found.append(BareRecord(fields[1], fields[2], headers))
    return found


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
