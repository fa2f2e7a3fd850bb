"""How far a ledger has been published: one record a transaction, in a compacted topic, committed with the rest."""

import asyncio
from dataclasses import dataclass
from typing import Self

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from gateway.bus.cluster import REQUEST_MS, require_topics
from gateway.bus.connecting import Bootstrap, options_of
from gateway.bus.errors import KafkaUnavailable, kafka_errors
from gateway.errors import GatewayError

POSITIONS_TOPIC = "fma.relay-positions.v1"
FIRST_WINDOW = 64
WINDOW_GROWTH = 8
SETTLE_SECONDS = 90.0
SETTLE_PAUSE = 0.05
POLL_MS = 20
FETCH_WAIT_MS = 20


class PositionDamaged(GatewayError):
    """A record of the positions topic is not one that a relay writes."""

    code = "position-damaged"


@dataclass(frozen=True, slots=True)
class Position:
    """The last entry of a ledger that is in Kafka: its `seq` and `chain`, and the last checkpoint's `seq`.

    Nothing published yet is `seq` 0, for which the chain is not known: empty. `part` is how many parts of the records
    of the next entry are in Kafka too, where that is a large one, and `within` that entry's chain value.
    """

    ledger: int
    seq: int
    chain: bytes
    checkpoint_seq: int = 0
    part: int = 0
    within: bytes = b""

    def covers(self, other: Self) -> bool:
        """Whether everything up to the other position was published here."""
        return (self.seq, self.part) >= (other.seq, other.part) and self.checkpoint_seq >= other.checkpoint_seq

    def encode(self) -> bytes:
        """The position as JSON; the chain in hex, `part` and `within` between two parts alone."""
        return orjson.dumps(
            {
                "ledger": self.ledger,
                "seq": self.seq,
                "chain": self.chain.hex(),
                "checkpoint_seq": self.checkpoint_seq,
                **({"part": self.part, "within": self.within.hex()} if self.part else {}),
            }
        )

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """The inverse of `encode`; raises PositionDamaged."""
        try:
            facts = orjson.loads(value)
            return cls(
                ledger=int(facts["ledger"]),
                seq=int(facts["seq"]),
                chain=bytes.fromhex(facts["chain"]),
                checkpoint_seq=int(facts["checkpoint_seq"]),
                part=int(facts.get("part", 0)),
                within=bytes.fromhex(facts.get("within", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise PositionDamaged("a record of the positions topic can't be read") from error


def position_key(ledger: int) -> bytes:
    """The key under which a ledger's position is kept."""
    return str(ledger).encode("ascii")


async def read_position(
    bootstrap: Bootstrap, ledger: int, topic: str = POSITIONS_TOPIC, *, patience: float = SETTLE_SECONDS
) -> Position | None:
    """The newest committed position of a ledger, None when it was never published.

    Another ledger's open transaction hides what was committed after it began (read_committed ends at the last
    stable offset), so the read waits until everything that is in the topic now is decided: `patience` seconds at
    the most, then KafkaUnavailable. Raises TopicMissing when there is no such topic.
    """
    count = (await require_topics(bootstrap, [topic]))[topic]
    partitions = [TopicPartition(topic, partition) for partition in range(count)]
    consumer = AIOKafkaConsumer(
        **options_of(bootstrap),
        isolation_level="read_committed",
        enable_auto_commit=False,
        request_timeout_ms=REQUEST_MS,
    )
    try:
        with kafka_errors(f"reading the position of ledger {ledger} in {topic}"):
            await consumer.start()
            ends = await _settled_ends(bootstrap, consumer, partitions, patience)
            return await _newest(consumer, ledger, ends)
    finally:
        await consumer.stop()


async def _settled_ends(
    bootstrap: Bootstrap, consumer: AIOKafkaConsumer, partitions: list[TopicPartition], patience: float
) -> dict[TopicPartition, int]:
    """The ends up to which to read, once no transaction that reaches below them is open."""
    probe = AIOKafkaConsumer(**options_of(bootstrap), enable_auto_commit=False, request_timeout_ms=REQUEST_MS)
    try:
        await probe.start()
        marks = await probe.end_offsets(partitions)
    finally:
        await probe.stop()
    try:
        async with asyncio.timeout(patience):
            while True:
                stable = await consumer.end_offsets(partitions)
                if all(stable[partition] >= mark for partition, mark in marks.items()):
                    return stable
                await asyncio.sleep(SETTLE_PAUSE)
    except TimeoutError as error:
        raise KafkaUnavailable(
            f"transactions in {partitions[0].topic} stay open; the relay's position can't be known yet"
        ) from error


async def _newest(consumer: AIOKafkaConsumer, ledger: int, ends: dict[TopicPartition, int]) -> Position | None:
    """The newest of all partitions: should their number ever have been raised, older ones lie in another."""
    begins = await consumer.beginning_offsets(list(ends))
    found = [await _newest_of(consumer, ledger, partition, begins[partition], end) for partition, end in ends.items()]
    known = [position for position in found if position is not None]
    return max(known, key=lambda position: (position.seq, position.part), default=None)


async def _newest_of(
    consumer: AIOKafkaConsumer, ledger: int, partition: TopicPartition, begin: int, end: int
) -> Position | None:
    """Reads ever larger windows from the end backwards, until the ledger's key turns up or all was read."""
    window = FIRST_WINDOW
    while begin < end:
        start = max(begin, end - window)
        if found := await _read_window(consumer, ledger, partition, range(start, end)):
            return found[-1]
        end, window = start, window * WINDOW_GROWTH
    return None


async def _read_window(
    consumer: AIOKafkaConsumer, ledger: int, partition: TopicPartition, offsets: range
) -> list[Position]:
    consumer.assign([partition])
    consumer.seek(partition, offsets.start)
    found: list[Position] = []
    while await consumer.position(partition) < offsets.stop:
        batches = await consumer.getmany(partition, timeout_ms=POLL_MS)
        inside = [record for record in batches.get(partition, []) if record.offset in offsets]
        found += [position for record in inside if (position := _position(record, ledger)) is not None]
    return found


def _position(record: ConsumerRecord, ledger: int) -> Position | None:
    if record.key != position_key(ledger) or record.value is None:
        return None
    return Position.decode(record.value)
