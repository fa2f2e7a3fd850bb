"""What is committed in Kafka, read by a client of another make (librdkafka) while it is being written."""

import threading
from collections.abc import Mapping
from typing import Self, cast

import orjson
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from chaos.oracle import Told
from gateway.consumer import KeySet
from gateway.consumer.seals import seal_of

TOPICS = (
    "fma.fm1.threshold.v1",
    "fma.fm1.suspicious.v1",
    "fma.fm1.list-match.v1",
    "fma.fm1.other.v1",
    "fma.gaming.events.v1",
    "fma.rejections.v1",
)


class Listener:
    """Reads every partition from its beginning, in a thread of its own; a context manager.

    `told` is everything so far, `items` the identities in it.
    """

    def __init__(self, bootstrap: str, certificate: bytes) -> None:
        self.told: list[Told] = []
        self.items: set[str] = set()
        self._bootstrap = bootstrap
        self._keys = KeySet.from_certificates([certificate])
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, name="listener")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._ending.set()
        self._thread.join()

    def _read(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "oracle",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        consumer.assign(_everything(consumer))
        while not self._ending.is_set():
            for message in consumer.consume(500, timeout=0.1):
                if message.error() is None:
                    record = self._record(message)
                    self.told.append(record)
                    self.items.add(record.item)
        consumer.close()

    def _record(self, message: Message) -> Told:
        value, key = message.value() or b"", message.key() or b""
        headers = cast("list[tuple[str, bytes]]", message.headers() or [])
        return _told(message, key, value, seal_of(str(message.topic()), headers, value, self._keys))


def _everything(consumer: Consumer) -> list[TopicPartition]:
    found: list[TopicPartition] = []
    for topic in TOPICS:
        described = consumer.list_topics(topic, timeout=30).topics[topic]
        if described.error is not None:
            raise KafkaException(described.error)
        found += [TopicPartition(topic, partition, 0) for partition in described.partitions]
    return found


def _told(message: Message, key: bytes | str, value: bytes | str, seal: str) -> Told:
    text = value.encode() if isinstance(value, str) else value
    facts: Mapping[str, object] = orjson.loads(text)
    item = facts.get("item")
    digest = str(facts.get("sha256"))
    return Told(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        key=key if isinstance(key, str) else key.decode(),
        item=str(item.get("id")).upper() if isinstance(item, Mapping) else digest,
        sha256=digest,
        receipt=str(facts.get("receipt") if item else facts.get("id")),
        seal=seal,
        value=text.decode(),
    )
