"""A feed of casinos through the whole path: signed batches of 500 events, HTTP in to readable in Kafka."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.client import post_lanes
from bench.observing import await_records, cpu_of, reader_of, resident
from gateway.client.gaming import Action
from gateway.local.simulation.houses import enrol_owners, make_houses, make_owners
from gateway.local.simulation.model import Course, House, Owner
from gateway.local.simulation.scribe import Scribe
from gateway.local.stack import Stack, StackFacts

TOPIC = "fma.gaming.events.v1"
COMPLEXES = 10
BATCH_EVENTS = 500
WARM_BATCHES = 1
RATE = 50.0
KNOWN_SECONDS = 6.0


@dataclass(frozen=True)
class Feed:
    """The owners, and in the order of each complex's series its registration and its batches."""

    owners: Sequence[Owner]
    directory: Path
    registrations: Sequence[bytes]
    lanes: Sequence[Sequence[bytes]]


def make_feed(directory: Path, batches: int, now: datetime) -> Feed:
    """`batches` batches of BATCH_EVENTS true events from each of COMPLEXES houses of all kinds."""
    random = Random(8)  # noqa: S311 - made-up play, no secret
    owners = make_owners(directory, random, now)
    lanes = [_lane(house, batches, now) for house in make_houses(owners, COMPLEXES, random)]
    return Feed(owners, directory, [lane[0] for lane in lanes], [lane[1:] for lane in lanes])


def _lane(house: House, batches: int, now: datetime) -> list[bytes]:
    """The registration, then the batches; the play began so early that all of it has happened."""
    course = Course(now - timedelta(seconds=1.2 * batches * BATCH_EVENTS / RATE), now, RATE, BATCH_EVENTS)
    scribe = Scribe(house, course, 8)
    bodies = [scribe.series.registration(Action.REGISTER, house.state)]
    events = (event for turn in scribe.play.turns(course.end) for event in turn)
    for _ in range(batches):
        batch = [next(events) for _ in range(BATCH_EVENTS)]
        scribe.series.number(batch)
        bodies.append(scribe.write(batch).body)
    return bodies


def measure(feed: Feed, directory: Path) -> dict[str, float]:
    """Files the feed once through a stack of its own, and waits until every event can be read from Kafka."""
    stack = Stack(directory)
    stack.wipe()
    facts = stack.up(datetime.now(UTC))
    try:
        return asyncio.run(_run(feed, facts))
    finally:
        stack.down()
        stack.wipe()


async def _run(feed: Feed, facts: StackFacts) -> dict[str, float]:
    assert facts.url
    assert facts.database_url
    assert facts.kafka
    await enrol_owners(facts.database_url, feed.directory, feed.owners, datetime.now(UTC))
    await asyncio.sleep(KNOWN_SECONDS)
    at_rest = resident(facts)
    registered = await post_lanes(facts.url, [iter([body]) for body in feed.registrations])
    reader = reader_of(facts.kafka, TOPIC)
    warm = await post_lanes(facts.url, _lanes(feed, 0, WARM_BATCHES))
    assert {*registered.statuses, *warm.statuses} == {201}, (registered.statuses, warm.statuses)
    before = cpu_of(facts)
    started = time.perf_counter()
    load = await post_lanes(facts.url, _lanes(feed, WARM_BATCHES, None))
    under_load = resident(facts)
    events = sum(load.statuses.values()) * BATCH_EVENTS
    total = events + COMPLEXES * WARM_BATCHES * BATCH_EVENTS
    readable = await asyncio.to_thread(await_records, reader, total)
    seconds = time.perf_counter() - started
    spent = {f"{part}_cpu_us": (used - before[part]) * 1e6 / events for part, used in cpu_of(facts).items()}
    return {
        "receipted_events_per_second": load.rate * BATCH_EVENTS,
        "readable_events_per_second": events / seconds,
        "p50_ms": load.percentile(0.5) * 1000,
        "p99_ms": load.percentile(0.99) * 1000,
        "events": events,
        "accepted_batches": load.statuses[201],
        "other_answers": sum(load.statuses.values()) - load.statuses[201],
        "readable": readable,
        "complexes": COMPLEXES,
        "intake_at_rest_mib": at_rest,
        "intake_under_load_mib": under_load,
        **spent,
    }


def _lanes(feed: Feed, start: int, stop: int | None) -> list[Iterator[bytes]]:
    return [iter(lane[start:stop]) for lane in feed.lanes]
