"""The nouns of a simulated casino feed: houses, what is injected into them, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from gateway.client.gaming import State, Unit
from gateway.sealing.generation import Issued

SimulatedEvent = dict[str, Any]
"""An event as plain data, `sequence` not given yet."""


class Fault(StrEnum):
    """What can be made to go wrong."""

    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    FORK = "fork"
    WRONG_HASH = "wrong-hash"
    OVERLAP = "overlap"
    LOST_EVENT = "lost-event"
    FALSE_METER = "false-meter"
    CLOCK_JUMP = "clock-jump"
    BAD_EVENT = "bad-event"
    BAD_SIGNATURE = "bad-signature"
    NO_ORIGINAL = "no-original"
    UNKNOWN_SOFTWARE = "unknown-software"
    WINNINGS = "winnings"
    WINNINGS_IN_PARTS = "winnings-in-parts"
    LYING_TOTALS = "lying-totals"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Owner:
    """A gambling organiser: BIN or IIN, code of `reporting_entity_kinds`, name, and what it signs with."""

    identifier: str
    kind: str
    name: str
    credentials: Issued = field(repr=False)


@dataclass(frozen=True, slots=True)
class House:
    """A hardware and software complex with all that its owner registers of it."""

    id: str
    owner: Owner
    state: State

    def units(self, kind: str) -> tuple[Unit, ...]:
        """Its units of that code of `unit_kinds`."""
        return tuple(unit for unit in self.state.units if unit.kind == kind)


@dataclass(frozen=True, slots=True)
class Course:
    """How a simulation runs: play from `start` to `end` at `rate` events a second in each house."""

    start: datetime
    end: datetime
    rate: float
    batch_size: int
    silence_seconds: float = 6.0


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault as it was injected: where, and what exactly was done."""

    fault: Fault
    complex: str
    batch: int | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExpectedTicket:
    """A ticket that must exist at the end; `detail` are those of its facts that the fault decides."""

    kind: str
    complex: str
    state: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that must be refused, alone; why in words, and the code of the finding."""

    complex: str
    batch: int
    sequence: int
    cause: str
    code: str


@dataclass(frozen=True, slots=True)
class ExpectedObligation:
    """An FM-1 that must be due, or no more when it was filed."""

    owner: str
    player: str
    day: date
    operation: str
    total: str
    state: str


@dataclass(slots=True)
class Account:
    """All that a simulation did and expects; `accepted` maps (complex, batch, sequence) to the event's content."""

    injected: list[Injected] = field(default_factory=list)
    tickets: list[ExpectedTicket] = field(default_factory=list)
    refused: list[RefusedEvent] = field(default_factory=list)
    obligations: list[ExpectedObligation] = field(default_factory=list)
    accepted: dict[tuple[str, int, int], SimulatedEvent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Post:
    """A message to file at the moment `at` of the play, and the HTTP status that it must get.

    `refused` are the sequences of those of its events that must be refused, with the code of the finding.
    """

    complex: str
    owner: str
    what: str
    at: datetime
    body: bytes = field(repr=False)
    expected: int = 201
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is sent for that many seconds of real time."""

    complex: str
    at: datetime
    seconds: float


Step = Post | Wait
