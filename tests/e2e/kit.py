"""What the end-to-end tests share: the command line as a person calls it, entities, and a reader of another make."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, cast

import httpx
from confluent_kafka import Consumer, TopicPartition

from gateway.client import file_message
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.messages import Reporter, Scenario, build_fm1
from gateway.local.people import make_bin
from gateway.sealing.generation import Subject
from gateway.sealing.xmldsig import sign_xml

TOPICS = (
    "fma.fm1.threshold.v1",
    "fma.fm1.suspicious.v1",
    "fma.fm1.list-match.v1",
    "fma.fm1.other.v1",
    "fma.rejections.v1",
)


def run_gateway(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`gateway ARGUMENTS...` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments], capture_output=True, text=True, check=False, timeout=120, cwd=cwd
    )


@dataclass(frozen=True)
class Filer:
    """An entity with its key and certificate."""

    reporter: Reporter
    key: bytes
    certificate: bytes

    def sign(self, random: Random, scenario: Scenario = Scenario.CASINO_WINNINGS) -> bytes:
        message = build_fm1(scenario, self.reporter, now=datetime.now(UTC), random=random)
        return sign_xml(message, self.key, [self.certificate])

    def sign_anew(self, random: Random) -> bytes:
        """What `sign` makes of the same random numbers, under the same GUID and version, and saying something else."""
        message = build_fm1(Scenario.CASINO_WINNINGS, self.reporter, now=datetime.now(UTC), random=random)
        next(message.iter("AdditionalInformation")).text = "said otherwise"
        return sign_xml(message, self.key, [self.certificate])


def enrol_filer(
    directory: Path, stack: Path, random: Random, kind: str = "093", identifier: str | None = None
) -> Filer:
    """An entity of that kind, enrolled by the commands that an operator would type; a new one if no BIN is given."""
    now = datetime.now(UTC)
    directory.mkdir(exist_ok=True)
    authority = ThrowAwayAuthority(directory)
    anchor = authority.make(now)
    identifier = identifier or make_bin(random, now.date())
    subject = Subject(common_name=f"Entity {identifier}", bin=identifier, organisation=f"Entity {identifier}")
    own = authority.enrol(identifier, subject, now)
    trusted = run_gateway("trust", "add", str(anchor.certificate), "--dir", str(stack))
    assert trusted.returncode == 0, trusted.stderr
    enrolled = run_gateway(
        *("entities", "enrol", "--bin", identifier, "--kind", kind, "--name", "Entity"),
        *("--certificate", str(own.certificate), "--dir", str(stack)),
    )
    assert enrolled.returncode == 0, enrolled.stderr
    return Filer(Reporter(identifier, kind, "Entity"), own.key.read_bytes(), own.certificate.read_bytes())


def committed_ids(bootstrap: str, topics: Iterable[str] = TOPICS, quiet: float = 2.0) -> list[str]:
    """The `ce_id` of every committed record, as librdkafka reads them, until nothing new comes for `quiet` seconds."""
    return [dict(headers)["ce_id"].decode() for headers in _committed(bootstrap, topics, quiet)]


def committed_headers(bootstrap: str, topics: Iterable[str] = TOPICS, quiet: float = 2.0) -> list[bytes]:
    """The values of all headers of every committed record."""
    return [value for headers in _committed(bootstrap, topics, quiet) for _name, value in headers]


def _committed(bootstrap: str, topics: Iterable[str], quiet: float) -> list[list[tuple[str, bytes]]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "e2e", "isolation.level": "read_committed"})
    places = [
        TopicPartition(topic, partition, 0)
        for topic in topics
        for partition in consumer.list_topics(topic, timeout=20).topics[topic].partitions
    ]
    consumer.assign(places)
    found: list[list[tuple[str, bytes]]] = []
    last = time.monotonic()
    while time.monotonic() - last < quiet:
        for message in consumer.consume(500, timeout=0.2):
            if message.error() is None:
                found.append(cast("list[tuple[str, bytes]]", message.headers()))
                last = time.monotonic()
    consumer.close()
    return found


async def filed(client: httpx.AsyncClient, body: bytes) -> Mapping[str, Any]:
    """The facts of the receipt of a message, once the intake knows its sender."""
    async with asyncio.timeout(40):
        while True:
            answer = await file_message(client, body)
            if answer.status != httpx.codes.FORBIDDEN:
                assert answer.judged, answer.facts
                return answer.facts
            await asyncio.sleep(0.1)
