"""The clock and the pen of one house: events get their time and identity here, one after another."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from gateway.client.gaming import rfc3339
from gateway.local.simulation.model import SimulatedEvent
from gateway.local.simulation.players import Guests

LEAST_GAP = timedelta(milliseconds=1)


class Diary:
    """Writes events at a mean rate a second, from a moment on; the times grow by a millisecond at least."""

    def __init__(self, random: Random, start: datetime, rate: float) -> None:
        self.random = random
        self.now = start.replace(microsecond=start.microsecond // 1000 * 1000)
        self.guests = Guests(random, start.date())
        self._rate = rate

    def event(self, kind: str, unit: str, **facts: Any) -> SimulatedEvent:
        """The next event."""
        gap = round(self.random.expovariate(self._rate) * 1000)
        self.now += max(timedelta(milliseconds=gap), LEAST_GAP)
        return self.event_at(self.now, kind, unit, **facts)

    def event_at(self, moment: datetime, kind: str, unit: str, **facts: Any) -> SimulatedEvent:
        """An event of another moment; the clock stays."""
        return {"id": self.guid(), "kind": kind, "time": rfc3339(moment), "unit": unit, **facts}

    def guid(self) -> str:
        """The next GUID, upper case."""
        return str(UUID(int=self.random.getrandbits(128), version=4)).upper()

    def reference(self, prefix: str) -> str:
        """The number of a bet, a ticket or a game."""
        return f"{prefix}-{self.random.randrange(10**9):09d}"
