"""A casino's feed over HTTP: real messages, judged, kept, overseen, and read back."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from lxml import etree

from gateway.client.envelopes import Envelope, new_guid
from gateway.client.gaming import (
    Action,
    BatchHeader,
    Figure,
    Repairs,
    State,
    Unit,
    batch_xml,
    chain_repair_xml,
    end_of_day_xml,
    registration_xml,
    rfc3339,
)
from gateway.intake.services import Services
from gateway.journal.oversight.store import OversightStore
from gateway.overseer import Judging, Overseer
from tests.bus.kit import KEYS
from tests.intake.kit import XML, World
from tests.intake.test_filing import refresh
from tests.oversight.kit import PARAMETERS, RULES
from validators.values import LEGAL_ZONE

OWNER = "feeder"


@pytest.fixture
async def overseer(services: Services, world: World) -> AsyncIterator[Overseer]:
    store = OversightStore(world.settings.database_url, 0, PARAMETERS, RULES)
    overseer = Overseer(services.journal, store, KEYS, Judging(PARAMETERS, RULES))
    task = asyncio.create_task(overseer.run())
    yield overseer
    overseer.stop()
    await task


@dataclass
class Feed:
    """One complex that files; `bodies` are its batches by number."""

    client: httpx.AsyncClient
    world: World
    name: str
    sequence: int = 0
    bodies: dict[int, bytes] = field(default_factory=dict)

    @property
    def envelope(self) -> Envelope:
        return Envelope(self.world[OWNER].identifier, "093", datetime.now(UTC))

    async def post(self, root: etree._Element, status: int = 201) -> dict[str, Any]:
        return await self.send(self.world[OWNER].sign(root), status)

    async def send(self, body: bytes, status: int = 201) -> dict[str, Any]:
        answer = await self.client.post("/v1/messages", content=body, headers=XML)
        assert answer.status_code == status, answer.text
        facts: dict[str, Any] = answer.json()
        return facts

    def event(self, kind: str, unit: str, **more: Any) -> dict[str, Any]:
        self.sequence += 1
        at = rfc3339(datetime.now(UTC) - timedelta(seconds=30))
        return {"sequence": self.sequence, "id": new_guid(), "kind": kind, "time": at, "unit": unit, **more}

    def batch(self, number: int, *events: dict[str, Any], previous: str | None = None) -> bytes:
        before = hashlib.sha256(self.bodies[number - 1]).hexdigest() if number > 1 else None
        header = BatchHeader(self.name, number, previous or before or "0" * 64)
        self.bodies[number] = self.world[OWNER].sign(batch_xml(self.envelope, header, events))
        return self.bodies[number]

    async def read(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path, headers=await self.world[OWNER].bearer())
        assert answer.status_code == 200, answer.text
        facts: dict[str, Any] = answer.json()
        return facts

    async def open_kinds(self) -> list[str]:
        page = await self.read(f"/v1/tickets?state=open&complex={self.name}")
        return sorted(one["kind"] for one in page["tickets"])


@pytest.fixture
async def feed(client: httpx.AsyncClient, world: World, services: Services, overseer: Overseer) -> Feed:
    assert overseer.interruptions == 0
    if OWNER not in world.parties:
        world.add(OWNER)
        await world.enrol(OWNER)
        await refresh(services)
    feed = Feed(client, world, f"KZ-{new_guid()[:8]}")
    units = [Unit("M-1", "MACHINE"), Unit("D-1", "DESK"), Unit("S-1", "SERVER")]
    state = State("093", "Feed", "750000000", 60, units=units, software=["aa" * 32])
    await feed.post(registration_xml(feed.envelope, feed.name, Action.REGISTER, state))
    return feed


async def test_a_feed_with_every_fault_ends_with_nothing_open(feed: Feed) -> None:
    for number in range(1, 4):
        feed.batch(number, feed.event("HEARTBEAT", "S-1"), feed.event("HEARTBEAT", "S-1"))
    await feed.send(feed.bodies[1])
    await feed.send(feed.bodies[3])
    position = await feed.read(f"/v1/gaming/complexes/{feed.name}/position")
    assert (position["last_batch"], position["last_batch_hash"], position["last_event"]) == (
        1, hashlib.sha256(feed.bodies[1]).hexdigest(), 2
    )  # fmt: skip
    assert await feed.open_kinds() == ["gap"]
    await feed.send(feed.bodies[2])
    assert await feed.open_kinds() == []

    second = feed.bodies[2]
    problem = await feed.send(feed.batch(2, feed.event("HEARTBEAT", "S-1")), 409)
    feed.sequence -= 1
    feed.bodies[2] = second
    assert problem["code"] == "series-conflict"
    assert await feed.open_kinds() == ["fork"]
    await feed.post(chain_repair_xml(feed.envelope, feed.name, 2, Repairs.FORK, reason="two senders"))
    assert await feed.open_kinds() == []

    await feed.send(feed.batch(4, feed.event("HEARTBEAT", "S-1"), previous="ee" * 32))
    assert await feed.open_kinds() == ["chain"]
    right = hashlib.sha256(feed.bodies[3]).hexdigest()
    await feed.post(chain_repair_xml(feed.envelope, feed.name, 4, Repairs.CHAIN, reason="lost state", previous=right))
    assert await feed.open_kinds() == []

    bad = feed.event("HEARTBEAT", "NO-SUCH-UNIT")
    facts = await feed.send(feed.batch(5, bad, feed.event("SOFTWARE-HASH", "M-1", hash="bb" * 32)))
    assert [item["number"] for item in facts["items"]] == [bad["sequence"]]
    assert await feed.open_kinds() == ["software"]
    cancel = feed.event("CANCEL", "S-1", original=bad["id"], original_sequence=bad["sequence"], reason="a mistake")
    await feed.send(feed.batch(6, cancel))
    assert await feed.open_kinds() == ["correction", "software"]
    position = await feed.read(f"/v1/gaming/complexes/{feed.name}/position")
    assert (position["last_batch"], position["missing"]) == (6, [])


async def test_totals_of_a_day_and_an_fm1_that_is_due(feed: Feed, world: World) -> None:
    tree = world.tree(OWNER)
    about = tree.find(".//MessageInformation")
    person = tree.find(".//Participant/IndividualIssue")
    assert about is not None
    assert person is not None
    now = datetime.now(UTC) - timedelta(seconds=30)
    about.find("TransactionDate").text = now.astimezone(LEGAL_ZONE).strftime("%d.%m.%Y %H:%M:%S")  # type: ignore[union-attr]
    operation, amount = about.findtext("ViewOperationId"), str(about.findtext("AmountCurrencyTenge"))
    player = {"player_kind": "IIN", "player": person.text}
    await feed.send(feed.batch(1, feed.event("CASH-OUT", "D-1", amount=amount, means="CASH", **player)))
    (due,) = (await feed.read("/v1/obligations?state=open"))["obligations"]
    assert (due["player"], due["operation"], due["total"]) == (person.text, operation, amount.removesuffix(".00"))
    await feed.post(tree)
    assert (await feed.read("/v1/obligations?state=open"))["obligations"] == []

    day = (await feed.read(f"/v1/gaming/complexes/{feed.name}/days/{due['day']}"))["figures"]
    ours = [Figure(one["unit"], one["kind"], one["hour"], one["count"], one["amount"]) for one in day]
    today = now.astimezone(LEGAL_ZONE).date()
    wrong = [*ours[:-1], Figure(ours[-1].unit, ours[-1].kind, ours[-1].hour, ours[-1].count + 1, ours[-1].amount)]
    await feed.post(end_of_day_xml(feed.envelope, feed.name, today, feed.sequence, wrong))
    assert "totals" in await feed.open_kinds()
    await feed.post(end_of_day_xml(feed.envelope, feed.name, today, feed.sequence, ours))
    assert "totals" not in await feed.open_kinds()


async def test_another_owner_can_neither_register_nor_feed_nor_see_a_complex(feed: Feed, world: World) -> None:
    state = State("093", "Feed", "750000000", 60, units=[Unit("M-1", "MACHINE")], software=[])
    own = Envelope(world["casino"].identifier, "093", datetime.now(UTC))
    registered = await feed.send(
        world["casino"].sign(registration_xml(own, feed.name, Action.REGISTER, state)), status=422
    )
    assert [finding["code"] for finding in registered["findings"]] == ["GAM-011"]
    header = BatchHeader(feed.name, 1)
    fed = await feed.send(world["casino"].sign(batch_xml(own, header, [feed.event("HEARTBEAT", "M-1")])), status=422)
    unknown = BatchHeader(f"{feed.name}-NONE", 1)
    nowhere = await feed.send(
        world["casino"].sign(batch_xml(own, unknown, [feed.event("HEARTBEAT", "M-1")])), status=422
    )
    assert [finding["code"] for finding in fed["findings"]] == [finding["code"] for finding in nowhere["findings"]]
    seen = await feed.client.get(f"/v1/gaming/complexes/{feed.name}", headers=await world["casino"].bearer())
    assert seen.status_code == 404
