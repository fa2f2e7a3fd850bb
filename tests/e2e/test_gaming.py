"""Ten complexes with every fault: what is told is exactly what was injected, and nothing is lost or doubled."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from gateway.consumer import fetch_keys, subscribe
from gateway.local.simulation.comparison import compare, expected_obligations, expected_tickets
from gateway.local.simulation.model import Fault
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
    read_all,
    told_by_http,
    told_of_complexes,
)
from tests.e2e.kit import run_gateway

SECONDS = 40
KILLED_SECONDS = 60
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
    simulation = await make_simulation(tmp_path, facts, SECONDS)
    delivery = await file_all(simulation, url)
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
    faults = set(Fault) - {Fault.SILENCE}
    simulation = await make_simulation(tmp_path, facts, KILLED_SECONDS, faults, seed=11)
    filing = asyncio.create_task(file_all(simulation, facts.url or "", patience=60))
    parts = list(facts.pids)
    Random(11).shuffle(parts)
    for part in parts:
        await asyncio.sleep(0.7)
        for pid in stack.status().pids[part]:
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(stack.up, datetime.now(UTC))
    delivery = await filing
    assert delivery.surprises == []

    facts = stack.status()
    await _told_as_expected(simulation, facts.url or "", facts.kafka or "")
    await _totals_are_equal(simulation, facts.url or "")
    await _nothing_but_the_holes_is_missing(simulation, facts.url or "")
    _intact(facts)


async def _told_as_expected(simulation: Simulation, url: str, kafka: str) -> list[Told]:
    """Tickets and obligations by HTTP and on the topic, refused events and events on theirs; returns the events."""
    account = simulation.account()
    tickets = await told_by_http(simulation, url, "tickets")
    obligations = await told_by_http(simulation, url, "obligations")
    assert compare(expected_tickets(account), tickets).equal, compare(expected_tickets(account), tickets)
    assert compare(expected_obligations(account), obligations).equal, compare(
        expected_obligations(account), obligations
    )

    topics = (EVENTS, INTEGRITY, REJECTIONS)
    records = await asyncio.to_thread(read_all, kafka, topics, len(account.accepted))
    assert _last_revisions(records, TICKET) == {ticket["id"]: ticket["state"] for ticket in tickets}
    assert _last_revisions(records, OBLIGATION) == {due["id"]: due["state"] for due in obligations}
    _refusals_are_told(simulation, records)
    events = [record for record in records if record.topic == EVENTS]
    assert len(events) == len(account.accepted)
    assert {_place(record.value): record.value["item"] for record in events} == account.accepted
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
        assert position["last_event"] == script.last_event
        open_tickets = [row for row in account.tickets if row.complex == script.house.id and row.state == "open"]
        assert len(position["open_tickets"]) == len(open_tickets)


def _place(value: Mapping[str, Any]) -> tuple[str, int, int]:
    return value["series"], value["number"], value["item"]["sequence"]


def _intact(facts: StackFacts) -> None:
    here = ("--dir", str(facts.directory))
    for what in (("journal",), ("topic", EVENTS), ("topic", INTEGRITY), ("topic", REJECTIONS)):
        verified = run_gateway("verify", *what, *here)
        assert verified.returncode == 0, verified.stdout + verified.stderr
