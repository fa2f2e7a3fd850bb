"""What a house writes and what it notes: the tools with which honest and faulty batches are made alike."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from gateway.local.simulation.model import (
    Account,
    Course,
    ExpectedTicket,
    Fault,
    House,
    Injected,
    Post,
    RefusedEvent,
    SimulatedEvent,
)
from gateway.local.simulation.play import Play
from gateway.local.simulation.series import Batch, Figures, Series


class Scribe:
    """One house at its desk: play, series, and the `account` of what was done and must come of it.

    `figures` are those that the house counts, `received` those of the events that reach the gateway. `carried` are
    events that go into the next batch, `held` batches that do not leave at their turn, each with the fault that
    holds it.
    """

    def __init__(self, house: House, course: Course, seed: int) -> None:
        self.house = house
        self.course = course
        self.random = Random(f"{seed}/{house.id}")  # noqa: S311 - made-up play, no secret
        self.play = Play(house, self.random, course.start, course.rate)
        self.diary = self.play.diary
        self.series = Series(house, self.diary, self.random.choice(("UTF-8", "UTF-16")))
        self.figures = Figures()
        self.received = Figures()
        self.account = Account()
        self.carried: list[SimulatedEvent] = []
        self.held: list[tuple[Fault, Batch]] = []

    def post(self, what: str, body: bytes, expected: int = 201) -> Post:
        """A step that files a message of this house."""
        return Post(self.house.id, self.house.owner.identifier, what, self.diary.now, body, expected)

    def write(self, events: Sequence[SimulatedEvent], previous: str | None = None) -> Batch:
        """The next batch, of events that have their sequences."""
        return self.series.next_batch(events, previous)

    def file(self, batch: Batch, refused: Sequence[RefusedEvent] = ()) -> Post:
        """A step that files a batch, of which these events must be refused and all others accepted."""
        codes = {event.sequence: event.code for event in refused}
        self.account.refused += refused
        for event in batch.events:
            if event["sequence"] not in codes:
                self.account.accepted[self.house.id, batch.number, event["sequence"]] = event
                self.figures.add(event)
                self.received.add(event)
        return replace(self.post(f"batch {batch.number}", batch.body), refused=codes)

    def injected(self, fault: Fault, batch: int | None, /, **detail: Any) -> None:
        """Notes what was done."""
        self.account.injected.append(Injected(fault, self.house.id, batch, detail))

    def ticket(self, kind: str, state: str, /, **detail: Any) -> None:
        """Notes a ticket that must come of it."""
        self.account.tickets.append(ExpectedTicket(kind, self.house.id, state, detail))
