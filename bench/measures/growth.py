"""The same rates with more and more entries stored: FM-1s through the whole path, and unique codes."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

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
ROUNDS = 3
"""In so many turns codes are asked for."""
EMPTY = "with nothing stored, by turns"
CPU, PARTS = "fm1.cpu", ("intake", "relay", "postgres")
UNITS = {"fm1": "messages/s", CPU: "µs of CPU a message"}
T = TypeVar("T")


@dataclass
class Found:
    """What was measured: by name and number of stored entries its own values and those with the first number."""

    values: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def figures(self, first: int) -> tuple[Figure, ...]:
        """A figure for each number, and for the first one all that was measured of it."""
        found = []
        for name in dict.fromkeys(name for name, _ in self.values):
            by_stored = {stored: pairs for (each, stored), pairs in self.values.items() if each == name}
            base = tuple(few for pairs in by_stored.values() for _, few in pairs)
            found.append(_figure(name, first, base, base))
            for stored, pairs in by_stored.items():
                found.append(_figure(name, stored, tuple(many for many, _ in pairs), tuple(few for _, few in pairs)))
        return tuple(found)


def measure(workshop: Workshop) -> Outcome:
    """Each number of stored entries has a stack of its own, asked by turns with that of the first number.

    Minutes apart a machine is another one: what is compared is measured side by side.
    """
    first, *others = workshop.plan.stored
    if not others:
        return Outcome(skipped="growth is between two numbers of stored entries")
    found = Found()
    for stored in others:
        _measure_fm1(workshop, first, stored, found)
        _measure_codes(workshop, first, stored, found)
    return Outcome(found.figures(first), found.facts, tuple(found.faults))


def by_turns(times: int, many: Callable[[int], T], few: Callable[[int], T]) -> list[tuple[T, T]]:
    """What both give in each of so many turns, now this one first and now the other."""
    found = []
    for turn in range(times):
        given = {each: each(turn) for each in ((many, few) if turn % 2 else (few, many))}
        found.append((given[many], given[few]))
    return found


def _figure(name: str, stored: int, values: tuple[float, ...], base: tuple[float, ...]) -> Figure:
    way = LESS if name == CPU else MORE
    return Figure(f"growth.{name}.{stored}", UNITS.get(name, "codes/s"), values, base, way, EMPTY)


def _measure_fm1(workshop: Workshop, first: int, stored: int, found: Found) -> None:
    plan = workshop.plan
    place = workshop.directory / f"growth-{stored}"
    corpus = Fm1Corpus.make(place, datetime.now(UTC))
    works = [Work(corpus.requests(count), 1, plan.connections) for count in (WARM, *[plan.messages] * plan.repeats)]
    with (
        _filled(workshop, place / "few", first, corpus) as few,
        _filled(workshop, place / "many", stored, corpus) as many,
    ):
        _, *runs = by_turns(
            len(works), lambda turn: many.run(workshop, works[turn]), lambda turn: few.run(workshop, works[turn])
        )
        for one, other in runs:
            found.values["fm1", stored].append((one.readable, other.readable))
            found.values[CPU, stored].append((_own(one), _own(other)))
        told = ", ".join(f"{one.readable:,.0f} and {other.readable:,.0f}" for one, other in runs)
        workshop.tell(f"  messages/s with {stored:,} and with {first:,}: {told}")
        found.facts[f"fill_seconds_{stored}"] = many.fill_seconds
        found.faults += [*many.stage.faults(stored), *few.stage.faults(first)]


def _own(run: Run) -> float:
    return sum(run.cpu_us[part] for part in PARTS)


def _measure_codes(workshop: Workshop, first: int, stored: int, found: Found) -> None:
    with codes.stocked(workshop, stored, ROUNDS) as many, codes.stocked(workshop, first, ROUNDS) as few:
        with codes.serving(many) as large, codes.serving(few) as small:
            turns = by_turns(
                ROUNDS,
                lambda turn: [(task, codes.run(workshop, large, task)) for task in many.rounds[turn]],
                lambda turn: [(task, codes.run(workshop, small, task)) for task in few.rounds[turn]],
            )
        for one, other in turns:
            for (task, run), (_, run_with_few) in zip(one, other, strict=True):
                found.values[f"codes.{task.name}", stored].append((run.rate, run_with_few.rate))
        found.faults += many.faults([pair for one, _ in turns for pair in one])
        found.faults += few.faults([pair for _, other in turns for pair in other])


@dataclass(frozen=True, slots=True)
class Filled:
    """A running stack whose log held entries before its services were started, and how long the filling took."""

    stage: Stage
    fill_seconds: float

    def run(self, workshop: Workshop, work: Work) -> Run:
        """One work through the whole path."""
        with reading(self.stage.kafka, FM1_TOPIC) as reader:
            return through_gateway(workshop, self.stage, reader, work)


@contextmanager
def _filled(workshop: Workshop, directory: Path, stored: int, corpus: Fm1Corpus) -> Iterator[Filled]:
    """A stack whose log held so many entries before its services were started."""
    workshop.tell(f"growth: storing {stored:,} entries")
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
        yield Filled(stage, seconds)
    finally:
        stack.down()
        stack.wipe()
