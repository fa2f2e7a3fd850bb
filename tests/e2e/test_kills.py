"""`kill -9` of each part while messages flow: what had a receipt is there once, and the chain is whole."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx
import pytest

from gateway.client import NotDelivered, file_message
from gateway.local.stack import Stack, StackFacts
from tests.e2e.kit import committed_ids, enrol_filer, run_gateway

pytestmark = pytest.mark.long

PARTS = ("judging", "intake", "relay", "oversight", "kafka", "postgres")
MESSAGES = 240
FILERS = 8


@pytest.fixture
def own_stack(short_directory: Path) -> Iterator[tuple[Stack, StackFacts]]:
    stack = Stack(short_directory / "killed")
    yield stack, stack.up(datetime.now(UTC))
    stack.wipe()


async def test_nothing_receipted_is_lost_or_doubled_when_any_part_is_killed(
    own_stack: tuple[Stack, StackFacts], tmp_path: Path
) -> None:
    stack, facts = own_stack
    random = Random(42)
    filer = enrol_filer(tmp_path / "entities", facts.directory, random)
    waiting = [filer.sign(random) for _ in range(MESSAGES)]
    await _until_known(stack, waiting[0])
    receipts: dict[bytes, str] = {}
    filing = [asyncio.create_task(_file_all(stack, waiting, receipts)) for _ in range(FILERS)]
    for number, part in enumerate(PARTS, 1):
        while len(receipts) < number * MESSAGES // (len(PARTS) + 2):
            await asyncio.sleep(0.02)
        for pid in _pids(stack, part):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(stack.up, datetime.now(UTC))
    await asyncio.gather(*filing)

    assert len(receipts) == MESSAGES
    facts = stack.status()
    assert facts.kafka is not None
    ids = await asyncio.to_thread(_until_all_are_there, facts.kafka, set(receipts.values()))
    assert sorted(ids) == sorted(receipts.values())
    verified = run_gateway("verify", "journal", "--dir", str(facts.directory), "--json")
    assert verified.returncode == 0, verified.stdout
    assert json.loads(verified.stdout)["entries"] == MESSAGES
    again = await _receipts_of_repeats(stack, list(receipts)[:20])
    assert again == [receipts[body] for body in list(receipts)[:20]]


def _pids(stack: Stack, part: str) -> list[int]:
    """The processes of a part; `judging` are those that the intake started."""
    pids = stack.status().pids
    return pids["intake"][1:] if part == "judging" else pids[part]


async def _file_all(stack: Stack, waiting: list[bytes], receipts: dict[bytes, str]) -> None:
    """Files until nothing waits, sending the same bytes again whenever there was no answer."""
    while waiting:
        body = waiting.pop()
        async with httpx.AsyncClient(base_url=stack.status().url or "", timeout=5) as client:
            try:
                answer = await file_message(client, body, attempts=1)
            except NotDelivered:
                waiting.append(body)
                await asyncio.sleep(0.1)
                continue
        assert answer.status in (200, 201), answer.facts
        receipts[body] = answer.facts["id"]


async def _receipts_of_repeats(stack: Stack, bodies: list[bytes]) -> list[str]:
    async with httpx.AsyncClient(base_url=stack.status().url or "") as client:
        answers = [await file_message(client, body) for body in bodies]
    assert {answer.status for answer in answers} == {200}
    return [answer.facts["id"] for answer in answers]


async def _until_known(stack: Stack, body: bytes) -> None:
    async with asyncio.timeout(40), httpx.AsyncClient(base_url=stack.status().url or "") as client:
        headers = {"Content-Type": "application/xml"}
        while (await client.post("/v1/validate", content=body, headers=headers)).status_code != 200:
            await asyncio.sleep(0.1)


def _until_all_are_there(bootstrap: str, expected: set[str]) -> list[str]:
    ids: list[str] = []
    for _ in range(10):
        ids = committed_ids(bootstrap)
        if expected <= set(ids):
            break
    return ids
