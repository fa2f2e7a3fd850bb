"""What the tests of bus, relay and consumer share: keys, sealed records, topics of their own, an independent reader."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from confluent_kafka import Consumer, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.bus.declaration import Cleanup, Topic, TopicTable
from gateway.bus.topics import apply_topics
from gateway.journal.encoding import CHAIN_START, chain_of
from gateway.model import Checkpoint, Entry, Part, Parts, Record
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.cloudevents import CloudEvent
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.records import seal_record

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENDERS = ("970940001378", "050740003334", "010140000143")


def make_keys() -> LocalKeyHolder:
    """A gateway's key with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test gateway")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - timedelta(days=1))
        .not_valid_after(NOON + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return LocalKeyHolder.from_pem(private, certificate.public_bytes(serialization.Encoding.PEM))


KEYS = make_keys()
KEYSET = KeySet.of(KEYS)


async def sealed(
    topic: str, number: int, *, keys: LocalKeyHolder = KEYS, sender: str | None = None, at: datetime | None = None
) -> Record:
    """A sealed record such as the pipeline makes of a refused message; its `ce_id` ends with the number."""
    moment = at or NOON + timedelta(seconds=number)
    identity = uuid.UUID(int=number)
    key = sender or SENDERS[number % len(SENDERS)]
    payload = {
        "id": str(identity),
        "verdict": "refused",
        "document": None,
        "version": None,
        "sender": key,
        "sha256": f"{number:064x}",
        "received_at": moment.isoformat(),
        "family": "fm1",
        "message_type": "doc",
        "edition": "2025-07-10",
        "codes_digest": "0" * 64,
        "findings": [{"code": "element-missing", "severity": "error", "path": "/ExportData"}],
    }
    event = CloudEvent(str(identity), "kz.fma.message.refused.v1", moment)
    return await seal_record(topic, key, payload, event, keys)


@dataclass
class Topics:
    """Names that no other test uses."""

    events: str
    positions: str
    checkpoints: str


async def make_topics(bootstrap: str, *, events: int = 3, positions: int = 1) -> Topics:
    """Fresh topics for one test."""
    mark = uuid.uuid4().hex[:12]
    names = Topics(f"test.{mark}.events.v1", f"test.{mark}.positions.v1", f"test.{mark}.checkpoints.v1")
    table = TopicTable(
        {
            names.events: declared(names.events, partitions=events),
            names.positions: declared(names.positions, partitions=positions, cleanup=Cleanup.COMPACT),
            names.checkpoints: declared(names.checkpoints),
        }
    )
    await apply_topics(bootstrap, topics=table)
    return names


def declared(name: str, *, partitions: int = 1, cleanup: Cleanup = Cleanup.DELETE) -> Topic:
    """A topic as the file would declare it."""
    return Topic(
        name=name,
        description="a test's own",
        key="anything",
        partitions=partitions,
        replication_factor=1,
        min_insync_replicas=1,
        retention_days=1,
        max_message_bytes=10 << 20,
        cleanup=cleanup,
        readers=("tests",),
        writers=("tests",),
    )


@dataclass(frozen=True)
class Seen:
    """A record as librdkafka gives it."""

    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, bytes]

    @property
    def number(self) -> int:
        """The number that `sealed` was given."""
        return uuid.UUID(self.headers["ce_id"].decode()).int


def settle(settings: Mapping[str, Any], topic: str, seconds: float = 20) -> None:
    """Waits until no transaction holds back what was written to the topic; raises AssertionError after `seconds`.

    A broker answers a commit before its markers stand in the partitions: who looks for the end at once may not see it.
    """
    admin = AdminClient(dict(settings))
    partitions = admin.list_topics(topic, timeout=10).topics[topic].partitions
    deadline = time.monotonic() + seconds
    while _ends(admin, topic, list(partitions), IsolationLevel.READ_COMMITTED) != _ends(
        admin, topic, list(partitions), IsolationLevel.READ_UNCOMMITTED
    ):
        assert time.monotonic() < deadline, f"a transaction in {topic} stays open"
        time.sleep(0.02)


def _ends(admin: AdminClient, topic: str, partitions: list[int], level: IsolationLevel) -> list[int]:
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, partition): latest for partition in partitions}
    return [each.result(10).offset for each in admin.list_offsets(asked, isolation_level=level).values()]


def read_with_librdkafka(bootstrap: str, topic: str) -> list[Seen]:
    """Everything that another client finds committed in a topic, partition by partition."""
    settle({"bootstrap.servers": bootstrap}, topic)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"test-{uuid.uuid4().hex}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        return _drain(consumer, len(partitions))
    finally:
        consumer.close()


def _drain(consumer: Consumer, partitions: int) -> list[Seen]:
    seen: list[Seen] = []
    ended: set[int] = set()
    while len(ended) < partitions:
        message = consumer.poll(10)
        if message is None:
            raise AssertionError("no answer within 10 s")
        if (error := message.error()) is not None:
            assert error.name() == "_PARTITION_EOF", error
            ended.add(message.partition() or 0)
            continue
        headers = dict(cast("list[tuple[str, bytes]]", message.headers() or []))
        key, value = message.key(), message.value()
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        seen.append(Seen(message.partition() or 0, message.offset() or 0, key.decode(), value, headers))
    return sorted(seen, key=lambda each: (each.partition, each.offset))


@dataclass(frozen=True)
class Length:
    """The head of a ledger in memory."""

    seq: int


@dataclass
class MemoryLog:
    """A ledger in memory, chained as the journal chains."""

    ledger: int = 0
    entries: list[Entry] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    segments: dict[int, tuple[tuple[Record, ...], ...]] = field(default_factory=dict)

    def append_large(self, *segments: tuple[Record, ...]) -> None:
        """One more entry, with its records in these parts."""
        entry = self.append()
        self.segments[entry.seq] = segments
        parts = Parts((), tuple(Part(b"", len(segment)) for segment in segments))
        self.entries[-1] = replace(entry, parts=parts)

    async def check_parts(self, entry: Entry) -> None:
        assert entry.parts is not None

    async def records_of(self, entry: Entry, number: int) -> tuple[Record, ...]:
        return self.segments[entry.seq][number]

    def append(self, *records: Record) -> Entry:
        """One more entry with these records."""
        seq = len(self.entries) + 1
        leaf = seq.to_bytes(32, "big")
        chain = chain_of(self.entries[-1].chain if self.entries else CHAIN_START, leaf)
        entry = Entry(self.ledger, seq, uuid.UUID(int=seq), SENDERS[0], NOON, "", b"", records, leaf, chain)
        self.entries.append(entry)
        return entry

    async def fill(self, topic: str, count: int) -> None:
        """So many more entries of one sealed record each, numbered as the entries are."""
        for _ in range(count):
            self.append(await sealed(topic, len(self.entries) + 1))

    async def checkpoint(self) -> Checkpoint:
        """A sealed checkpoint of what there is."""
        last = self.entries[-1]
        made = await seal_checkpoint(Checkpoint(self.ledger, last.seq, last.chain, NOON), KEYS)
        self.checkpoints.append(made)
        return made

    async def head(self, ledger: int) -> Length:
        assert ledger == self.ledger
        return Length(len(self.entries))

    async def read(self, ledger: int, after: int, limit: int) -> list[Entry]:
        assert ledger == self.ledger
        return self.entries[after : after + limit]

    async def checkpoints_after(self, ledger: int, seq: int, limit: int) -> list[Checkpoint]:
        assert ledger == self.ledger
        return [checkpoint for checkpoint in self.checkpoints if checkpoint.seq > seq][:limit]

    async def wait_for_news(self, ledger: int, after: int, timeout: float) -> bool:  # noqa: ASYNC109 - as the journal's
        assert ledger == self.ledger
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            if len(self.entries) > after or asyncio.get_running_loop().time() > deadline:
                return len(self.entries) > after
            await asyncio.sleep(0.01)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until the condition is true."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)
