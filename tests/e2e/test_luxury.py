"""A car's code from the dealer's command line to the analysts' topic."""

import json
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.local.stack import StackFacts
from tests.e2e.kit import enrol_filer, run_gateway

pytestmark = pytest.mark.long

TOPIC = "fma.luxury.v1"
VIN = "WDB1240221J099887"


def code_of(stack: StackFacts, key: Path, certificate: Path, vin: str = VIN) -> dict[str, Any]:
    """The code of a car, once the intake knows its dealer."""
    dealer = ("--key", str(key), "--certificate", str(certificate), "--dir", str(stack.directory))
    until = time.monotonic() + 15
    while True:
        done = run_gateway("luxury", "code", "CAR", f"vin={vin}", *dealer, "--json")
        if done.returncode == 0:
            facts: dict[str, Any] = json.loads(done.stdout)
            return facts
        assert time.monotonic() < until, done.stdout + done.stderr


def records_of(stack: StackFacts, code: str) -> list[dict[str, Any]]:
    read = run_gateway("consume", TOPIC, "--from-beginning", "--until-end", "--dir", str(stack.directory), "--json")
    assert read.returncode == 0, read.stderr
    return [record for record in map(json.loads, read.stdout.splitlines()) if record["key"] == code]


def test_a_code_is_issued_once_and_reaches_the_topic_sealed(stack: StackFacts, tmp_path: Path) -> None:
    dealer = enrol_filer(tmp_path / "entities", stack.directory, Random(35), kind="150")
    key, certificate = tmp_path / "dealer.key.pem", tmp_path / "dealer.certificate.pem"
    key.write_bytes(dealer.key)
    certificate.write_bytes(dealer.certificate)
    facts = code_of(stack, key, certificate)
    assert code_of(stack, key, certificate)["code"] == facts["code"]

    until = time.monotonic() + 20
    while not (records := records_of(stack, facts["code"])) and time.monotonic() < until:
        time.sleep(0.2)
    assert [(record["seal"], record["value"]["issued"]["identifiers"]) for record in records] == [
        ("valid", {"vin": VIN})
    ]
    assert records[0]["value"]["sender"] == dealer.reporter.identifier
    for what in (("topic", TOPIC), ("journal",)):
        verified = run_gateway("verify", *what, "--dir", str(stack.directory))
        assert verified.returncode == 0, verified.stdout
    printed = run_gateway("luxury", "verify", facts["token"], "--dir", str(stack.directory))
    assert facts["shown"] in printed.stdout
