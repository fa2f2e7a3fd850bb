"""A relay in a process of its own, so that it can be killed: BOOTSTRAP EVENTS POSITIONS ENTRIES."""

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


async def main(bootstrap: str, events: str, positions: str, entries: int) -> None:
    """Publishes the whole log, in small batches, and ends."""
    publisher = TransactionalPublisher(bootstrap, f"relay-{positions}", positions_topic=positions)
    relay = Relay(long_log(events, entries), publisher, batch=7)
    task = asyncio.create_task(relay.run())
    await until(lambda: task.done() or (relay.position is not None and relay.position.seq == entries), 60)
    relay.stop()
    await task


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
