"""The messages that another program signed, through a whole stack, and what comes back held against other libraries."""

import asyncio
import base64
import hashlib
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from lxml import etree

from gateway.local.stack import StackFacts
from tests.e2e.kit import committed_ids, run_gateway
from tests.sealing.oracle import accepted_with_certificate
from validators.schemas import schema_for

SAMPLES = Path(__file__).parent.parent / "samples"
SENDERS = {"casino": ("230941821107", "093"), "bank": ("170141572457", "011"), "jeweller": ("140742906892", "150")}
GOOD = ("fm1-threshold-casino.xml", "fm1-suspicious-bank-rsa.xml", "fm1-threshold-jeweller.xml")


@pytest.fixture(scope="module")
def enrolled(stack: StackFacts) -> StackFacts:
    """The stack, with the samples' anchor trusted and their senders enrolled."""
    place = str(stack.directory)
    assert run_gateway("trust", "add", str(SAMPLES / "ca.pem"), "--dir", place).returncode == 0
    for name, (identifier, kind) in SENDERS.items():
        done = run_gateway(
            *("entities", "enrol", "--bin", identifier, "--kind", kind, "--name", name),
            *("--certificate", str(SAMPLES / f"{name}.pem"), "--dir", place),
        )
        assert done.returncode == 0, done.stderr
    return stack


@pytest.fixture(scope="module")
def answers(enrolled: StackFacts) -> dict[str, dict[str, Any]]:
    """Each good sample's receipt as JSON, by file name."""
    files = [str(SAMPLES / name) for name in GOOD]
    done = run_gateway("submit", *files, "--dir", str(enrolled.directory), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(line["file"]).name: line for line in lines}


def test_the_good_samples_are_accepted(answers: dict[str, dict[str, Any]]) -> None:
    assert set(answers) == set(GOOD)
    for name, answer in answers.items():
        assert answer["status"] == 201
        assert answer["verdict"].startswith("accepted")
        assert answer["sha256"] == hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest()
        assert all(finding["severity"] == "warning" for finding in answer["findings"])


def test_the_tampered_sample_is_refused_with_401_and_the_reason(enrolled: StackFacts) -> None:
    tampered = str(SAMPLES / "fm1-tampered-after-signing.xml")
    done = run_gateway("submit", tampered, "--dir", str(enrolled.directory), "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["status"] == 401
    assert told["code"] == "signature-wrong"
    assert told["reason"] == "digest"


def test_the_same_bytes_again_get_the_same_receipt(enrolled: StackFacts, answers: dict[str, dict[str, Any]]) -> None:
    files = [str(SAMPLES / name) for name in GOOD]
    done = run_gateway("submit", *files, "--dir", str(enrolled.directory), "--json")
    again = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["status"] for answer in again] == [200, 200, 200]
    assert [answer["receipt"] for answer in again] == [answers[name]["receipt"] for name in GOOD]


async def test_a_receipt_verifies_with_another_jose_library(
    enrolled: StackFacts, answers: dict[str, dict[str, Any]]
) -> None:
    async with httpx.AsyncClient(base_url=enrolled.url or "") as client:
        published = (await client.get("/.well-known/jwks.json")).json()
    key = jwt.PyJWKSet.from_dict(published).keys[0]
    for answer in answers.values():
        payload = jwt.api_jws.PyJWS().decode(answer["receipt"], key=key.key, algorithms=["ES256"])
        assert json.loads(payload)["sha256"] == answer["sha256"]


@pytest.mark.parametrize("name", GOOD)
async def test_the_notice_of_acceptance_is_a_valid_ack1_that_signxml_verifies(
    name: str, enrolled: StackFacts, answers: dict[str, dict[str, Any]]
) -> None:
    async with httpx.AsyncClient(base_url=enrolled.url or "") as client:
        answer = await client.post(
            "/v1/messages",
            content=(SAMPLES / name).read_bytes(),
            headers={"Content-Type": "application/xml", "Accept": "application/xml"},
        )
        published = (await client.get("/.well-known/jwks.json")).json()
    assert answer.status_code == 200
    notice = etree.fromstring(answer.content)
    assert schema_for("fm1", "2025-07-10", "Ack1").compiled.validate(notice)
    assert notice.findtext("SignedData/Data/Check/OriginalDocumentGuid") == answers[name]["document"]
    assert notice.findtext("SignedData/Data/Check/ErrorCode") == "0"
    certificate = ssl.DER_cert_to_PEM_cert(base64.b64decode(published["keys"][0]["x5c"][0]))
    assert accepted_with_certificate(notice, certificate.encode(), datetime.now(UTC))


async def test_every_accepted_sample_is_in_kafka_once_for_another_client(
    enrolled: StackFacts, answers: dict[str, dict[str, Any]]
) -> None:
    expected = {answer["id"] for answer in answers.values()}
    ids: list[str] = []
    for _ in range(10):
        ids = await asyncio.to_thread(committed_ids, enrolled.kafka or "", quiet=1.0)
        if expected <= set(ids):
            break
    assert expected <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_receipt_is_verified_against_its_message_and_not_against_another(
    enrolled: StackFacts, answers: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(answers[GOOD[0]]))
    place = ("--dir", str(enrolled.directory))
    right = run_gateway("verify", "receipt", str(receipt), "--message", str(SAMPLES / GOOD[0]), *place)
    assert right.returncode == 0, right.stdout
    wrong = run_gateway("verify", "receipt", str(receipt), "--message", str(SAMPLES / GOOD[1]), *place)
    assert wrong.returncode == 4
