import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from gateway.bus.declaration import TopicTable
from gateway.bus.errors import KafkaUnavailable, RelayFenced
from gateway.bus.positions import Position, read_position
from gateway.bus.publisher import TransactionalPublisher
from gateway.bus.topics import apply_topics
from gateway.errors import Unavailable
from gateway.model import Entry, Record
from gateway.relay import BUSY_RECORDS, LogBroken, PositionAhead, Relay, gather_seconds
from gateway.sealing.checkpoints import read_checkpoint
from tests.bus.kit import KEYSET, NOON, MemoryLog, Topics, declared, make_topics, read_with_librdkafka, sealed, until


def publisher(bootstrap: str, topics: Topics) -> TransactionalPublisher:
    return TransactionalPublisher(bootstrap, f"relay-{topics.positions}", positions_topic=topics.positions)


def relay_of(bootstrap: str, topics: Topics, log: MemoryLog, batch: int = 512) -> Relay:
    return Relay(
        log, publisher(bootstrap, topics), batch=batch, checkpoints_topic=topics.checkpoints, clock=lambda: NOON
    )


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    """The relay at work, stopped gracefully in the end."""
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        relay.stop()
        with suppress(Exception):
            await task


def reached(relay: Relay, seq: int) -> bool:
    return relay.position is not None and relay.position.seq >= seq


async def relayed(relay: Relay, seq: int) -> None:
    async with running(relay) as task:
        await until(lambda: reached(relay, seq) or task.done())
        if task.done():
            await task


def numbers(bootstrap: str, topics: Topics) -> list[int]:
    return sorted(each.number for each in read_with_librdkafka(bootstrap, topics.events))


async def test_every_entry_comes_out_once_and_each_key_in_the_order_of_the_log(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 40)
    relay = relay_of(kafka_bootstrap, topics, log, batch=16)
    async with running(relay):
        await until(lambda: reached(relay, 40))
        await log.fill(topics.events, 10)
        await until(lambda: reached(relay, 50))
    seen = read_with_librdkafka(kafka_bootstrap, topics.events)
    assert sorted(each.number for each in seen) == list(range(1, 51))
    for key in {each.key for each in seen}:
        own = [each.number for each in seen if each.key == key]
        assert own == sorted(own)
    records = {record.value: record for entry in log.entries for record in entry.records}
    assert all(tuple(each.headers.items()) == records[each.value].headers for each in seen)


async def test_the_headers_are_cloudevents_and_a_seal(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 1)
    await relayed(relay_of(kafka_bootstrap, topics, log), 1)
    (seen,) = read_with_librdkafka(kafka_bootstrap, topics.events)
    assert set(seen.headers) >= {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "seal"}
    assert seen.headers["ce_specversion"] == b"1.0"


async def test_lag_and_the_time_of_the_last_publication_can_be_asked(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 5)
    relay = relay_of(kafka_bootstrap, topics, log, batch=2)
    assert (relay.lag, relay.ready, relay.last_published_at) == (0, False, None)
    async with running(relay):
        await until(lambda: reached(relay, 5))
        assert (relay.lag, relay.ready, relay.published_records) == (0, True, 5)
    assert (relay.ready, relay.last_published_at) == (False, NOON)


class CrashingPublisher:
    """Publishes, but is killed at the given transactions: with everything sent and nothing said of it."""

    def __init__(self, inner: TransactionalPublisher, crashes: set[int], *, committed: bool) -> None:
        self.inner = inner
        self.crashes = crashes
        self.committed = committed
        self.transactions = 0

    async def start(self) -> Position | None:
        return await self.inner.start()

    async def publish(self, records: Sequence[Record], position: Position) -> None:
        self.transactions += 1
        if self.transactions not in self.crashes:
            await self.inner.publish(records, position)
            return
        if self.committed:
            await self.inner.publish(records, position)
        else:
            producer = self.inner._producer
            assert producer is not None
            await self.inner._know({record.topic for record in records} | {self.inner._positions_topic})
            await producer.begin_transaction()
            await self.inner._send(producer, records, position)
        raise Killed

    async def stop(self) -> None:
        await self.inner.stop()


class Killed(BaseException):
    """What nothing catches, as with kill -9."""


@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
async def test_a_relay_killed_around_its_commit_leaves_no_gap_and_no_double(
    kafka_bootstrap: str, *, committed: bool
) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 30)
    for crash in (1, 2, 2):
        inner = publisher(kafka_bootstrap, topics)
        killed = Relay(log, CrashingPublisher(inner, {crash}, committed=committed), batch=4)
        with pytest.raises(Killed):
            await killed.run()
    await relayed(relay_of(kafka_bootstrap, topics, log, batch=4), 30)
    assert numbers(kafka_bootstrap, topics) == list(range(1, 31))


async def test_of_two_relays_the_newer_goes_on_and_the_older_stops(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 3)
    older, newer = relay_of(kafka_bootstrap, topics, log), relay_of(kafka_bootstrap, topics, log)
    async with running(older) as first:
        await until(lambda: reached(older, 3))
        async with running(newer):
            await until(lambda: newer.ready)
            await log.fill(topics.events, 3)
            await until(lambda: reached(newer, 6) and first.done())
    with pytest.raises(RelayFenced):
        await first
    assert numbers(kafka_bootstrap, topics) == list(range(1, 7))


async def test_checkpoints_follow_the_entries_they_cover_once_each(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 3)
    first = await log.checkpoint()
    await relayed(relay_of(kafka_bootstrap, topics, log), 3)
    await log.fill(topics.events, 2)
    second = await log.checkpoint()
    relay = relay_of(kafka_bootstrap, topics, log)
    async with running(relay):
        await until(lambda: relay.position is not None and relay.position.checkpoint_seq == 5)
        later = replace(second, seq=9)
        log.checkpoints.append(later)
        await asyncio.sleep(0.7)
    seen = read_with_librdkafka(kafka_bootstrap, topics.checkpoints)
    assert [read_checkpoint(json.loads(each.value)["jws"], KEYSET) for each in seen] == [first, second]
    assert [each.headers["ce_id"] for each in seen] == [b"checkpoint-0-3", b"checkpoint-0-5"]
    assert [each.key for each in seen] == ["0", "0"]


async def test_a_checkpoint_of_what_was_published_before_needs_no_new_entry(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 2)
    relay = relay_of(kafka_bootstrap, topics, log)
    async with running(relay):
        await until(lambda: reached(relay, 2))
        await log.checkpoint()
        await until(lambda: relay.position is not None and relay.position.checkpoint_seq == 2)
    assert len(read_with_librdkafka(kafka_bootstrap, topics.checkpoints)) == 1


def damage(log: MemoryLog, seq: int) -> None:
    log.entries[seq - 1] = replace(log.entries[seq - 1], leaf=bytes(32))


def lose(log: MemoryLog, seq: int) -> None:
    del log.entries[seq - 1]


@pytest.mark.parametrize("harm", [damage, lose])
async def test_a_broken_log_is_published_up_to_the_break_and_the_entry_is_named(
    kafka_bootstrap: str, harm: Callable[[MemoryLog, int], None]
) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 9)
    harm(log, 6)
    relay = relay_of(kafka_bootstrap, topics, log, batch=4)
    with pytest.raises(LogBroken, match="ledger 0, entry 6: ") as broken:
        await relay.run()
    assert broken.value.seq == 6
    assert numbers(kafka_bootstrap, topics) == [1, 2, 3, 4, 5]


async def test_a_log_shorter_than_what_is_in_kafka_is_refused(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 3)
    await relayed(relay_of(kafka_bootstrap, topics, log), 3)
    shorter = MemoryLog(entries=log.entries[:2])
    with pytest.raises(PositionAhead, match="entries up to 3, the log ends at 2"):
        await relay_of(kafka_bootstrap, topics, shorter).run()


async def test_a_log_with_another_history_is_refused(kafka_bootstrap: str) -> None:
    topics, log, other = await make_topics(kafka_bootstrap), MemoryLog(), MemoryLog()
    await log.fill(topics.events, 3)
    await relayed(relay_of(kafka_bootstrap, topics, log), 3)
    await other.fill(topics.events, 5)
    other.entries = [replace(entry, chain=entry.chain[::-1]) for entry in other.entries]
    with pytest.raises(LogBroken, match="entry 3: it is not the entry that was published"):
        await relay_of(kafka_bootstrap, topics, other).run()
    assert numbers(kafka_bootstrap, topics) == [1, 2, 3]


class FailingLog(MemoryLog):
    """A log whose database is away the first few times."""

    failures = 3

    async def read(self, ledger: int, after: int, limit: int) -> list[Entry]:
        self.failures -= 1
        if self.failures >= 0:
            raise Unavailable("the database is away")
        return await super().read(ledger, after, limit)


async def test_a_database_that_is_away_is_waited_for(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), FailingLog()
    await log.fill(topics.events, 2)
    relay = relay_of(kafka_bootstrap, topics, log)
    await relayed(relay, 2)
    assert relay.interruptions == 3
    assert numbers(kafka_bootstrap, topics) == [1, 2]


async def test_a_topic_that_is_made_late_is_waited_for(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    late = f"{topics.events}.late"
    log.append(await sealed(late, 1))
    relay = relay_of(kafka_bootstrap, topics, log)
    async with running(relay):
        await until(lambda: relay.interruptions > 0)
        await apply_topics(kafka_bootstrap, topics=TopicTable({late: declared(late)}))
        await until(lambda: reached(relay, 1))
    assert [each.number for each in read_with_librdkafka(kafka_bootstrap, late)] == [1]


async def test_a_stop_finishes_the_batch_in_hand(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    await log.fill(topics.events, 600)
    relay = relay_of(kafka_bootstrap, topics, log, batch=100)
    task = asyncio.create_task(relay.run())
    await until(lambda: reached(relay, 100))
    relay.stop()
    async with asyncio.timeout(40):
        await task
    assert relay.position is not None
    assert relay.position.seq % 100 == 0
    assert numbers(kafka_bootstrap, topics) == list(range(1, relay.position.seq + 1))
    assert await read_position(kafka_bootstrap, 0, topics.positions) == relay.position


async def test_a_relay_that_waits_for_kafka_stops_at_once() -> None:
    relay = Relay(MemoryLog(), TransactionalPublisher("127.0.0.1:1", "nowhere"))
    async with asyncio.timeout(40):
        task = asyncio.create_task(relay.run())
        await until(lambda: relay.interruptions > 0)
        relay.stop()
        await task


async def test_an_entry_without_records_moves_the_position_alone(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    log.append()
    log.append(await sealed(topics.events, 2), await sealed(topics.events, 3))
    await relayed(relay_of(kafka_bootstrap, topics, log), 2)
    assert numbers(kafka_bootstrap, topics) == [2, 3]


async def test_a_transaction_holds_whole_entries_and_no_more_records_than_it_may(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.relay.BATCH_RECORDS", 5)
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    made = 0
    for size in (2, 2, 2, 7, 1, 4, 4, 1):
        log.append(*[await sealed(topics.events, made + nth) for nth in range(1, size + 1)])
        made += size
    sizes: list[int] = []

    class Counting(TransactionalPublisher):
        async def publish(self, records: Sequence[Record], position: Position) -> None:
            await super().publish(records, position)
            sizes.append(len(records))

    counting = Counting(kafka_bootstrap, f"relay-{topics.positions}", positions_topic=topics.positions)
    await relayed(Relay(log, counting, checkpoints_topic=topics.checkpoints), 8)
    assert numbers(kafka_bootstrap, topics) == list(range(1, made + 1))
    assert sizes == [4, 2, 7, 5, 5]


async def test_a_pause_grows_while_nothing_gets_through() -> None:
    class Nowhere:
        async def start(self) -> Position | None:
            raise KafkaUnavailable("away")

        async def publish(self, records: Sequence[Record], position: Position) -> None:
            raise AssertionError(records, position)

        async def stop(self) -> None:
            """Nothing was begun."""

    relay = Relay(MemoryLog(), Nowhere())
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0.75)
    relay.stop()
    await task
    assert relay.interruptions in (2, 3)


def test_the_next_batch_gathers_longer_where_much_comes() -> None:
    assert 0 < gather_seconds(1) == gather_seconds(BUSY_RECORDS - 1) < gather_seconds(BUSY_RECORDS)


async def test_parts_of_another_entry_than_the_one_that_was_begun_are_not_published(kafka_bootstrap: str) -> None:
    topics, log = await make_topics(kafka_bootstrap), MemoryLog()
    segments = [(await sealed(topics.events, number),) for number in (1, 2, 3)]
    log.append_large(*segments)
    begun = Position(0, 0, bytes(32), part=1, within=log.entries[0].chain)
    assert Position.decode(begun.encode()) == begun
    one = publisher(kafka_bootstrap, topics)
    await one.start()
    await one.publish(segments[0], begun)
    await one.stop()
    other, empty = MemoryLog(), MemoryLog()
    other.append_large(*segments)
    other.entries[0] = replace(other.entries[0], chain=b"?" * 32)
    with pytest.raises(LogBroken):
        await relay_of(kafka_bootstrap, topics, other).run()
    with pytest.raises(PositionAhead):
        await relay_of(kafka_bootstrap, topics, empty).run()
    await relayed(relay_of(kafka_bootstrap, topics, log), 1)
    assert numbers(kafka_bootstrap, topics) == [1, 2, 3]
