"""Records go out in Kafka transactions, each with the position it reaches."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from gateway.bus.cluster import REQUEST_MS, require_topics
from gateway.bus.connecting import Bootstrap, options_of
from gateway.bus.errors import KafkaUnavailable, RecordTooLarge, kafka_errors
from gateway.bus.positions import POSITIONS_TOPIC, Position, position_key, read_position
from gateway.bus.reaching import reaching
from gateway.model import Record

BATCH_BYTES = 1 << 20
RECORD_BYTES = 10 << 20
LARGEST_RECORD = RECORD_BYTES - 1024
TRANSACTION_SECONDS = 60
DEADLINE_SECONDS = 30.0
STOP_SECONDS = 5.0
ABORT_SECONDS = 2.0
RETRY_MS = 100
_PARTITIONER = DefaultPartitioner()

logging.getLogger("aiokafka.producer.producer").setLevel(logging.INFO)  # at DEBUG it writes every key and value

log = structlog.get_logger(__name__)


class TransactionalPublisher:
    """Publishes one ledger's records exactly once, under one transactional id.

    `start` fences whoever published under the same id before, and only then reads the position: so nothing can be
    added to it behind the reader's back. After any error the publisher is stopped and started again; what was not
    committed is aborted by that, and the position read anew tells what was. `deadline` is the longest that a
    transaction may take, in seconds; it is shorter than the time after which Kafka itself would end it. A request
    that stays without an answer is made again over another connection before that.
    """

    def __init__(
        self,
        bootstrap: Bootstrap,
        transactional_id: str,
        ledger: int = 0,
        *,
        positions_topic: str = POSITIONS_TOPIC,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self.transactional_id = transactional_id
        self.ledger = ledger
        self._bootstrap = bootstrap
        self._positions_topic = positions_topic
        self._deadline = deadline
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> Position | None:
        """Fences older publishers and returns the position reached, None when nothing was published yet."""
        if self._producer is not None:
            raise RuntimeError("the publisher is started already")
        producer = AIOKafkaProducer(
            **options_of(self._bootstrap),
            transactional_id=self.transactional_id,
            transaction_timeout_ms=TRANSACTION_SECONDS * 1000,
            acks="all",
            compression_type=None,  # gzip, all there is without another library, makes the relay five times slower
            max_batch_size=BATCH_BYTES,
            max_request_size=RECORD_BYTES,
            retry_backoff_ms=RETRY_MS,
            request_timeout_ms=REQUEST_MS,
        )
        self._producer = producer
        self._partitions = {}
        try:
            async with (
                reaching(self._bootstrap, f"starting the producer {self.transactional_id}"),
                asyncio.timeout(self._deadline),
            ):
                await producer.start()
            return await read_position(self._bootstrap, self.ledger, self._positions_topic)
        except BaseException:
            await self.stop()
            raise

    async def publish(self, records: Sequence[Record], position: Position) -> None:
        """Commits the records, in their order, and the position in one transaction.

        Raises RelayFenced when another publisher took over, RecordTooLarge, TopicMissing, KafkaRefused, or
        KafkaUnavailable; after each of them nothing more may be published before `stop` and `start`.
        """
        producer = self._running()
        await self._know({record.topic for record in records} | {self._positions_topic})
        try:
            with kafka_errors(f"publishing up to entry {position.seq} of ledger {position.ledger}"):
                async with asyncio.timeout(self._deadline):
                    await producer.begin_transaction()
                    await self._send(producer, records, position)
                    await asyncio.shield(self._left_alone(producer.commit_transaction()))
        except AssertionError as error:  # the client's way to say that its sender died between two steps
            raise KafkaUnavailable("the producer failed and has to be started anew") from error
        except BaseException:
            await self._abort(producer)
            raise

    async def stop(self) -> None:
        """Ends the producer; what was begun and not committed is aborted, by the next `start` at the latest."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        await asyncio.wait({self._left_alone(_leave(producer))}, timeout=STOP_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _running(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise KafkaUnavailable("the publisher is not started")
        return self._producer

    async def _know(self, topics: set[str]) -> None:
        """Asks for topics that were not used yet: the client would wait for them, or even have them created."""
        unknown = topics - self._partitions.keys()
        if unknown:
            self._partitions |= await require_topics(self._bootstrap, unknown)

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Record], position: Position) -> None:
        """Sends the records in batches that are filled here, one partition after the other.

        The client's own `send` makes a future, looks up the topic and hashes the key in Python for each record: a third
        of the relay's CPU.
        """
        pending: list[asyncio.Future[RecordMetadata]] = []
        try:
            for (topic, partition), lane in (await _lanes(producer, records)).items():
                for batch in _filled(producer, lane):
                    sent = await producer.send_batch(batch, topic, partition=partition)
                    pending.append(sent)
            partition = self.ledger % self._partitions[self._positions_topic]
            key = position_key(position.ledger)
            pending.append(await producer.send(self._positions_topic, position.encode(), key, partition))
            await asyncio.gather(*pending)
        except BaseException:
            for future in pending:
                future.add_done_callback(_heard)
            raise

    async def _abort(self, producer: AIOKafkaProducer) -> None:
        """Ends the transaction, so that readers need not wait for its time to run out; what fails here is no loss.

        The client asserts that a transaction can be aborted: not one that is being committed, nor a fenced one.
        """
        try:
            async with asyncio.timeout(ABORT_SECONDS):
                await producer.abort_transaction()
        except (KafkaError, TimeoutError, AssertionError) as error:
            log.info("transaction.left", transactional_id=self.transactional_id, reason=type(error).__name__)

    def _left_alone(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """What may take as long as the broker is away, and whose outcome may come when nobody waits for it."""
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._left)
        return task

    def _left(self, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("producer.left", transactional_id=self.transactional_id, reason=type(error).__name__)


async def _leave(producer: AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    finally:
        manager = producer._txn_manager  # noqa: SLF001 - a fatal error is kept there and told to nobody but the log
        if (outcome := manager.wait_for_transaction_end()) is not None:
            outcome.add_done_callback(_heard)


def _heard(future: asyncio.Future[Any]) -> None:
    """Takes note of an outcome that no longer matters; asyncio would report it as forgotten."""
    if not future.cancelled():
        future.exception()


async def _lanes(producer: AIOKafkaProducer, records: Sequence[Record]) -> dict[tuple[str, int], list[Record]]:
    """The records by topic and partition, in their order."""
    partitions = {topic: len(await producer.partitions_for(topic)) for topic in {record.topic for record in records}}
    lanes: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        place = (record.topic, partition_of(record.key, partitions[record.topic]))
        lanes.setdefault(place, []).append(record)
    return lanes


def _filled(producer: AIOKafkaProducer, records: Sequence[Record]) -> Iterator[BatchBuilder]:
    """Batches of one partition's records, each as full as it may be; raises RecordTooLarge."""
    batch = producer.create_batch()
    for record in records:
        size = _add(batch, record)
        if not size:
            yield batch
            batch = producer.create_batch()
            size = _add(batch, record)
        if size > LARGEST_RECORD:
            raise RecordTooLarge(
                f"a record of {size} bytes for {record.topic}: at most {LARGEST_RECORD} can be published"
            )
    yield batch


def _add(batch: BatchBuilder, record: Record) -> int:
    """How many bytes the record takes; 0 where the batch is full, which an empty one never is."""
    key, headers = record.key.encode("utf-8"), list(record.headers)
    added = batch.append(timestamp=None, key=key, value=record.value, headers=headers)
    return 0 if added is None else added.size


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """The partition that every Kafka client puts a key into; remembered, since the client hashes in Python."""
    return _PARTITIONER(key.encode("utf-8"), range(partitions), ())
