"""The whole path on this machine: HTTP in, verdict, receipt, journal, Kafka; and the intake's memory."""

import asyncio
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.client import Load, post_all
from bench.messages import Corpus
from bench.observing import await_records, cpu_of, reader_of, resident
from gateway.local.stack import Stack, StackFacts

TOPIC = "fma.fm1.threshold.v1"
KNOWN_SECONDS = 5.0


@dataclass(frozen=True)
class PathFigures:
    """Rates in messages a second, latencies in milliseconds, memory in MiB of resident set, CPU a message."""

    receipts_per_second: float
    readable_per_second: float
    p50_ms: float
    p99_ms: float
    accepted: int
    other_answers: int
    readable: int
    connections: int
    intake_at_rest_mib: float
    intake_under_load_mib: float
    intake_cpu_ms: float
    relay_cpu_ms: float
    postgres_cpu_ms: float
    kafka_cpu_ms: float

    def facts(self) -> dict[str, float]:
        return asdict(self)


def measure(corpus: Corpus, directory: Path, connections: int) -> PathFigures:
    """Files every body once through a stack of its own, and waits until all can be read from Kafka."""
    stack = Stack(directory)
    stack.wipe()
    facts = stack.up(datetime.now(UTC))
    try:
        return asyncio.run(_run(corpus, facts, connections))
    finally:
        stack.down()
        stack.wipe()


async def _run(corpus: Corpus, facts: StackFacts, connections: int) -> PathFigures:
    assert facts.url
    assert facts.database_url
    assert facts.kafka
    await corpus.enrol(facts.database_url, datetime.now(UTC))
    await asyncio.sleep(KNOWN_SECONDS)
    at_rest = resident(facts)
    reader = reader_of(facts.kafka, TOPIC)
    warm, bodies = corpus.bodies[:64], corpus.bodies[64:]
    await post_all(facts.url, warm, connections)
    before = cpu_of(facts)
    started = time.perf_counter()
    load: Load = await post_all(facts.url, bodies, connections)
    under_load = resident(facts)
    readable = await asyncio.to_thread(await_records, reader, len(corpus.bodies))
    seconds = time.perf_counter() - started
    spent = {part: (used - before[part]) * 1000 / len(bodies) for part, used in cpu_of(facts).items()}
    return PathFigures(
        receipts_per_second=load.rate,
        readable_per_second=len(bodies) / seconds,
        p50_ms=load.percentile(0.5) * 1000,
        p99_ms=load.percentile(0.99) * 1000,
        accepted=load.statuses[201],
        other_answers=sum(load.statuses.values()) - load.statuses[201],
        readable=readable,
        connections=connections,
        intake_at_rest_mib=at_rest,
        intake_under_load_mib=under_load,
        intake_cpu_ms=spent["intake"],
        relay_cpu_ms=spent["relay"],
        postgres_cpu_ms=spent["postgres"],
        kafka_cpu_ms=spent["kafka"],
    )
