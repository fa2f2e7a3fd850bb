"""What a Kafka cluster holds: asked before topics are used, and when readiness is asked for."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

from gateway.bus.connecting import Bootstrap, options_of
from gateway.bus.errors import KafkaUnavailable, TopicMissing, kafka_errors
from gateway.bus.reaching import reaching

REQUEST_MS = 10_000
READY_SECONDS = 2.0


@asynccontextmanager
async def administration(bootstrap: Bootstrap) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client; raises KafkaUnavailable where nothing answers, or nobody is let in, at `bootstrap`."""
    client = AIOKafkaAdminClient(**options_of(bootstrap), request_timeout_ms=REQUEST_MS)
    try:
        async with reaching(bootstrap, f"connecting to {bootstrap}"):
            await client.start()
        with kafka_errors(f"administering {bootstrap}"):
            yield client
    finally:
        await client.close()


async def partition_counts(bootstrap: Bootstrap) -> dict[str, int]:
    """Every topic that this client may see, with its number of partitions. Creates none."""
    async with administration(bootstrap) as client:
        topics = await client.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics if not topic["error_code"]}


async def require_topics(bootstrap: Bootstrap, topics: Iterable[str]) -> dict[str, int]:
    """The named topics with their numbers of partitions; raises TopicMissing naming those that are not there."""
    there = await partition_counts(bootstrap)
    missing = sorted(set(topics) - there.keys())
    if missing:
        raise TopicMissing(f"no such topic at {bootstrap}: {', '.join(missing)}; `gateway topics apply` makes them")
    return {topic: there[topic] for topic in topics}


async def kafka_ready(bootstrap: Bootstrap, topics: Iterable[str] = (), *, patience: float = READY_SECONDS) -> None:
    """Returns when Kafka answers and holds the topics; raises KafkaUnavailable or TopicMissing within `patience` s."""
    try:
        async with asyncio.timeout(patience):
            await require_topics(bootstrap, topics)
    except TimeoutError as error:
        raise KafkaUnavailable(f"{bootstrap} did not answer within {patience} s") from error
