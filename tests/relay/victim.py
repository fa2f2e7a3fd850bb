"""A relay in a process of its own, so that it can be killed: BOOTSTRAP EVENTS POSITIONS RECORDS, and `large`."""

import asyncio
import sys
import uuid

from gateway.bus.publisher import TransactionalPublisher
from gateway.model import Record
from gateway.relay import Relay
from tests.bus.kit import SENDERS, MemoryLog, until


def long_log(topic: str, entries: int) -> MemoryLog:
    """The same log in every process."""
    log = MemoryLog()
    for number in range(1, entries + 1):
        identity = str(uuid.UUID(int=number)).encode()
        log.append(Record(topic, SENDERS[number % len(SENDERS)], b"x" * 500, (("ce_id", identity),)))
    return log


def large_log(topic: str, records: int) -> MemoryLog:
    """The same records, all of them but the first and the last in one large entry, in parts of 7."""
    flat = [record for entry in long_log(topic, records).entries for record in entry.records]
    log, middle = MemoryLog(), flat[1:-1]
    log.append(flat[0])
    log.append_large(*(tuple(middle[at : at + 7]) for at in range(0, len(middle), 7)))
    log.append(flat[-1])
    return log


async def main(bootstrap: str, positions: str, log: MemoryLog) -> None:
    """Publishes the whole log, in small batches, and ends."""
    publisher = TransactionalPublisher(bootstrap, f"relay-{positions}", positions_topic=positions)
    relay = Relay(log, publisher, batch=7)
    task = asyncio.create_task(relay.run())
    await until(lambda: task.done() or (relay.position is not None and relay.position.seq == len(log.entries)), 60)
    relay.stop()
    await task


if __name__ == "__main__":
    made = large_log if sys.argv[5:] == ["large"] else long_log
    asyncio.run(main(sys.argv[1], sys.argv[3], made(sys.argv[2], int(sys.argv[4]))))
