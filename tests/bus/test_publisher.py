import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from gateway.bus.errors import KafkaUnavailable, RecordTooLarge, RelayFenced, TopicMissing
from gateway.bus.positions import Position, PositionDamaged, position_key, read_position
from gateway.bus.publisher import RECORD_BYTES, TransactionalPublisher, partition_of
from gateway.model import Record
from tests.bus.kit import Topics, make_topics, read_with_librdkafka, sealed

CHAIN = bytes(range(32))


def publisher(bootstrap: str, topics: Topics, ledger: int = 0, **more: float) -> TransactionalPublisher:
    identity = f"relay-{topics.positions}-{ledger}"
    return TransactionalPublisher(bootstrap, identity, ledger, positions_topic=topics.positions, **more)


@asynccontextmanager
async def open_transaction(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaProducer]:
    """Another ledger's relay in the middle of its work."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=uuid.uuid4().hex)
    await producer.start()
    try:
        await producer.begin_transaction()
        await (await producer.send(topic, Position(7, 1, CHAIN).encode(), position_key(7), 0))
        yield producer
    finally:
        await producer.stop()


async def test_records_and_position_come_out_together(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    records = [await sealed(topics.events, number) for number in range(1, 11)]
    async with publisher(kafka_bootstrap, topics) as relay:
        assert await relay.start() is None
        await relay.publish(records, Position(0, 10, CHAIN, 4))
    assert await read_position(kafka_bootstrap, 0, topics.positions) == Position(0, 10, CHAIN, 4)
    seen = read_with_librdkafka(kafka_bootstrap, topics.events)
    assert sorted(each.number for each in seen) == list(range(1, 11))
    assert {(each.key, each.value, tuple(each.headers.items())) for each in seen} == {
        (record.key, record.value, record.headers) for record in records
    }


async def test_a_started_publisher_knows_what_the_one_before_published(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    relay = publisher(kafka_bootstrap, topics)
    for seq in range(1, 4):
        assert await relay.start() == (Position(0, seq - 1, CHAIN) if seq > 1 else None)
        await relay.publish([await sealed(topics.events, seq)], Position(0, seq, CHAIN))
        await relay.stop()


async def test_a_newer_publisher_fences_the_older_one(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    older, newer = publisher(kafka_bootstrap, topics), publisher(kafka_bootstrap, topics)
    await older.start()
    await older.publish([await sealed(topics.events, 1)], Position(0, 1, CHAIN))
    assert await newer.start() == Position(0, 1, CHAIN)
    with pytest.raises(RelayFenced) as fenced:
        await older.publish([await sealed(topics.events, 2)], Position(0, 2, CHAIN))
    assert not fenced.value.retriable
    await older.stop()
    await newer.publish([await sealed(topics.events, 2)], Position(0, 2, CHAIN))
    await newer.stop()
    assert sorted(each.number for each in read_with_librdkafka(kafka_bootstrap, topics.events)) == [1, 2]


async def test_what_a_crash_left_open_is_aborted_by_the_next_start(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=f"relay-{topics.positions}-0")
    await producer.start()
    await producer.begin_transaction()
    lost = await sealed(topics.events, 1)
    await (await producer.send(topics.events, lost.value, headers=list(lost.headers)))
    await (await producer.send(topics.positions, Position(0, 1, CHAIN).encode(), position_key(0)))
    async with publisher(kafka_bootstrap, topics) as relay:
        assert await relay.start() is None
        await relay.publish([await sealed(topics.events, 1)], Position(0, 1, CHAIN))
    await producer.stop()
    assert [each.number for each in read_with_librdkafka(kafka_bootstrap, topics.events)] == [1]


async def test_a_record_that_is_too_large_is_refused_and_nothing_of_its_batch_is_seen(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    large = Record(topics.events, "k", bytes(RECORD_BYTES))
    async with publisher(kafka_bootstrap, topics) as relay:
        await relay.start()
        with pytest.raises(RecordTooLarge, match=topics.events):
            await relay.publish([await sealed(topics.events, 1), large], Position(0, 2, CHAIN))
    assert read_with_librdkafka(kafka_bootstrap, topics.events) == []
    assert await read_position(kafka_bootstrap, 0, topics.positions) is None


async def test_a_record_of_several_megabytes_is_published(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    large = Record(topics.events, "k", b"x" * (8 << 20))
    async with publisher(kafka_bootstrap, topics) as relay:
        await relay.start()
        await relay.publish([large], Position(0, 1, CHAIN))
    assert [len(each.value) for each in read_with_librdkafka(kafka_bootstrap, topics.events)] == [8 << 20]


async def test_a_missing_topic_is_named(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    async with publisher(kafka_bootstrap, topics) as relay:
        await relay.start()
        with pytest.raises(TopicMissing, match=r"test\.nowhere\.v1"):
            await relay.publish([Record("test.nowhere.v1", "k", b"{}")], Position(0, 1, CHAIN))
    nowhere = TransactionalPublisher(kafka_bootstrap, "relay-nowhere", positions_topic="test.nowhere.v1")
    with pytest.raises(TopicMissing, match=r"test\.nowhere\.v1"):
        await nowhere.start()


async def test_an_unreachable_kafka_is_a_passing_trouble() -> None:
    relay = TransactionalPublisher("127.0.0.1:1", "relay-nowhere", deadline=2)
    with pytest.raises(KafkaUnavailable):
        await relay.start()
    with pytest.raises(KafkaUnavailable):
        await relay.publish([], Position(0, 1, CHAIN))
    await relay.stop()


async def test_another_ledgers_open_transaction_does_not_hide_a_position(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    async with publisher(kafka_bootstrap, topics) as relay:
        await relay.start()
        async with open_transaction(kafka_bootstrap, topics.positions) as other:
            await relay.publish([], Position(0, 5, CHAIN))
            with pytest.raises(KafkaUnavailable, match="stay open"):
                await read_position(kafka_bootstrap, 0, topics.positions, patience=0.3)
            reading = asyncio.create_task(read_position(kafka_bootstrap, 0, topics.positions))
            await asyncio.sleep(0.2)
            assert not reading.done()
            await other.commit_transaction()
            assert await reading == Position(0, 5, CHAIN)


async def test_the_position_is_found_far_from_the_end_and_in_any_partition(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, positions=2)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    await producer.send(topics.positions, Position(0, 3, CHAIN).encode(), position_key(0), 1)
    await producer.send(topics.positions, Position(0, 4, CHAIN).encode(), position_key(0), 0)
    for seq in range(700):
        await producer.send(topics.positions, Position(2, seq, CHAIN).encode(), position_key(2), 0)
    await producer.stop()
    assert await read_position(kafka_bootstrap, 0, topics.positions) == Position(0, 4, CHAIN)
    assert await read_position(kafka_bootstrap, 2, topics.positions) == Position(2, 699, CHAIN)
    assert await read_position(kafka_bootstrap, 1, topics.positions) is None


async def test_a_damaged_position_is_refused(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    await producer.send(topics.positions, b'{"ledger": 0}', position_key(0))
    await producer.stop()
    with pytest.raises(PositionDamaged):
        await read_position(kafka_bootstrap, 0, topics.positions)


def test_a_position_survives_its_encoding() -> None:
    position = Position(3, 2**40, CHAIN, 17)
    assert Position.decode(position.encode()) == position


MURMUR2 = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "abc": 479470107}
"""Of Apache Kafka's own test of its hash, `UtilsTest.testMurmur2`."""


@pytest.mark.parametrize(("key", "murmur2"), MURMUR2.items())
def test_a_key_falls_into_the_partition_of_every_kafka_client(key: str, murmur2: int) -> None:
    assert partition_of(key, 12) == (murmur2 & 0x7FFFFFFF) % 12


async def test_more_than_one_batch_of_a_partition_comes_out_whole_and_in_order(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    records = [Record(topics.events, "k", b"%d" % number + bytes(300_000), ()) for number in range(8)]
    async with publisher(kafka_bootstrap, topics) as relay:
        await relay.start()
        await relay.publish(records, Position(0, 8, CHAIN))
    seen = read_with_librdkafka(kafka_bootstrap, topics.events)
    assert [each.value[:1] for each in seen] == [b"%d" % number for number in range(8)]
