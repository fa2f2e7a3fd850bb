"""The play of one house as a stream of events: pure, and the same for the same seed."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from gateway.local.simulation.diary import Diary
from gateway.local.simulation.halls import Bets, Desks, Lottery, Server, Tables
from gateway.local.simulation.machines import Machines
from gateway.local.simulation.model import House, SimulatedEvent

LOTTERY = "092"
BUSIER_THAN_DESKS = 3
SHIFT = timedelta(hours=8)


class Part(Protocol):
    """A part of a house: what it does when the house opens, while it is open, and when it closes."""

    def opening(self) -> Iterator[SimulatedEvent]: ...

    def play(self) -> Iterator[SimulatedEvent]: ...

    def closing(self) -> Iterator[SimulatedEvent]: ...


class Play:
    """The house at work. `diary`, `machines` and `server` are at hand for whoever adds events of their own."""

    def __init__(self, house: House, random: Random, start: datetime, rate: float) -> None:
        self.house = house
        self.diary = Diary(random, start, rate)
        self.machines = Machines(self.diary, found) if (found := house.units("MACHINE")) else None
        self.server = Server(self.diary, house.units("SERVER"), house.state.software)
        self._parts = list(self._halls())
        self._busy = [part for part in self._parts for _ in range(1 if isinstance(part, Desks) else BUSIER_THAN_DESKS)]

    def turns(self, until: datetime) -> Iterator[list[SimulatedEvent]]:
        """Events that belong together, turn by turn: opening, play, closing.

        The last play begins before `until`, so the closing runs a little over it. Nothing is made before it is asked
        for: between two turns the meters stand where the events so far have brought them.
        """
        for part in (self.server, *self._parts):
            yield list(part.opening())
        shift_ends = self.diary.now + SHIFT
        while self.diary.now < until:
            if self.diary.now >= shift_ends:
                shift_ends += SHIFT
                yield from self._handed_over()
            yield [*self.server.play(), *self.diary.random.choice(self._busy).play()]
        for part in (*self._parts, self.server):
            yield list(part.closing())

    def _handed_over(self) -> Iterator[list[SimulatedEvent]]:
        """At the end of a shift desks and tables are closed by one cashier and opened by the next."""
        for part in self._parts:
            if isinstance(part, Desks | Tables):
                yield [*part.closing(), *part.opening()]

    def _halls(self) -> Iterator[Part]:
        if self.machines is not None:
            yield self.machines
        if tables := self.house.units("TABLE"):
            yield Tables(self.diary, tables)
        if desks := self.house.units("DESK"):
            yield Desks(self.diary, desks)
        if terminals := self.house.units("TERMINAL"):
            make = Lottery if self.house.state.kind == LOTTERY else Bets
            yield make(self.diary, terminals)


def cut(turns: Iterable[list[SimulatedEvent]], size: int) -> Iterator[list[SimulatedEvent]]:
    """Whole turns gathered into batches of at least `size` events, the last one smaller."""
    batch: list[SimulatedEvent] = []
    for turn in turns:
        batch += turn
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
