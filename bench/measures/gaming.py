"""Gaming events whole path: signed batches of 500, HTTP in to readable in Kafka."""

from datetime import UTC, datetime

from bench.corpus.gaming import COMPLEXES, EVENTS, make_feed
from bench.model import Outcome
from bench.stage import staged
from bench.whole_path import CREATED, Series, Work, compare
from bench.workshop import Workshop

TOPIC = "fma.gaming.events.v1"


def measure(workshop: Workshop) -> Outcome:
    """Every complex sends its batches in their order, the next one when the last is receipted."""
    plan = workshop.plan
    batches = 1 + plan.repeats * plan.gaming_batches
    workshop.tell(f"gaming: making {batches * COMPLEXES} signed batches of {EVENTS} events")
    feed = make_feed(workshop.directory / "owners", batches, datetime.now(UTC))
    registrations, first = feed.requests(0, 1), Work(feed.requests(1, 2), EVENTS, COMPLEXES)
    starts = range(2, 1 + batches, plan.gaming_batches)
    works = [Work(feed.requests(start, start + plan.gaming_batches), EVENTS, COMPLEXES) for start in starts]
    with staged(workshop.directory / "gaming-stack", TOPIC, feed) as stage:
        registered = workshop.generator.run(stage.url, registrations, COMPLEXES)
        stage.accepted(registered.statuses.get(CREATED, 0), 0)
        warmed = workshop.generator.run(stage.url, first.requests, COMPLEXES)
        stage.accepted(warmed.statuses.get(CREATED, 0), warmed.statuses.get(CREATED, 0) * EVENTS)
        series = compare(workshop, stage, Series("gaming", "events", EVENTS), first, works)
        workshop.tell("gaming: checking")
        faults = (*series.faults(), *stage.faults())
    size = works[0].requests.stat().st_size / plan.gaming_batches / COMPLEXES
    for work in works:
        work.requests.unlink()
    return Outcome(series.figures(), {**series.facts(), "complexes": COMPLEXES, "bytes_a_request": size}, faults)
