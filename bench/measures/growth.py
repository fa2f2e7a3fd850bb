"""The same rates with more and more entries stored: FM-1s through the whole path, and unique codes."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.corpus.backlog import fill_stored, tell_relay
from bench.corpus.fm1 import Fm1Corpus
from bench.measures import codes
from bench.model import LESS, MORE, Figure, Outcome
from bench.stage import KNOWN_SECONDS, Stage, reading
from bench.whole_path import Run, Work, through_gateway
from bench.workshop import FM1_TOPIC, Workshop
from gateway.bus.topics import apply_topics
from gateway.journal import migrate
from gateway.local.kafka import Kafka
from gateway.local.owner import socket_directory
from gateway.local.places import Places
from gateway.local.ports import HOST
from gateway.local.postgres import Postgres
from gateway.local.stack import Stack

WARM = 200
EMPTY = "with nothing stored"
CPU, PARTS = "fm1.cpu", ("intake", "relay", "postgres")
UNITS = {"fm1": "messages/s", CPU: "µs of CPU a message"}
CODES = ("codes.issue", "codes.issue-lists", "codes.check")


def measure(workshop: Workshop) -> Outcome:
    """Each number of stored entries has a stack of its own; what is stored is compared with the first number."""
    rates: dict[str, dict[int, tuple[float, ...]]] = {name: {} for name in ("fm1", CPU, *CODES)}
    faults: list[str] = []
    facts: dict[str, object] = {}
    for stored in workshop.plan.stored:
        workshop.tell(f"growth: storing {stored:,} entries")
        runs, wrong, facts[f"fill_seconds_{stored}"] = _fm1(workshop, stored)
        rates["fm1"][stored] = tuple(run.readable for run in runs)
        rates[CPU][stored] = tuple(sum(run.cpu_us[part] for part in PARTS) for run in runs)
        outcome = codes.measured(workshop, stored, ceiling=False)
        found = {figure.name: figure.gateway for figure in outcome.figures}
        for name in CODES:
            rates[name][stored] = found[name]
        faults += [*wrong, *outcome.faults]
    first = workshop.plan.stored[0]
    figures = [
        Figure(f"growth.{name}.{stored}", UNITS.get(name, "codes/s"), by_stored[stored], by_stored[first], *_way(name))
        for name, by_stored in rates.items()
        for stored in workshop.plan.stored
    ]
    return Outcome(tuple(figures), facts, tuple(faults))


def _way(name: str) -> tuple[str, str]:
    return (LESS if name == CPU else MORE, EMPTY)


def _fm1(workshop: Workshop, stored: int) -> tuple[list[Run], list[str], float]:
    """The repeats, what was wrong, and how long the filling took."""
    plan = workshop.plan
    corpus = Fm1Corpus.make(workshop.directory / f"growth-{stored}", datetime.now(UTC))
    works = [Work(corpus.requests(plan.messages), 1, plan.connections) for _ in range(plan.repeats)]
    warm = Work(corpus.requests(WARM), 1, plan.connections)
    with _filled(workshop, workshop.directory / f"growth-{stored}-stack", stored, corpus) as (stage, seconds):
        with reading(stage.kafka, FM1_TOPIC) as reader:
            runs = [through_gateway(workshop, stage, reader, work) for work in (warm, *works)][1:]
        workshop.tell(f"  {', '.join(f'{run.readable:,.0f}' for run in runs)} messages/s")
        return runs, stage.faults(stored), seconds


@contextmanager
def _filled(workshop: Workshop, directory: Path, stored: int, corpus: Fm1Corpus) -> Iterator[tuple[Stage, float]]:
    """A stack whose log held so many entries before its services were started; how long the filling took."""
    places = Places(directory.absolute())
    places.claim()
    stack = Stack(directory)
    postgres = Postgres(places.postgres, socket_directory(places.directory), places.log("postgres"))
    try:
        postgres.start()
        _, ports = Kafka(places.kafka, places.log("kafka")).start()
        bootstrap = f"{HOST}:{ports.broker}"
        asyncio.run(migrate(postgres.dsn))
        asyncio.run(apply_topics(bootstrap))
        started = time.perf_counter()
        if stored:
            asyncio.run(tell_relay(bootstrap, asyncio.run(fill_stored(postgres.dsn, stored, workshop.tell))))
        seconds = time.perf_counter() - started
        stage = Stage(stack, stack.up(datetime.now(UTC)), FM1_TOPIC)
        asyncio.run(corpus.enrol(stage.dsn, datetime.now(UTC)))
        time.sleep(KNOWN_SECONDS)
        yield stage, seconds
    finally:
        stack.down()
        stack.wipe()
