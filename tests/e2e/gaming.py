"""What the end-to-end tests of the gaming feed share: a simulation that is filed, and what the gateway tells of it."""

import base64
import hashlib
import json
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, cast

import httpx
from confluent_kafka import Consumer, TopicPartition
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.local.simulation.delivery import Delivery, Pace
from gateway.local.simulation.houses import enrol_owners, make_owners
from gateway.local.simulation.model import Course, Fault
from gateway.local.simulation.questions import ask, ask_all
from gateway.local.simulation.simulation import Simulation, Wish
from gateway.local.stack import StackFacts

EVENTS = "fma.gaming.events.v1"
INTEGRITY = "fma.gaming.integrity.v1"
REJECTIONS = "fma.rejections.v1"
COMPLEXES = 10
RATE = 20.0
BATCH = 25


@dataclass(frozen=True)
class Told:
    """One committed record, as a client of another make reads it."""

    topic: str
    key: str
    headers: Mapping[str, bytes]
    raw: bytes

    @property
    def value(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.raw)
        return value

    @property
    def type(self) -> str:
        return self.headers["ce_type"].decode()


async def make_simulation(
    directory: Path, facts: StackFacts, seconds: float, faults: Iterable[Fault] = Fault, *, seed: int = 7, live: bool
) -> Simulation:
    """Ten complexes of all kinds, whose owners the gateway knows; they play so long, up to now or from now."""
    now = datetime.now(UTC)
    owners = make_owners(directory, Random(seed), now)
    await enrol_owners(facts.database_url or "", directory, owners, now)
    start = now if live else now - timedelta(seconds=seconds + 20)
    course = Course(start, start + timedelta(seconds=seconds), RATE, BATCH)
    return Simulation(owners, Wish(COMPLEXES, seed, course, frozenset(faults)))


async def file_all(simulation: Simulation, url: str, patience: float = 30, *, live: bool) -> Delivery:
    """Files everything that the houses send, in the time of the play, or as fast as the gateway takes it."""
    async with httpx.AsyncClient(base_url=url, timeout=15) as client:
        delivery = Delivery(client, Pace(simulation.course.start if live else None), patience)
        await delivery.run([script.steps() for script in simulation.scripts], quiet)
    return delivery


async def told_by_http(simulation: Simulation, url: str, name: str) -> list[dict[str, Any]]:
    """All tickets, or all obligations, of all owners."""
    owners = {house.owner.identifier: house.owner for house in simulation.houses}
    async with httpx.AsyncClient(base_url=url, timeout=15) as client:
        return [row for owner in owners.values() for row in await ask_all(client, owner, name, datetime.now(UTC))]


async def told_of_complexes(simulation: Simulation, url: str, path: str) -> dict[str, Any]:
    """The answer to the same question about each complex; `path` goes on behind the complex's."""
    async with httpx.AsyncClient(base_url=url, timeout=15) as client:
        return {
            house.id: await ask(client, house.owner, f"/v1/gaming/complexes/{house.id}{path}", datetime.now(UTC))
            for house in simulation.houses
        }


def read_all(bootstrap: str, topics: Sequence[str], expected: int = 0, patience: float = 20) -> list[Told]:
    """Every committed record, once at least `expected` are there and nothing new has come for two seconds."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "gaming", "isolation.level": "read_committed"})
    consumer.assign(
        [
            TopicPartition(topic, partition, 0)
            for topic in topics
            for partition in consumer.list_topics(topic, timeout=20).topics[topic].partitions
        ]
    )
    records: list[Told] = []
    begun = last = time.monotonic()
    while time.monotonic() - last < 2 or (len(records) < expected and time.monotonic() - begun < patience):
        for message in consumer.consume(1000, timeout=0.2):
            if message.error() is None:
                records.append(_told(message))
                last = time.monotonic()
    consumer.close()
    return records


def _told(message: Any) -> Told:
    headers = dict(cast("list[tuple[str, bytes]]", message.headers()))
    return Told(str(message.topic()), message.key().decode(), headers, message.value())


class ByHand:
    """Checks one record of a batch alone: RFC 9162 from its leaf up to the root, and the signature over the root."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = {key["kid"]: _public_key(key) for key in jwks["keys"]}
        self._sealed = lru_cache(maxsize=None)(self._root)

    def check(self, record: Told) -> None:
        fields = (record.topic.encode(), record.headers["ce_id"], record.headers["ce_type"], record.raw)
        leaf = hashlib.sha256(b"\0" + b"".join(struct.pack(">I", len(field)) + field for field in fields)).digest()
        index, _, path = record.headers["seal_path"].decode().partition("/")
        root, size = self._sealed(record.headers["seal"])
        assert _climbed(leaf, int(index), size, _decoded(path)) == root

    def _root(self, seal: bytes) -> tuple[bytes, int]:
        header, payload, signature = seal.decode().split(".")
        facts = json.loads(_decoded(header))
        assert (facts["alg"], facts["typ"]) == ("ES256", "fma-batch+jws")
        value = _decoded(signature)
        der = encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
        self._keys[facts["kid"]].verify(der, f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
        sealed = json.loads(_decoded(payload))
        return bytes.fromhex(sealed["root"]), sealed["size"]


def _climbed(leaf: bytes, index: int, size: int, path: bytes) -> bytes:
    """The root by the recursion of RFC 9162, 2.1.1: the left subtree has the largest power of two below the size."""
    if size == 1:
        assert path == b""
        return leaf
    left = 1 << (size - 1).bit_length() - 1
    rest, beside = path[:-32], path[-32:]
    if index < left:
        return hashlib.sha256(b"\1" + _climbed(leaf, index, left, rest) + beside).digest()
    return hashlib.sha256(b"\1" + beside + _climbed(leaf, index - left, size - left, rest)).digest()


def _public_key(jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(_decoded(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def quiet(_answers: int) -> None:
    """Progress that nobody needs to see."""
