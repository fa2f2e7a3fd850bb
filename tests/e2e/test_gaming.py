"""Ten complexes with every fault: what is told is exactly what was injected, and nothing is lost or doubled."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from gateway.consumer import fetch_keys, subscribe
from gateway.local.simulation.agents import AgentFeed, feed, plain_events
from gateway.local.simulation.comparison import compare, expected_obligations, expected_tickets
from gateway.local.simulation.delivery import Delivery, Pace
from gateway.local.simulation.houses import make_houses
from gateway.local.simulation.model import Fault
from gateway.local.simulation.plan import HousePlan
from gateway.local.simulation.script import Script
from gateway.local.simulation.simulation import Simulation
from gateway.local.stack import Stack, StackFacts
from tests.e2e.gaming import (
    EVENTS,
    INTEGRITY,
    REJECTIONS,
    ByHand,
    Told,
    file_all,
    make_simulation,
    quiet,
    read_all,
    told_by_http,
    told_of_complexes,
)
from tests.e2e.kit import run_gateway

pytestmark = pytest.mark.long

SECONDS = 40
KILLED_SECONDS = 30
AGENT_KILLS = 3
TICKET, OBLIGATION = "kz.fma.gaming.ticket.v1", "kz.fma.obligation.v1"
ITEMS_REFUSED, MESSAGE_REFUSED = "kz.fma.items.refused.v1", "kz.fma.message.refused.v1"


@pytest.fixture
def own_stack(short_directory: Path) -> Iterator[tuple[Stack, StackFacts]]:
    stack = Stack(short_directory / "gaming")
    yield stack, stack.up(datetime.now(UTC))
    stack.wipe()


async def test_what_is_told_is_exactly_what_was_injected(own_stack: tuple[Stack, StackFacts], tmp_path: Path) -> None:
    _stack, facts = own_stack
    url, kafka = facts.url or "", facts.kafka or ""
    simulation = await make_simulation(tmp_path, facts, SECONDS, live=False)
    delivery = await file_all(simulation, url, live=False)
    assert delivery.surprises == []
    assert {injected.fault for injected in simulation.account().injected} == set(Fault)

    records = await _told_as_expected(simulation, url, kafka)
    await _each_event_verifies_alone(url, kafka, records)
    await _totals_are_equal(simulation, url)
    await _nothing_but_the_holes_is_missing(simulation, url)
    _intact(facts)


async def test_nothing_is_lost_or_doubled_when_any_part_is_killed(
    own_stack: tuple[Stack, StackFacts], tmp_path: Path
) -> None:
    stack, facts = own_stack
    url = facts.url or ""
    faults = set(Fault) - {Fault.SILENCE}
    simulation = await make_simulation(tmp_path, facts, KILLED_SECONDS, faults, seed=11, live=True)
    agents = await _agents(simulation, url, tmp_path / "agents")
    fed = {one.house.id: _fed(one, simulation) for one in agents}
    filing = [
        asyncio.create_task(file_all(simulation, url, patience=60, live=True)),
        *(asyncio.create_task(_run_killed(one, Random(one.house.id))) for one in agents),
    ]
    await _kill_each(stack, Random(11))
    delivery, *_agents_done = await asyncio.gather(*filing)
    assert delivery is not None
    assert delivery.surprises == []

    facts = stack.status()
    url, kafka = facts.url or "", facts.kafka or ""
    events = await _told_as_expected(simulation, url, kafka, besides=sum(map(len, fed.values())))
    for house, ids in fed.items():
        _whole_and_once(ids, [record.value for record in events if record.key == house])
    await _totals_are_equal(simulation, url)
    await _nothing_but_the_holes_is_missing(simulation, url)
    _intact(facts)


async def _kill_each(stack: Stack, random: Random) -> None:
    """Each part is killed once, in random order and with all its processes; whatever fell is started again."""
    parts = list(stack.status().pids)
    random.shuffle(parts)
    for part in parts:
        await asyncio.sleep(random.uniform(0.5, 2.0))
        for pid in stack.status().pids[part]:
            with suppress(ProcessLookupError):  # a process ends when the one that it works for is gone
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(random.uniform(0.1, 1.0))
        await asyncio.to_thread(stack.up, datetime.now(UTC))


async def _agents(simulation: Simulation, url: str, place: Path) -> list[AgentFeed]:
    """Two more complexes of the same owners, registered, each with an agent."""
    owners = list({house.owner.identifier: house.owner for house in simulation.houses}.values())
    agents = [AgentFeed(house, place / house.id, url) for house in make_houses(owners[1:3], 2, Random("agents"))]
    registrations = [Script(one.house, simulation.course, 0, HousePlan()) for one in agents]
    async with httpx.AsyncClient(base_url=url, timeout=15) as client:
        await Delivery(client, Pace(), 30).run([islice(script.steps(), 1) for script in registrations], quiet)
    for one in agents:
        one.prepare()
    return agents


def _fed(one: AgentFeed, simulation: Simulation) -> set[str]:
    events = list(plain_events(one.house, simulation.course, simulation.seed))
    feed(one, events)
    return {event["id"] for event in events}


async def _run_killed(one: AgentFeed, random: Random) -> None:
    """The agent is killed some times, and then runs until everything has a receipt."""
    for _ in range(AGENT_KILLS):
        process = await one.start()
        await asyncio.sleep(random.uniform(1.0, 3.0))
        if process.returncode is None:
            process.kill()
        await process.communicate()
    await one.run()


def _whole_and_once(ids: set[str], told: list[dict[str, Any]]) -> None:
    """All events that were fed, once each, and the agent's own heart-beats; no sequence or batch left out."""
    counts = Counter(value["item"]["id"] for value in told)
    assert set(counts.values()) == {1}
    assert ids <= counts.keys()
    assert {value["item"]["kind"] for value in told if value["item"]["id"] not in ids} <= {"HEARTBEAT"}
    assert sorted(value["item"]["sequence"] for value in told) == list(range(1, len(told) + 1))
    batches = {value["number"] for value in told}
    assert batches == set(range(1, len(batches) + 1))


async def _told_as_expected(simulation: Simulation, url: str, kafka: str, besides: int = 0) -> list[Told]:
    """Tickets and obligations by HTTP and on the topic, refused events and events on theirs; returns the events.

    `besides` is how many events at least are those of other complexes.
    """
    account = simulation.account()
    tickets = await told_by_http(simulation, url, "tickets")
    obligations = await told_by_http(simulation, url, "obligations")
    assert compare(expected_tickets(account), tickets).equal, compare(expected_tickets(account), tickets)
    assert compare(expected_obligations(account), obligations).equal, compare(
        expected_obligations(account), obligations
    )

    topics = (EVENTS, INTEGRITY, REJECTIONS)
    records = await asyncio.to_thread(read_all, kafka, topics, len(account.accepted) + besides)
    assert _last_revisions(records, TICKET) == {ticket["id"]: ticket["state"] for ticket in tickets}
    assert _last_revisions(records, OBLIGATION) == {due["id"]: due["state"] for due in obligations}
    _refusals_are_told(simulation, records)
    events = [record for record in records if record.topic == EVENTS]
    houses = {house.id for house in simulation.houses}
    own = [record.value for record in events if record.key in houses]
    assert len(own) == len(account.accepted)
    assert {_place(value): value["item"] for value in own} == account.accepted
    assert len({record.headers["ce_id"] for record in events}) == len(events)
    return events


def _refusals_are_told(simulation: Simulation, records: list[Told]) -> None:
    account = simulation.account()
    refused = Counter(
        (record.value["series"]["name"], record.value["series"]["number"], item["number"], item["findings"][0]["code"])
        for record in records
        if record.type == ITEMS_REFUSED
        for item in record.value["items"]
    )
    assert refused == Counter((row.complex, row.batch, row.sequence, row.code) for row in account.refused)
    forks = Counter(
        (record.value["series"]["name"], record.value["series"]["number"])
        for record in records
        if record.type == MESSAGE_REFUSED
    )
    expected = Counter((row.complex, row.batch) for row in account.injected if row.fault is Fault.FORK)
    assert forks == expected


def _last_revisions(records: list[Told], kind: str) -> dict[str, str]:
    """The state in the last revision of each ticket or obligation; the revisions of each are 1, 2, 3 ..."""
    states: dict[str, dict[int, str]] = {}
    for record in records:
        if record.type == kind:
            identifier, _, revision = record.headers["ce_id"].decode().rpartition("/")
            assert states.setdefault(identifier, {}).setdefault(int(revision), record.value["state"])
    for revisions in states.values():
        assert sorted(revisions) == list(range(1, len(revisions) + 1))
    return {identifier: revisions[max(revisions)] for identifier, revisions in states.items()}


async def _each_event_verifies_alone(url: str, kafka: str, records: list[Told]) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        by_hand = ByHand((await client.get("/.well-known/jwks.json")).json())
    for record in records:
        by_hand.check(record)
    keys = await fetch_keys(f"{url}/.well-known/jwks.json")
    verified = 0
    async for event in subscribe(EVENTS, bootstrap=kafka, keys=keys, from_beginning=True, until_end=True):
        assert event.seal == "valid"
        verified += 1
    assert verified == len(records)


async def _totals_are_equal(simulation: Simulation, url: str) -> None:
    """The gateway's figures are those of the events that reached it, and its differences those that were expected."""
    account = simulation.account()
    expected: dict[tuple[str, str], Any] = {
        (ticket.complex, ticket.detail["day"]): ticket.detail["differences"]
        for ticket in account.tickets
        if ticket.kind == "totals"
    }
    for script in simulation.scripts:
        for day in script.received.days():
            told = (await told_of_complexes(simulation, url, f"/days/{day.isoformat()}"))[script.house.id]
            assert told["figures"] == [asdict(figure) for figure in script.received.of(day)]
            assert told["differences"] == expected.get((script.house.id, day.isoformat()), [])


async def _nothing_but_the_holes_is_missing(simulation: Simulation, url: str) -> None:
    account = simulation.account()
    positions: Mapping[str, Any] = await told_of_complexes(simulation, url, "/position")
    holes = Counter(
        (ticket.complex, ticket.detail["what"], ticket.detail["first"], ticket.detail["last"])
        for ticket in account.tickets
        if ticket.kind == "gap" and ticket.state == "open"
    )
    missing = Counter(
        (house, hole["what"], hole["first"], hole["last"])
        for house, position in positions.items()
        for hole in position["missing"]
    )
    assert missing == holes
    for script in simulation.scripts:
        position = positions[script.house.id]
        assert position["highest_event"] == script.last_event
        open_tickets = [row for row in account.tickets if row.complex == script.house.id and row.state == "open"]
        assert len(position["open_tickets"]) == len(open_tickets)


def _place(value: Mapping[str, Any]) -> tuple[str, int, int]:
    return value["series"], value["number"], value["item"]["sequence"]


def _intact(facts: StackFacts) -> None:
    here = ("--dir", str(facts.directory))
    for what in (("journal",), ("topic", EVENTS), ("topic", INTEGRITY), ("topic", REJECTIONS)):
        verified = run_gateway("verify", *what, *here)
        assert verified.returncode == 0, verified.stdout + verified.stderr
