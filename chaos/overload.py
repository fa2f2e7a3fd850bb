"""Overload: many times what the gateway can take, from one flood and from calm senders beside it, for minutes.

Capacity is measured first, by a closed loop; then the calm senders send alone; then the flood beside them; then the
calm senders alone again, and capacity again. What is asked of it is in `overload.toml`.
"""

import asyncio
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, Self

from chaos.entities import LONG_BEFORE
from chaos.figures import MILLISECONDS, Figures, figures, rate_of, standstill, strange
from chaos.flood import NEVER_SENT, Phase, Shot, Spec, suspicious_numbers
from chaos.memory import Memory
from chaos.plant import Plant
from chaos.run import logged, until, verified
from chaos.senders import Senders
from chaos.topics import Listener
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.people import make_bin
from gateway.sealing.generation import Subject

FLOOD, NEIGHBOUR, CALM = "flood", "neighbour", ("calm-1", "calm-2")
BESIDE = (NEIGHBOUR, *CALM)
ADDRESSES = {FLOOD: "127.0.0.2", NEIGHBOUR: "127.0.0.2", "calm-1": "127.0.0.3", "calm-2": "127.0.0.4"}
KINDS = {FLOOD: "011", NEIGHBOUR: "150", "calm-1": "011", "calm-2": "093"}
CONNECTIONS = {FLOOD: 1_400, NEIGHBOUR: 64, "calm-1": 64, "calm-2": 64}
MESSAGES_PER_SECOND = {FLOOD: 300, NEIGHBOUR: 30, "calm-1": 30, "calm-2": 30}
LEAST_MESSAGES, MOST_MESSAGES = 1_000, 20_000
CLOSED_SECONDS = 8.0
CALM_SECONDS = 8.0
WINDOW_SECONDS = 1.0
SETTLE_SECONDS = 600.0
SLACK_MILLISECONDS, TIMES_AS_LONG = 100.0, 3.0
SLACK_SHARE = 0.02
SHOWN = 10

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an overload: `overload.toml` says what each means."""

    calm_share: float
    suspicious: float
    calm_accepted: float
    neighbour_accepted: float
    accepted_p99_seconds: float
    calm_p99_seconds: float
    recovered_within_seconds: float
    capacity_again: float
    longest_retry_after: int
    memory_mib: Mapping[str, int]

    @classmethod
    def read(cls) -> Self:
        """The figures of the file."""
        return cls(**tomllib.loads((files("chaos") / "overload.toml").read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Overload:
    """What came of an overload of `times` the capacity (accepted messages a second).

    `standstill` is the longest time in seconds in which nothing at all was accepted, `recovered_after` is None where
    calm senders were not served as before in time, `caught_up_after` counts to when Kafka had all that was accepted.
    `memory` is what the largest process of each part held in MiB: before, at most, and what it may hold.
    """

    times: float
    seed: int
    seconds: float
    capacity: float
    capacity_after: float
    before: Sequence[Figures]
    during: Sequence[Figures]
    standstill: float
    recovered_after: float | None
    caught_up_after: float
    memory: Mapping[str, tuple[int, int, int]]
    accepted: int
    records: int
    wrong: tuple[str, ...] = ()

    @property
    def green(self) -> bool:
        """True when nothing is wrong."""
        return not self.wrong

    def facts(self) -> dict[str, Any]:
        """The figures as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class _Course:
    """The parts of one overload."""

    plant: Plant
    senders: Senders
    memory: Memory
    asked: Asked
    say: Say

    async def capacity(self) -> float:
        """Accepted messages a second where every sender sends its next one when the last is answered."""
        shots = await self.senders.run(dict.fromkeys(self.senders.specs, Phase(0.0, CLOSED_SECONDS)))
        return rate_of(shot for each in shots.values() for shot in each)

    async def send(self, phases: Mapping[str, Phase]) -> list[Figures]:
        """What each sender saw."""
        return self.figures(await self.senders.run(phases))

    def figures(self, shots: Mapping[str, list[Shot]]) -> list[Figures]:
        """What each sender's requests come to."""
        specs = self.senders.specs
        return [figures(name, shots[name], suspicious_numbers(specs[name])) for name in shots]

    async def recovered(self, rate: float, before: Sequence[Figures], ended: float) -> float | None:
        """Seconds from the end until calm senders are served as before for a while; None where they are not in time."""
        as_before = {each.name: max(TIMES_AS_LONG * each.p99, each.p99 + SLACK_MILLISECONDS) for each in before}
        while True:
            begun = time.monotonic() - ended
            if begun > self.asked.recovered_within_seconds:
                return None
            seen = await self.send(dict.fromkeys(CALM, Phase(rate, WINDOW_SECONDS)))
            if all(each.accepted >= self.asked.calm_accepted and each.p99 <= as_before[each.name] for each in seen):
                return round(begun, 1)


async def overload(directory: Path, times: float, seconds: float, seed: int, say: Say) -> Overload:
    """One overload, on a plant of its own in that directory."""
    asked = Asked.read()
    async with Plant(directory, direct=True) as plant:
        specs = await _enrolled(plant, seed, seconds, asked.suspicious)
        say("making messages ...")
        async with Senders(specs) as senders, Memory(plant) as memory:
            return await _run(_Course(plant, senders, memory, asked, say), times, seconds, seed)


async def _run(course: _Course, times: float, seconds: float, seed: int) -> Overload:
    asked, senders = course.asked, course.senders
    capacity = await course.capacity()
    calm = capacity * asked.calm_share
    course.say(f"capacity {capacity:.0f} messages a second; calm senders alone ...")
    before = await course.send(dict.fromkeys(BESIDE, Phase(calm, CALM_SECONDS)))
    held = course.memory.taken()
    course.say(f"{times:g} times the capacity for {seconds:.0f} s ...")
    flood = {FLOOD: Phase(capacity * times - len(BESIDE) * calm, seconds)}
    by_sender = await senders.run({**flood, **dict.fromkeys(BESIDE, Phase(calm, seconds))})
    shots = [shot for each in by_sender.values() for shot in each]
    ended = max(shot.done for shot in shots)
    recovered = await course.recovered(calm, before, ended)
    after = await course.capacity()
    most = course.memory.most()
    course.say("checking what is in the log and in Kafka ...")
    wrong, caught_up, records = await _checked(course, ended)
    result = Overload(
        times=times,
        seed=seed,
        seconds=seconds,
        capacity=round(capacity, 1),
        capacity_after=round(after, 1),
        before=before,
        during=course.figures(by_sender),
        standstill=round(standstill(shots), 2),
        recovered_after=recovered,
        caught_up_after=caught_up,
        memory={part: (held.get(part, 0), most.get(part, 0), limit) for part, limit in asked.memory_mib.items()},
        accepted=len(senders.accepted()),
        records=records,
    )
    return _with(result, [*wrong, *shortcomings(result, asked)])


def shortcomings(result: Overload, asked: Asked) -> Iterator[str]:
    """Everything in the figures that is not as it is asked."""
    least = {NEIGHBOUR: asked.neighbour_accepted, **dict.fromkeys(CALM, asked.calm_accepted)}
    for each in result.during:
        yield from _of_sender(each, least.get(each.name, 0.0), asked)
    if result.recovered_after is None:
        yield f"calm senders are not served as before within {asked.recovered_within_seconds:.0f} s"
    if result.capacity_after < asked.capacity_again * result.capacity:
        yield f"capacity {result.capacity_after:.0f} messages a second afterwards, {result.capacity:.0f} before"
    for part, (_, most, limit) in result.memory.items():
        if most > limit:
            yield f"{part} held {most} MiB, more than {limit}"


def _of_sender(each: Figures, least: float, asked: Asked) -> Iterator[str]:
    longest = MILLISECONDS * (asked.calm_p99_seconds if each.name in CALM else asked.accepted_p99_seconds)
    if least and each.answers.get(NEVER_SENT):
        yield f"{each.name}: {each.answers[NEVER_SENT]} never sent, all its connections were waiting"
    if each.accepted < least:
        yield f"{each.name}: {each.accepted:.1%} accepted beside the flood"
    if each.p99 > longest:
        yield f"{each.name}: p99 {each.p99:.0f} ms beside the flood"
    if each.suspicious is not None and each.suspicious < (each.threshold or 0.0) - SLACK_SHARE:
        yield f"{each.name}: {each.suspicious:.1%} of the suspicious accepted, {each.threshold:.1%} of others"


async def _checked(course: _Course, ended: float) -> tuple[list[str], float, int]:
    """What is wrong in answers, log and Kafka; seconds until Kafka had everything accepted; how many records."""
    senders, plant = course.senders, course.plant
    accepted = senders.accepted()
    found = [
        text for name, shots in senders.shots.items() for text in strange(name, shots, course.asked.longest_retry_after)
    ]
    with Listener(plant.bootstrap, plant.certificate.read_bytes()) as listener:
        await until(lambda: accepted <= listener.items, "Kafka does not catch up", SETTLE_SECONDS)
        caught_up = round(time.monotonic() - ended, 1)
        in_log = Counter(entry.sha256 for entry in await logged(plant))
        told = Counter(record.item for record in listener.told)
        found += [f"{what} {n}" for what, n in _counted(accepted, senders.doubtful(), in_log, told) if n]
        found += [f"seal: {record.seal}" for record in listener.told if record.seal != "valid"]
        found += map(str, await verified(plant, listener))
        return found, caught_up, len(listener.told)


def _counted(accepted: set[str], doubtful: set[str], in_log: Counter[str], told: Counter[str]) -> list[tuple[str, int]]:
    return [
        ("lost from the log:", len(accepted - in_log.keys())),
        ("doubled in the log:", sum(n > 1 for n in in_log.values())),
        ("in the log and never accepted:", len(in_log.keys() - accepted - doubtful)),
        ("lost from Kafka:", len(accepted - told.keys())),
        ("doubled in Kafka:", sum(n > 1 for n in told.values())),
        ("in Kafka and not in the log:", len(told.keys() - in_log.keys())),
    ]


async def _enrolled(plant: Plant, seed: int, seconds: float, suspicious: float) -> list[Spec]:
    """Who sends, enrolled; what each sends is made when its process starts."""
    directory, random, since = plant.directory / "entities", Random(seed), datetime.now(UTC) - LONG_BEFORE
    directory.mkdir(parents=True)
    authority = ThrowAwayAuthority(directory)
    await plant.command("trust", "add", str(authority.make(since).certificate))
    specs = []
    for name, address in ADDRESSES.items():
        identifier = make_bin(random, since.date())
        own = authority.enrol(identifier, Subject(f"Entity {identifier}", bin=identifier), since)
        names = ("--bin", identifier, "--kind", KINDS[name], "--name", "Entity", "--certificate", str(own.certificate))
        await plant.command("entities", "enrol", *names)
        wanted = int(MESSAGES_PER_SECOND[name] * (seconds + CALM_SECONDS))
        specs.append(
            Spec(
                name=name,
                address=address,
                port=plant.intake_ports[0],
                identifier=identifier,
                kind=KINDS[name],
                key=str(own.key),
                certificate=str(own.certificate),
                directory=str(directory),
                seed=f"{seed}/{name}",
                messages=max(LEAST_MESSAGES, min(MOST_MESSAGES, wanted)),
                connections=CONNECTIONS[name],
                suspicious=suspicious,
                obedient=name == NEIGHBOUR,
            )
        )
    await asyncio.sleep(5.0)
    return specs


def _with(result: Overload, wrong: Sequence[str]) -> Overload:
    more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    return replace(result, wrong=(*wrong[:SHOWN], *more))
