"""Whether topics hold anything yet."""

from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition

from gateway.bus.cluster import require_topics
from gateway.bus.connecting import Bootstrap, options_of
from gateway.bus.errors import kafka_errors
from gateway.errors import GatewayError


class TopicsNotEmpty(GatewayError):
    """Topics that must be fresh hold records, or held some once."""

    code = "topics-not-empty"


async def require_empty(bootstrap: Bootstrap, topics: Collection[str]) -> None:
    """Returns when nothing was ever written to these topics, committed or not.

    Raises TopicsNotEmpty naming those to which something was, TopicMissing, KafkaUnavailable.
    """
    counts = await require_topics(bootstrap, topics)
    partitions = [TopicPartition(topic, partition) for topic, count in counts.items() for partition in range(count)]
    consumer = AIOKafkaConsumer(**options_of(bootstrap), enable_auto_commit=False)
    try:
        with kafka_errors("looking whether the topics are empty"):
            await consumer.start()
            ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    written = sorted({partition.topic for partition, end in ends.items() if end > 0})
    if written:
        raise TopicsNotEmpty(
            f"not empty: {', '.join(written)}; the log is published anew into fresh topics only: delete these with "
            "Kafka's own tools and run `gateway topics apply`"
        )
