"""Everything that a running stack says where others listen is searched for what was sent to it."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx
import pytest
from lxml import etree

from gateway.local.stack import StackFacts
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from tests.e2e.kit import TOPICS, Filer, committed_headers, enrol_filer, filed

PERSONAL = (
    *("FirstName", "SecondName", "MiddleName", "IndividualIssue", "IINBIN", "NumberDocIdentity", "AccountNumber"),
    *("PlaceBirth", "DateBirth", "PhoneNumber", "Phone"),
)
SHORTEST = 6
SEED = 20_261_128


class Sent:
    """What was sent, and every value in it that nobody else may read."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.problems: list[bytes] = []

    def message(self, body: bytes) -> bytes:
        """Notes the persons and identifiers of a message."""
        root = etree.fromstring(body)
        found = {element.text or "" for name in PERSONAL for element in root.iter(name)}
        self.values |= {value for value in found if len(value) >= SHORTEST}
        return body

    def found_in(self, text: bytes) -> set[str]:
        """The values that a text holds, as UTF-8, UTF-16 or JSON's escapes."""
        forms = {
            value: (value.encode(), value.encode("utf-16-le"), json.dumps(value)[1:-1].encode())
            for value in self.values
        }
        return {value for value, shapes in forms.items() if any(shape in text for shape in shapes)}


async def send(client: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    return await client.post("/v1/messages", content=body, headers={"Content-Type": "application/xml", **headers})


async def send_everything(filer: Filer, other: Filer, stack: StackFacts) -> Sent:
    """Accepted, refused, altered, conflicting, foreign and hostile messages, and a token that is used wrongly."""
    sent = Sent()
    good = sent.message(filer.sign(Random(SEED)))
    altered = good.replace("<FirstName>".encode("utf-16-le"), "<FirstName>Қ".encode("utf-16-le"), 1)
    foreign = sent.message(other.sign(Random(SEED + 1))).replace(
        other.reporter.identifier.encode("utf-16-le"), filer.reporter.identifier.encode("utf-16-le")
    )
    keys = LocalKeyHolder.from_pem(filer.key, filer.certificate)
    token = await make_bearer(filer.reporter.identifier, stack.url or "", datetime.now(UTC), keys)
    sent.values |= {token, token.rpartition(".")[2], *secrets_of(stack)}
    async with httpx.AsyncClient(base_url=stack.url or "", timeout=30) as client:
        await filed(client, good)
        wrong = [
            sent.message(filer.sign_anew(Random(SEED))),
            altered,
            foreign,
            good[: len(good) // 2],
            b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + good[-400:],
        ]
        for body in wrong:
            sent.problems.append((await send(client, body)).content)
        bad = [f"Bearer {token[:-6]}AAAAAA", f"Bearer {token}.{token}"]
        for value in bad:
            sent.problems.append((await client.get("/v1/messages", headers={"Authorization": value})).content)
        sent.problems.append((await client.get(f"/v1/messages/{filer.reporter.identifier}")).content)
    return sent


def secrets_of(stack: StackFacts) -> set[str]:
    """The passwords of the stack, and its key."""
    passwords = {path.read_text(encoding="ascii") for path in (stack.directory / "kafka" / "users").glob("*.password")}
    key = (stack.directory / "keys" / "gateway.key.pem").read_text(encoding="ascii").splitlines()[1]
    assert base64.b64decode(key)
    return {*passwords, key}


@pytest.fixture(scope="module")
async def sent(stack: StackFacts, short_directory: Path) -> Sent:
    random = Random()
    filer = enrol_filer(short_directory / "leaks", stack.directory, random)
    other = enrol_filer(short_directory / "leaks", stack.directory, random)
    sent = await send_everything(filer, other, stack)
    sent.values |= {filer.reporter.identifier, other.reporter.identifier}
    return sent


async def test_the_search_finds_what_it_looks_for(sent: Sent) -> None:
    assert len(sent.values) > 12
    for value in sent.values:
        shapes = value.encode(), value.encode("utf-16-le"), json.dumps(value).encode()
        assert all(value in sent.found_in(b"..." + shape + b"...") for shape in shapes)


async def test_no_log_of_any_part_holds_a_person_an_identifier_or_a_secret(sent: Sent, stack: StackFacts) -> None:
    logs = sorted((stack.directory / "logs").glob("*.log"))
    assert {path.stem for path in logs} >= {"intake", "relay", "oversight", "kafka", "postgres"}
    assert {path.name: sent.found_in(path.read_bytes()) for path in logs} == {path.name: set() for path in logs}


async def test_no_metric_holds_a_person_an_identifier_or_a_secret(sent: Sent, stack: StackFacts) -> None:
    async with httpx.AsyncClient() as client:
        text = (await client.get(stack.metrics_url or "")).content
    assert b"gateway_problems_total" in text
    assert sent.found_in(text) == set()


async def test_no_problem_answer_holds_a_person_an_identifier_or_a_secret(sent: Sent) -> None:
    assert all(b'"type":"urn:fma-gateway:problem:' in problem for problem in sent.problems)
    assert [sent.found_in(problem) for problem in sent.problems] == [set()] * len(sent.problems)


async def test_no_header_in_kafka_holds_a_person_an_identifier_or_a_secret(sent: Sent, stack: StackFacts) -> None:
    headers = committed_headers(stack.kafka or "", TOPICS)
    assert headers
    assert sent.found_in(b"\n".join(headers)) == set()
