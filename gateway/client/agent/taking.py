"""Events in, answers out: checked, numbered and durable before the complex hears of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.client.agent.checking import EventCheck, event_of, read_event
from gateway.client.agent.disk import FULL, Disk
from gateway.client.agent.errors import SpoolFails, SpoolFull
from gateway.client.agent.model import Doubled, NewEvent, Taken, Told
from gateway.client.agent.spool import Spool
from gateway.client.agent.texts import told
from gateway.client.agent.writer import Writer

MOST_LINES = 1_000
"""How many lines an input hands over at once."""

Answer = Mapping[str, Any]
Clock = Callable[[], datetime]


class Taker:
    """Takes events for one complex; `on_taken` is told after each time that some were."""

    def __init__(
        self, writer: Writer, check: EventCheck, disk: Disk, clock: Clock, on_taken: Callable[[], None]
    ) -> None:
        self._writer = writer
        self._check = check
        self._disk = disk
        self._clock = clock
        self._on_taken = on_taken

    async def take(self, lines: Sequence[bytes], fallbacks: Sequence[UUID] | None = None) -> list[Answer]:
        """An answer for each line, in their order; the numbers in them are durable.

        `{"id", "sequence"}`, with `"repeated": true` for an event that was taken before, or `{"id", "findings"}`.
        `fallbacks` are the ids of lines that name none.
        """
        now = self._clock()
        read = [
            read_event(line, now, self._check, fallbacks[place] if fallbacks else None)
            for place, line in enumerate(lines)
        ]
        return await self._answers(read, now)

    async def record(self, content: Mapping[str, Any]) -> Answer:
        """The same for one event of the agent's own."""
        now = self._clock()
        return (await self._answers([event_of(content, now, self._check)], now))[0]

    async def _answers(self, read: Sequence[NewEvent | Sequence[Told]], now: datetime) -> list[Answer]:
        events = [item for item in read if isinstance(item, NewEvent)]
        outcomes = iter(await self._added(events, int(now.timestamp() * 1000)))
        return [_answer(item, next(outcomes)) if isinstance(item, NewEvent) else refusal(None, item) for item in read]

    async def _added(self, events: Sequence[NewEvent], at: int) -> Sequence[Taken | Doubled | Told]:
        if not events:
            return ()

        def add(spool: Spool) -> list[Taken | Doubled]:
            if self._disk.share(spool.used()) >= FULL:
                raise SpoolFull("the spool is full")
            return spool.add(events, at)

        try:
            taken = await self._writer.call(add)
        except SpoolFull:
            return [told("AGT-008")] * len(events)
        except SpoolFails:
            return [told("AGT-009")] * len(events)
        self._on_taken()
        return taken


def refusal(identifier: str | None, findings: Sequence[Told]) -> Answer:
    """The answer to an event that is not taken."""
    return {"id": identifier, "findings": [finding.facts() for finding in findings]}


def _answer(event: NewEvent, outcome: Taken | Doubled | Told) -> Answer:
    identifier = event.content["id"]
    if isinstance(outcome, Taken):
        again = {"repeated": True} if outcome.repeated else {}
        return {"id": identifier, "sequence": outcome.sequence, **again}
    finding = told("AGT-007", "id", identifier) if isinstance(outcome, Doubled) else outcome
    return refusal(identifier, [finding])
