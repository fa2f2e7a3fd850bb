"""Long messages over HTTP: bodies beyond the bound go to disk, and through a process of their own into the log."""

import asyncio
import errno
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.client.envelopes import new_guid
from gateway.client.gaming import Action, State, Unit, registration_xml
from gateway.intake.services import Services
from gateway.intake.settings import IntakeSettings
from gateway.intake.spool import SpoolFile
from gateway.journal import Journal
from gateway.judging.settings import LargeSettings
from gateway.model import Entry, Record
from gateway.overseer import Overseer
from gateway.sealing.records import check_record
from tests.intake.conftest import Live
from tests.intake.kit import XML, World
from tests.intake.test_filing import refresh
from tests.intake.test_gaming_feed import OWNER, Feed, overseer

__all__ = ["overseer"]
SEGMENT, EVENTS = 7, 30


def tiny(world: World, **bounds: int) -> IntakeSettings:
    """An intake to which whatever has more than 1 KiB is long."""
    settings = world.with_bounds(**{"body_bytes": 1_024, **bounds})
    return replace(settings, large=LargeSettings(read_bytes=700, segment_items=SEGMENT))


@pytest.fixture
async def feed(client: httpx.AsyncClient, world: World, services: Services, overseer: Overseer) -> Feed:
    assert overseer.interruptions == 0
    if OWNER not in world.parties:
        world.add(OWNER)
        await world.enrol(OWNER)
        await refresh(services)
    feed = Feed(client, world, f"KZ-{new_guid()[:8]}")
    state = State("093", "Feed", "750000000", 60, units=[Unit("S-1", "SERVER")], software=["aa" * 32])
    await feed.post(registration_xml(feed.envelope, feed.name, Action.REGISTER, state))
    return feed


@pytest.fixture
async def large(world: World, live: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with live(tiny(world)) as (host, port), httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        yield client


async def entry_of(services: Services, receipt: str, sender: str) -> Entry:
    entry = await services.journal.by_id(UUID(receipt), sender)
    assert entry is not None
    return entry


async def records_of(journal: Journal, entry: Entry) -> list[Record]:
    assert entry.parts is not None
    return [record for number in range(len(entry.parts.records)) for record in await journal.records_of(entry, number)]


async def post(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post("/v1/messages", content=body, headers=XML, timeout=60)


async def test_a_long_batch_is_filed_in_parts_each_event_once_under_a_true_seal(
    feed: Feed, large: httpx.AsyncClient, services: Services
) -> None:
    body = feed.batch(1, *[feed.event("HEARTBEAT", "S-1") for _ in range(EVENTS)])
    answer = await post(large, body)
    assert answer.status_code == 201, answer.text
    facts = answer.json()
    assert (facts["verdict"], facts["series"]["events"]) == ("accepted", EVENTS)
    entry = await entry_of(services, facts["id"], feed.world[OWNER].identifier)
    assert b"".join([piece async for piece in services.journal.body(entry)]) == body
    records = await records_of(services.journal, entry)
    assert [dict(record.headers)["ce_id"].decode() for record in records] == [
        f"{facts['id']}/{number}" for number in range(1, EVENTS + 1)
    ]
    assert {check_record(r.topic, r.headers, r.value, services.keyset) for r in records} == {"valid"}
    assert len({dict(record.headers)["seal"] for record in records}) == -(-EVENTS // SEGMENT)
    again = await post(large, body)
    assert (again.status_code, again.json()["id"]) == (200, facts["id"])


def heartbeats(feed: Feed, count: int = EVENTS) -> list[dict[str, Any]]:
    return [feed.event("HEARTBEAT", "S-1") for _ in range(count)]


async def nothing_is_kept(services: Services, body: bytes) -> bool:
    return await services.journal.find(hashlib.sha256(body).hexdigest()) is None


def children() -> set[int]:
    """The processes that examine long messages now."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if b"gateway.judging.large" in place.read_bytes():
                parent = (place.parent / "stat").read_text().rpartition(") ")[2].split()[1]
                if int(parent) == os.getpid():
                    found.add(int(place.parent.name))
    return found


async def test_events_that_are_wrong_are_refused_and_told_and_a_taken_number_is_a_fork(
    feed: Feed, large: httpx.AsyncClient, services: Services
) -> None:
    events = heartbeats(feed)
    events[3]["unit"], events[20]["kind"] = "NOWHERE", "TIP"
    facts = (await post(large, feed.batch(1, *events))).json()
    assert (facts["verdict"], [item["number"] for item in facts["items"]]) == ("accepted with warnings", [4, 21])
    entry = await entry_of(services, facts["id"], feed.world[OWNER].identifier)
    records = await records_of(services.journal, entry)
    assert (len(records), records[-1].topic) == (EVENTS - 1, "fma.rejections.v1")
    answer = await post(large, feed.batch(1, *heartbeats(feed)))
    assert (answer.status_code, answer.json()["code"]) == (409, "series-conflict")


async def test_what_is_no_batch_or_is_not_signed_is_refused_and_not_kept(
    feed: Feed, large: httpx.AsyncClient, services: Services, world: World
) -> None:
    body = feed.batch(1, *heartbeats(feed))
    changed = body.replace("HEARTBEAT".encode("utf-16-le"), "HEARTBEAR".encode("utf-16-le"), 1)
    for sent, status, code in (
        (world.message(), 413, "too-large"),
        (changed, 401, "signature-wrong"),
        (body[: len(body) // 2 * 2 - 200], 400, "not-well-formed"),
    ):
        answer = await post(large, sent)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert await nothing_is_kept(services, sent)


async def test_the_death_of_the_examining_process_keeps_nothing_and_sending_again_works(
    feed: Feed, large: httpx.AsyncClient, services: Services
) -> None:
    body = feed.batch(1, *heartbeats(feed, 200))
    sending = asyncio.create_task(post(large, body))
    while not (started := children()):
        await asyncio.sleep(0.01)
    for pid in started:
        os.kill(pid, signal.SIGKILL)
    answer = await sending
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert await nothing_is_kept(services, body)
    assert (await post(large, body)).status_code == 201


async def test_a_full_disk_is_told_and_leaves_nothing(
    feed: Feed, large: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = feed.batch(1, *heartbeats(feed))

    def full(_file: SpoolFile, _data: bytearray) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(SpoolFile, "_store", full)
        answer = await post(large, body)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert await nothing_is_kept(services, body)
    assert (await post(large, body)).status_code == 201


async def test_one_address_sends_one_long_message_at_a_time_and_none_beyond_the_bound(
    feed: Feed, world: World, live: Live
) -> None:
    body = feed.batch(1, *heartbeats(feed))
    started = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:4_000]
        started.set()
        await asyncio.sleep(0.5)
        yield body[4_000:]

    settings = tiny(world, large_body_bytes=200_000)
    async with live(settings) as (host, port), httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        first = asyncio.create_task(client.post("/v1/messages", content=slowly(), headers=XML, timeout=60))
        await started.wait()
        answer = await post(client, body)
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert (await first).status_code == 201
        assert (await post(client, b" " * 200_001)).status_code == 413


async def test_a_client_that_goes_away_leaves_its_place_to_the_next(feed: Feed, large: httpx.AsyncClient) -> None:
    body = feed.batch(1, *heartbeats(feed))

    async def broken() -> AsyncIterator[bytes]:
        yield body[:4_000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await large.post("/v1/messages", content=broken(), headers=XML)
    while (answer := await post(large, body)).status_code == 503:
        await asyncio.sleep(0.05)
    assert answer.status_code == 201
