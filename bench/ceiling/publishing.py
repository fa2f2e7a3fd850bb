"""Kafka transactions with aiokafka: whatever waits goes out in one, acks=all."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

MOST = 8_192
GATHER_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class BareRecord:
    """What goes into the topic."""

    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Publisher:
    """Publishes in the order of `put`."""

    def __init__(self, bootstrap: str, topic: str, name: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._name = name
        self._waiting: list[BareRecord] = []
        self._news = asyncio.Event()

    def put(self, records: Sequence[BareRecord]) -> None:
        """Takes records that are on disk."""
        self._waiting += records
        self._news.set()

    async def run(self) -> None:
        """Publishes for ever."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            transactional_id=self._name,
            acks="all",
            max_batch_size=1 << 20,
            max_request_size=10 << 20,
        )
        await producer.start()
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._news.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self.publish(producer, batch)

    async def publish(self, producer: AIOKafkaProducer, batch: Sequence[BareRecord]) -> None:
        """One transaction."""
        await producer.begin_transaction()
        pending = [await producer.send(self._topic, each.value, each.key, headers=list(each.headers)) for each in batch]
        await asyncio.gather(*pending)
        await producer.commit_transaction()
