"""A batch of more than 4 MiB through the whole stack, the intake killed in the middle."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest

from bench.corpus.large import LargeFeed, write_batch
from gateway.client import file_message
from gateway.local.stack import Stack, StackFacts
from tests.e2e.kit import run_gateway

pytestmark = pytest.mark.long

EVENTS_TOPIC = "fma.gaming.events.v1"
MB = 5


@pytest.fixture
def own_stack(short_directory: Path) -> Iterator[tuple[Stack, StackFacts]]:
    stack = Stack(short_directory / "large")
    yield stack, stack.up(datetime.now(UTC))
    stack.wipe()


async def test_a_long_batch_comes_through_once_though_the_intake_is_killed_in_the_middle(
    own_stack: tuple[Stack, StackFacts], tmp_path: Path
) -> None:
    stack, facts = own_stack
    now = datetime.now(UTC)
    feed = LargeFeed.make(tmp_path, now)
    await feed.enrol(facts.database_url or "", now)
    await _registered(stack, feed, now)
    batch = tmp_path / "batch.xml"
    events = write_batch(batch, MB, feed.house, now)
    filing = asyncio.create_task(
        asyncio.to_thread(run_gateway, "submit", str(batch), "--url", facts.url or "", "--json")
    )
    await _killed_in_the_middle(stack)
    await asyncio.to_thread(stack.up, datetime.now(UTC))
    await filing
    again = run_gateway("submit", str(batch), "--url", stack.status().url or "", "--json")
    assert again.returncode == 0, again.stdout
    receipt = json.loads(again.stdout)
    assert receipt["series"]["events"] == events
    where = ["--dir", str(facts.directory), "--json"]
    journal = json.loads(run_gateway("verify", "journal", *where).stdout)
    assert (journal["intact"], journal["entries"]) == (True, 2)
    report = await asyncio.to_thread(_published, where, events)
    assert (report["intact"], report["records"]) == (True, events)


async def _registered(stack: Stack, feed: LargeFeed, now: datetime) -> None:
    """Once the running intake knows the owner."""
    async with httpx.AsyncClient(base_url=stack.status().url or "", timeout=30) as client:
        while (await file_message(client, feed.registration(now))).status not in (200, 201):
            await asyncio.sleep(0.5)


async def _killed_in_the_middle(stack: Stack) -> None:
    """Kills the intake while a process of it examines the batch, which ends by itself then."""
    intake = psutil.Process(stack.status().pids["intake"][0])
    while True:
        found = [one for one in intake.children() if "gateway.judging.large" in one.cmdline()]
        if found:
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    os.kill(intake.pid, signal.SIGKILL)
    await asyncio.to_thread(psutil.wait_procs, found, 60)
    assert not found[0].is_running()


def _published(where: list[str], events: int) -> dict[str, object]:
    """What verifying the topic tells once all of it is there."""
    while True:
        report: dict[str, object] = json.loads(run_gateway("verify", "topic", EVENTS_TOPIC, *where).stdout)
        if report["records"] == events or not report["intact"]:
            return report
