import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bus.errors import KafkaUnavailable
from gateway.bus.positions import Position, read_position
from gateway.bus.publisher import TransactionalPublisher
from gateway.local.kafka import Kafka
from gateway.local.ports import HOST
from gateway.model import Record
from gateway.relay import Relay
from tests.bus.kit import MemoryLog, make_topics, read_with_librdkafka, until
from tests.relay.victim import long_log

pytestmark = pytest.mark.long

ENTRIES = 500


@pytest.mark.parametrize("kind", ["small", "large"])
async def test_a_relay_killed_again_and_again_leaves_no_gap_and_no_double(kafka_bootstrap: str, kind: str) -> None:
    topics = await make_topics(kafka_bootstrap)

    async def place() -> tuple[int, int]:
        position = await read_position(kafka_bootstrap, 0, topics.positions)
        return (position.seq, position.part) if position else (0, 0)

    async def start() -> asyncio.subprocess.Process:
        arguments = (kafka_bootstrap, topics.events, topics.positions, str(ENTRIES), kind)
        return await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.relay.victim", *arguments)

    async def place_above(known: tuple[int, int]) -> tuple[int, int]:
        while True:
            if (now := await place()) > known:
                return now

    reached = (0, 0)
    for _ in range(3):
        victim = await start()
        reached = await place_above(reached)
        victim.kill()
        await victim.wait()
        assert reached < ((ENTRIES, 0) if kind == "small" else (2, 0))
    survivor = await start()
    assert await survivor.wait() == 0
    numbers = [each.number for each in read_with_librdkafka(kafka_bootstrap, topics.events)]
    assert sorted(numbers) == list(range(1, ENTRIES + 1))


async def test_a_broker_killed_under_a_relay_costs_nothing_but_time(tmp_path: Path) -> None:
    kafka = Kafka(tmp_path / "kafka", tmp_path / "kafka.log")
    process, ports = await asyncio.to_thread(kafka.start)
    bootstrap = f"{HOST}:{ports.broker}"
    try:
        topics = await make_topics(bootstrap)
        publisher = TransactionalPublisher(bootstrap, "relay-0", positions_topic=topics.positions, deadline=2)
        relay = Relay(long_log(topics.events, ENTRIES), publisher, batch=25)
        task = asyncio.create_task(relay.run())
        await until(lambda: relay.position is not None and relay.position.seq > 50)
        psutil.Process(process.pid).kill()
        await until(lambda: relay.interruptions > 0, 30)
        await asyncio.to_thread(kafka.start, wanted=ports)
        await until(lambda: relay.position is not None and relay.position.seq == ENTRIES, 60)
        relay.stop()
        await task
        numbers = [each.number for each in read_with_librdkafka(bootstrap, topics.events)]
        assert sorted(numbers) == list(range(1, ENTRIES + 1))
    finally:
        await asyncio.to_thread(kafka.stop)


class MemoryPublisher:
    """Kafka's promise, in memory: a transaction is there as a whole or not at all, and may fail before or after."""

    def __init__(self, fate: Callable[[], str]) -> None:
        self.fate = fate
        self.position: Position | None = None
        self.published: list[Record] = []

    async def start(self) -> Position | None:
        return self.position

    async def publish(self, records: Sequence[Record], position: Position) -> None:
        await asyncio.sleep(0)
        fate = self.fate()
        if fate != "lost":
            self.published += records
            self.position = position
        if fate != "well":
            raise KafkaUnavailable(fate)

    async def stop(self) -> None:
        """Nothing to end."""


@settings(max_examples=60, deadline=None)
@given(
    entries=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40),
    batch=st.integers(1, 12),
    fates=st.lists(st.sampled_from(["well", "well", "well", "lost", "unheard"]), max_size=30),
)
def test_whatever_fails_what_is_published_is_the_log(
    entries: list[tuple[int, bool]], batch: int, fates: list[str]
) -> None:
    log = MemoryLog()
    for place, (count, large) in enumerate(entries):
        records = tuple(Record("t", "k", b"%d/%d" % (place, number)) for number in range(count))
        if large:
            log.append_large(*(records[at : at + 2] for at in range(0, count, 2)))
        else:
            log.append(*records)
    remaining = iter(fates)
    publisher = MemoryPublisher(lambda: next(remaining, "well"))

    async def relay_everything() -> None:
        while True:
            relay = Relay(log, publisher, batch=batch)
            with suppress(KafkaUnavailable):
                await asyncio.gather(relay._session(), stop_at_the_end(relay))
                return

    async def stop_at_the_end(relay: Relay) -> None:
        while True:
            if publisher.position is not None and publisher.position.seq == len(log.entries):
                return relay.stop()
            await asyncio.sleep(0)

    asyncio.run(relay_everything())
    assert [record.value for record in publisher.published] == [
        b"%d/%d" % (place, number) for place, (count, _) in enumerate(entries) for number in range(count)
    ]
