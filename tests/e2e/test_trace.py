"""A car is sold five times, once by somebody who never bought it: the trace shows it, the finding is published once."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import pytest

from gateway.client.filing import file_message
from gateway.consumer import ChainFinding, fetch_keys, subscribe, trace
from gateway.consumer.decoding import decode
from gateway.local.sales import BREAK_AT, SALES, car_sales, luxury_report
from gateway.local.stack import StackFacts
from gateway.sealing.keys import LocalKeyHolder
from tests.e2e.kit import Filer, enrol_filer, run_gateway
from tests.e2e.test_luxury import code_of
from validators.moments import local_day

pytestmark = pytest.mark.long

TOPIC = "fma.luxury.v1"
BREAKS = 1
UNKNOWN = 2


@pytest.fixture(scope="module")
def dealer(stack: StackFacts, tmp_path_factory: pytest.TempPathFactory) -> tuple[Filer, str]:
    """A car dealer, and the code of its car."""
    place = tmp_path_factory.mktemp("cars")
    filer = enrol_filer(place / "entities", stack.directory, Random(36), kind="160")
    key, certificate = place / "dealer.key.pem", place / "dealer.certificate.pem"
    key.write_bytes(filer.key)
    certificate.write_bytes(filer.certificate)
    return filer, str(code_of(stack, key, certificate, "WDB1240221J077665")["code"])


async def filed(stack: StackFacts, filer: Filer, item: str) -> None:
    """Five sales in reports of their own, the latest first."""
    now, keys = datetime.now(UTC), LocalKeyHolder.from_pem(filer.key, filer.certificate)
    sales = car_sales(filer.reporter.identifier, item, Random(5), local_day(now))
    async with httpx.AsyncClient(base_url=stack.url or "", timeout=30) as client:
        for number, sale in enumerate(reversed(sales), 1):
            answer = await file_message(client, await luxury_report(filer.reporter, keys, number, [sale], now))
            assert (answer.status, answer.facts.get("items", [])) == (201, []), answer.facts


def traced(stack: StackFacts, code: str) -> tuple[int, Mapping[str, Any]]:
    done = run_gateway("trace", code, "--dir", str(stack.directory), "--json")
    return done.returncode, json.loads(done.stdout)


def findings_of(facts: Mapping[str, Any]) -> list[tuple[int, str, str | None]]:
    return [
        (number, finding["kind"], finding["published"])
        for number, deal in enumerate(facts["chain"], 1)
        for finding in deal["findings"]
    ]


async def open_findings(stack: StackFacts, code: str) -> list[ChainFinding]:
    """What stands as open on the topic about a thing, at the last revision of each."""
    keys = await fetch_keys(f"{stack.url}/.well-known/jwks.json")
    last: dict[str, ChainFinding] = {}
    async for event in subscribe(TOPIC, bootstrap=stack.kafka or "", keys=keys, from_beginning=True, until_end=True):
        told = decode(event) if event.key == code else None
        if isinstance(told, ChainFinding):
            last[str(told.id)] = told
    return [one for one in last.values() if one.state == "open"]


def test_a_chain_of_five_sales_breaks_where_the_seller_never_bought(
    stack: StackFacts, dealer: tuple[Filer, str]
) -> None:
    filer, code = dealer
    asyncio.run(filed(stack, filer, code))
    until = time.monotonic() + 30
    while True:
        status, facts = traced(stack, code)
        found = findings_of(facts)
        if (len(facts["chain"]) == SALES and found and found[0][2]) or time.monotonic() > until:
            break
        time.sleep(0.2)
    assert (status, [one[:2] for one in found]) == (BREAKS, [(BREAK_AT, "owner")])
    assert facts["issued"]["issued"]["identifiers"] == {"vin": "WDB1240221J077665"}
    assert [deal["date"] for deal in facts["chain"]] == sorted(deal["date"] for deal in facts["chain"])
    (finding,) = asyncio.run(open_findings(stack, code))
    third, fourth = facts["chain"][BREAK_AT - 2 : BREAK_AT]
    assert str(finding.id) == found[0][2]
    assert (finding.detail["expected"], finding.detail["seller"]) == (third["buyer"], fourth["seller"])
    said = run_gateway("trace", code.lower(), "--dir", str(stack.directory))
    assert f"BREAKS: the seller is not the last known buyer {third['buyer']}" in said.stdout
    verified = run_gateway("verify", "topic", TOPIC, "--dir", str(stack.directory))
    assert verified.returncode == 0, verified.stdout


async def test_one_partition_says_the_same_as_all(stack: StackFacts, dealer: tuple[Filer, str]) -> None:
    _, code = dealer
    keys = await fetch_keys(f"{stack.url}/.well-known/jwks.json")
    one = await trace(code, bootstrap=stack.kafka or "", keys=keys)
    every = await trace(code, bootstrap=stack.kafka or "", keys=keys, every_partition=True)
    assert one == every
    assert one.known


def test_a_code_that_nobody_was_given_is_unknown_and_one_with_a_typing_error_too(stack: StackFacts) -> None:
    assert traced(stack, "TCZ6EP34VK5DMD") == (UNKNOWN, traced(stack, "tcz6e-p34vk-5dmd")[1])
    assert traced(stack, "TCZ6EP34VK5DMM")[0] == UNKNOWN
