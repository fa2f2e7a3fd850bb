"""Long messages over HTTP: bodies beyond the bound go to disk, and through a process of their own into the log."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from gateway.client.envelopes import new_guid
from gateway.client.gaming import Action, State, Unit, registration_xml
from gateway.intake.services import Services
from gateway.intake.settings import IntakeSettings
from gateway.journal import Journal
from gateway.judging.settings import LargeSettings
from gateway.model import Entry, Record
from gateway.sealing.records import check_record
from tests.intake.conftest import Live
from tests.intake.kit import XML, World
from tests.intake.test_filing import refresh
from tests.intake.test_gaming_feed import OWNER, Feed

SEGMENT, EVENTS = 7, 30


def tiny(world: World, **bounds: int) -> IntakeSettings:
    """An intake to which whatever has more than 1 KiB is long."""
    settings = world.with_bounds(**{"body_bytes": 1_024, **bounds})
    return replace(settings, large=LargeSettings(read_bytes=700, segment_items=SEGMENT))


@pytest.fixture
async def feed(client: httpx.AsyncClient, world: World, services: Services) -> Feed:
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
