"""Committed records of topics, partition by partition, from a chosen place, up to the end or for ever."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import TracebackType
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.partitioner import DefaultPartitioner

from gateway.bus.cluster import require_topics
from gateway.bus.connecting import Bootstrap, options_of
from gateway.bus.errors import RecordsGone, kafka_errors

FETCH_BYTES = 10 << 20
FETCH_WAIT_MS = 250
POLL_MS = 250
TAIL_POLL_MS = 20
METADATA_MS = 30_000

BREATH_RECORDS = 32
"""So many records are given out between two moments for others, such as the heartbeats that keep a group's place."""

Place = tuple[str, int]

log = structlog.get_logger(__name__)


class Reader:
    """A read_committed consumer. `positions` is where reading would go on: the offset after the last record given.

    With a group the place is the group's; `begin` then only says where a group starts that never committed.
    Partitions that turn up later are read from their beginning, whatever `begin` says: they are news as a whole.
    With `only_key` the one partition of each topic is read to which Kafka's own partitioner leads that key.
    Where retention has deleted what comes next, `records` raises RecordsGone; with `skip_gone` it goes on with the
    oldest record that is left, and `gone` has the place where it had been.
    """

    def __init__(
        self,
        topics: Sequence[str],
        bootstrap: Bootstrap,
        *,
        group: str | None = None,
        from_beginning: bool = False,
        start_at: Mapping[Place, int] | None = None,
        only_key: str | None = None,
        skip_gone: bool = False,
    ) -> None:
        self.positions: dict[Place, int] = {}
        self.gone: dict[Place, int] = {}
        self._skip_gone = skip_gone
        self._topics = list(topics)
        self._bootstrap = bootstrap
        self._group = group
        self._from_beginning = from_beginning
        self._start_at = dict(start_at or {})
        self._only_key = only_key
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        counts = await require_topics(self._bootstrap, self._topics)
        self._consumer = AIOKafkaConsumer(
            *(self._topics if self._only_key is None else ()),
            **options_of(self._bootstrap),
            group_id=self._group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",  # any other choice would pass over deleted records and say nothing
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            metadata_max_age_ms=METADATA_MS,
        )
        if self._only_key is not None:
            self._consumer.assign([TopicPartition(*place_of(self._only_key, *each)) for each in counts.items()])
        try:
            with kafka_errors(f"subscribing to {', '.join(self._topics)}"):
                await self._consumer.start()
                await self._place(self._consumer)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def records(self, *, until_end: bool) -> AsyncGenerator[ConsumerRecord, None]:
        """Every record once, in the order of each partition.

        `until_end` ends at what was committed when a partition was first looked at: transaction markers at the tail
        count as read, and what an open transaction holds back is not waited for.
        """
        ends: dict[TopicPartition, int] = {}
        while True:
            if until_end and await self._all_read(ends):
                return
            for partition, batch in (await self._some(TAIL_POLL_MS if until_end else POLL_MS)).items():
                for number, record in enumerate(batch, 1):
                    if number % BREATH_RECORDS == 0:
                        await asyncio.sleep(0)
                    if record.offset < ends.get(partition, record.offset + 1):
                        self.positions[record.topic, record.partition] = record.offset + 1
                        yield record

    async def commit(self) -> None:
        """Tells the group that everything given out so far was dealt with."""
        consumer = self._running()
        assigned = consumer.assignment()
        offsets = {TopicPartition(*place): offset for place, offset in self.positions.items()}
        mine = {partition: offset for partition, offset in offsets.items() if partition in assigned}
        if mine:
            with kafka_errors(f"committing for the group {self._group}"):
                await consumer.commit(mine)

    async def _some(self, timeout_ms: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """What has come; raises RecordsGone when a partition no longer holds what it was asked for."""
        consumer = self._running()
        try:
            with kafka_errors("reading"):
                return await self._getmany(consumer, timeout_ms)
        except _Lost as lost:
            found = ", ".join(
                f"{partition.topic}, partition {partition.partition}, from offset {offset}"
                for partition, offset in lost.places.items()
            )
            if not self._skip_gone:
                raise RecordsGone(f"records were deleted before they were read: {found}") from None
            log.warning("consumer.records_gone", places=found)
            self.gone |= {(partition.topic, partition.partition): offset for partition, offset in lost.places.items()}
            with kafka_errors("going on behind what was deleted"):
                await consumer.seek_to_beginning(*lost.places)
            return {}

    async def _getmany(self, consumer: AIOKafkaConsumer, timeout_ms: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        try:
            return await consumer.getmany(timeout_ms=timeout_ms)
        except OffsetOutOfRangeError as error:
            raise _Lost(error.args[0]) from None
        except NoOffsetForPartitionError as error:
            (partition,) = error.args
            if (partition.topic, partition.partition) not in self.positions:
                await consumer.seek_to_beginning(partition)
            return {}

    async def _place(self, consumer: AIOKafkaConsumer) -> None:
        """Puts every partition that has no place of its own yet where reading is to begin."""
        new: list[TopicPartition] = []
        for partition in consumer.assignment():
            if (offset := self._start_at.get((partition.topic, partition.partition))) is not None:
                consumer.seek(partition, offset)
            elif self._group is None or await consumer.committed(partition) is None:
                new.append(partition)
        if not new:
            return
        starts = await (consumer.beginning_offsets(new) if self._from_beginning else consumer.end_offsets(new))
        for partition, start in starts.items():
            consumer.seek(partition, start)
            self.positions[partition.topic, partition.partition] = start
        if self._group is not None:
            await consumer.commit(starts)

    async def _all_read(self, ends: dict[TopicPartition, int]) -> bool:
        consumer = self._running()
        with kafka_errors("looking for the end"):
            assigned = consumer.assignment()
            fresh = [partition for partition in assigned if partition not in ends]
            if fresh:
                await self._place_late(consumer, fresh)
                ends |= await consumer.end_offsets(fresh)
            for partition in assigned:
                if await consumer.position(partition) < ends[partition]:
                    return False
        return True

    async def _place_late(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        """Puts partitions that a group gave to this reader later, and that it never committed, at their beginning."""
        for partition in partitions:
            place = partition.topic, partition.partition
            known = place in self.positions or place in self._start_at
            if not known and await consumer.committed(partition) is None:
                await consumer.seek_to_beginning(partition)

    def _running(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("the subscription is not open")
        return self._consumer


class _Lost(Exception):
    """Where a partition was to be read on, and can't be."""

    def __init__(self, places: Mapping[TopicPartition, int]) -> None:
        self.places = places


def place_of(key: str, topic: str, partitions: int) -> Place:
    """Where records of a key stand in a topic of so many partitions."""
    everywhere = list(range(partitions))
    return topic, DefaultPartitioner()(key.encode(), everywhere, everywhere)
