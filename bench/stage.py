"""One stack that is measured: the gateway's own, and beside it on the same servers the bare program."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

import asyncpg
from aiokafka.admin import NewTopic
from confluent_kafka import Consumer, TopicPartition

from bench.ceiling.server import TABLE
from bench.observing import resident
from gateway.bus.cluster import administration
from gateway.local.ports import free_ports
from gateway.local.stack import Stack, StackFacts

KNOWN_SECONDS = 6.0
"""A running intake knows whom was enrolled within 5 seconds."""
PARTITIONS = 12
SERVER = "bench.ceiling.server"
START_SECONDS = 30.0
PATIENCE = 120.0


class Enrolling(Protocol):
    """Those whose messages are filed."""

    async def enrol(self, dsn: str, now: datetime) -> None:
        """Makes a gateway know them."""


@dataclass
class Stage:
    """A running stack, with the count of what it accepted: records by topic, and messages.

    `at_rest` is what the largest process of each part held (MB) before anything was filed.
    """

    stack: Stack
    facts: StackFacts
    topic: str
    expected: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    at_rest: Mapping[str, float] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the gateway."""
        return _known(self.facts.url)

    @property
    def dsn(self) -> str:
        """Of the gateway's database."""
        return _known(self.facts.database_url)

    @property
    def kafka(self) -> str:
        """HOST:PORT."""
        return _known(self.facts.kafka)

    def accepted(self, messages: int, records: int) -> None:
        """Takes note of what was answered 201: so many messages, which make so many records of the topic."""
        self.messages += messages
        self.expected[self.topic] += records

    def faults(self, before: int = 0) -> list[str]:
        """What is not as it must be: accepted = in the log = in Kafka exactly once, every link and seal valid.

        `before` entries were put there by other means: their chain is not verified, and so not that of the others,
        whose links the relay has checked when it published them.
        """
        found = []
        stored = asyncio.run(_scalar(self.dsn, "SELECT count(*) FROM filings WHERE accepted AND document IS NOT NULL"))
        if stored != self.messages + before:
            found.append(f"{self.messages} messages were accepted, {stored - before} are in the log")
        if not before and not (journal := self.gateway("verify", "journal"))["intact"]:
            found.append(f"the log is broken: {journal}")
        for topic, records in self.expected.items():
            report = self.gateway("verify", "topic", topic)
            if not report["intact"]:
                found.append(f"{topic} is broken: {report}")
            if report["records"] != records:
                found.append(f"{records} records were accepted for {topic}, {report['records']} are in it")
        return found

    def gateway(self, *command: str) -> dict[str, Any]:
        """What a command of the gateway says about this stack, as JSON."""
        options = ["--dir", str(self.stack.directory), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *command, *options], capture_output=True, text=True, check=False
        )
        if not done.stdout.startswith("{"):
            raise RuntimeError(f"gateway {' '.join(command)}: {done.stdout}{done.stderr}")
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts

    def await_published(self, patience: float = PATIENCE) -> None:
        """Returns when every record of the topic that was accepted can be read; raises TimeoutError."""
        with reading(self.kafka, self.topic) as reader:
            reader.await_records(self.expected[self.topic], patience)


@contextmanager
def staged(directory: Path, topic: str, who: Enrolling) -> Iterator[Stage]:
    """A stack of its own that knows those who file, wiped at the end."""
    stack = Stack(directory)
    stack.wipe()
    try:
        stage = Stage(stack, stack.up(datetime.now(UTC)), topic)
        asyncio.run(who.enrol(stage.dsn, datetime.now(UTC)))
        time.sleep(KNOWN_SECONDS)
        stage.at_rest = {part: max(resident(pids)) for part, pids in stage.facts.pids.items()}
        yield stage
    finally:
        stack.down()
        stack.wipe()


@dataclass(frozen=True, slots=True)
class Bare:
    """The running bare program: where it answers, its topic, its processes, and how long they took to start."""

    url: str
    topic: str
    pids: Sequence[int]
    start_seconds: float


@contextmanager
def bare(stage: Stage, family: str, workers: int, log: Path) -> Iterator[Bare]:
    """The bare HTTP server on the stage's PostgreSQL and Kafka, in so many processes, with a topic and a table anew."""
    topic = f"bare.{family}.{workers}.{time.monotonic_ns()}"
    asyncio.run(_execute(stage.dsn, f"DROP TABLE IF EXISTS bare_{family}", TABLE.format(name=f"bare_{family}")))
    asyncio.run(make_topic(stage.kafka, topic))
    (port,) = free_ports([None])
    command = [sys.executable, "-m", SERVER, family, str(port), stage.dsn, stage.kafka, topic]
    with log.open("ab") as file:
        started = time.perf_counter()
        running = [
            subprocess.Popen([*command, f"{topic}.{number}"], stdout=file, stderr=file) for number in range(workers)
        ]
        try:
            url = f"http://127.0.0.1:{port}"
            until_answered(url, running)
            yield Bare(url, topic, [process.pid for process in running], time.perf_counter() - started)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()


def until_answered(url: str, running: Sequence[subprocess.Popen[bytes]], seconds: float = START_SECONDS) -> None:
    """Returns when the URL answers; raises RuntimeError when a process ended before, TimeoutError after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urlopen(url):  # noqa: S310 - the server that was just started
                return
        except OSError:
            if any(process.poll() is not None for process in running):
                raise RuntimeError(f"{url}: the server ended while it started") from None
            if time.monotonic() > until:
                raise TimeoutError(f"{url} does not answer") from None
            time.sleep(0.01)


async def make_topic(bootstrap: str, topic: str) -> None:
    """A topic of PARTITIONS partitions."""
    async with administration(bootstrap) as client:
        await client.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs={"max.message.bytes": "10485760"})])


class Reader:
    """Counts the committed records of a topic from its beginning, with a client of another make."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.seen = 0

    def await_records(self, expected: int, patience: float = PATIENCE) -> None:
        """Returns when so many can be read altogether; raises TimeoutError."""
        deadline = time.monotonic() + patience
        while self.seen < expected:
            self.seen += sum(each.error() is None for each in self._consumer.consume(2_000, timeout=0.05))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.seen} of {expected} records can be read after {patience:.0f} s")


@contextmanager
def reading(bootstrap: str, topic: str) -> Iterator[Reader]:
    """A read_committed reader, connected, at the beginning of the topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "isolation.level": "read_committed"})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    reader = Reader(consumer)
    try:
        yield reader
    finally:
        consumer.close()


async def _scalar(dsn: str, query: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _known(value: str | None) -> str:
    if value is None:
        raise RuntimeError("the stack is not up")
    return value
