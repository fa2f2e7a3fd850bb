"""How fast the relay catches up: a backlog of FM-1 records that a stopped relay left behind."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.ceiling.judging import make_judge, plain
from bench.corpus.backlog import fill_chained, template_of
from bench.corpus.fm1 import Fm1Corpus
from bench.model import Figure, Outcome
from bench.observing import cpu_of, peak_of
from bench.stage import make_topic, reading
from bench.workshop import FM1_TOPIC, Workshop
from gateway.bus.topics import apply_topics
from gateway.journal import migrate
from gateway.local.kafka import Kafka
from gateway.local.owner import socket_directory
from gateway.local.ports import HOST
from gateway.local.postgres import Postgres

BODIES = 200
BARE_TOPIC = "bare.relay"
POLL_SECONDS = 600.0


def measure(workshop: Workshop) -> Outcome:
    """Records a second from the first that can be read from Kafka to the last; the bare relay reads the same log."""
    count, place = workshop.plan.backlog, workshop.directory / "relay"
    bodies = list(Fm1Corpus.make(place / "fm1", datetime.now(UTC)).bodies(BODIES))
    template = template_of(bodies, [plain(make_judge("fm1")(body)) for body in bodies[:1]], FM1_TOPIC)
    with _servers(place) as (dsn, kafka):
        workshop.tell(f"relay: storing a backlog of {count:,} entries")
        asyncio.run(fill_chained(dsn, count, template))
        workshop.tell("relay: the gateway catches up")
        environment = {**os.environ, "GATEWAY_DATABASE_URL": dsn, "GATEWAY_KAFKA_BOOTSTRAP": kafka}
        command = [sys.executable, "-m", "gateway", "relay"]
        mine, cpu, memory = _caught_up(command, environment, (kafka, FM1_TOPIC, count), place / "relay.log")
        workshop.tell(f"  {mine:,.0f} records/s")
        asyncio.run(make_topic(kafka, BARE_TOPIC))
        command = [sys.executable, "-m", "bench.ceiling.relay", dsn, kafka, BARE_TOPIC, str(count)]
        theirs, bare_cpu, _ = _caught_up(command, dict(os.environ), (kafka, BARE_TOPIC, count), place / "bare.log")
        workshop.tell(f"  bare {theirs:,.0f} records/s")
    facts = {"backlog": count, "bytes_a_value": len(template.value), "relay_mb": memory}
    facts |= {"cpu_us_a_record": cpu * 1e6 / count, "bare_cpu_us_a_record": bare_cpu * 1e6 / count}
    return Outcome((Figure("relay", "records/s", (mine,), (theirs,)),), facts)


def _caught_up(
    command: Sequence[str], environment: dict[str, str], awaited: tuple[str, str, int], path: Path
) -> tuple[float, float, float]:
    """Runs a relay until so many records of a topic can be read: records a second, seconds of CPU, most MB."""
    kafka, topic, count = awaited
    with path.open("wb") as log, reading(kafka, topic) as reader:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            with peak_of([process.pid]) as peak:
                reader.await_records(1, POLL_SECONDS)
                first, started = reader.seen, time.perf_counter()
                reader.await_records(count, POLL_SECONDS)
                rate = (count - first) / (time.perf_counter() - started)
            cpu = cpu_of([process.pid])
        finally:
            process.terminate()
            process.wait()
    return rate, cpu, peak.mb


@contextmanager
def _servers(place: Path) -> Iterator[tuple[str, str]]:
    """PostgreSQL, migrated, and Kafka with its topics: DSN and bootstrap."""
    postgres = Postgres(place / "postgres", socket_directory(place), place / "postgres.log")
    kafka = Kafka(place / "kafka", place / "kafka.log")
    try:
        postgres.start()
        _, ports = kafka.start()
        asyncio.run(migrate(postgres.dsn))
        asyncio.run(apply_topics(f"{HOST}:{ports.broker}"))
        yield postgres.dsn, f"{HOST}:{ports.broker}"
    finally:
        kafka.stop()
        postgres.stop()
