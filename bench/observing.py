"""What a measure sees of a running stack: memory and CPU of its parts, and the records that can be read."""

import time

import psutil
from confluent_kafka import Consumer, TopicPartition

from gateway.local.stack import StackFacts

MIB = 1 << 20


def resident(facts: StackFacts) -> float:
    return sum(psutil.Process(pid).memory_info().rss for pid in facts.pids["intake"]) / MIB


def cpu_of(facts: StackFacts) -> dict[str, float]:
    """Seconds of CPU that each part has used, PostgreSQL's backends with it."""
    used = dict.fromkeys(facts.pids, 0.0)
    for part, pids in facts.pids.items():
        processes = [psutil.Process(pid) for pid in pids]
        for each in {*processes, *(child for process in processes for child in process.children(recursive=True))}:
            times = each.cpu_times()
            used[part] += times.user + times.system
    return used


def reader_of(bootstrap: str, topic: str) -> Consumer:
    """A read_committed client of another make, connected, at the beginning of the topic."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "isolation.level": "read_committed"})
    partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
    reader.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    reader.consume(1, timeout=1)
    return reader


def await_records(reader: Consumer, expected: int, patience: float = 60.0) -> int:
    """How many records have been read once `expected` are there."""
    seen, deadline = 0, time.monotonic() + patience
    while seen < expected and time.monotonic() < deadline:
        seen += sum(message.error() is None for message in reader.consume(1000, timeout=0.05))
    reader.close()
    return seen
