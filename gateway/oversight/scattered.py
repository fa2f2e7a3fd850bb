"""The events of a large batch, read from its parts in the order of their sequences and never held all at once.

First it is read in which parts which sequences are, then the events, WINDOW at a time. So a part is read twice where
the batch is in order, and once more for each further window that it touches where it is not.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import orjson

from gateway.model import Part

EVENTS = "fma.gaming.events.v1"
WINDOW = 16_384
"""How many events are at hand at once."""

ReadPart = Callable[[int], Awaitable[Sequence[tuple[str, bytes]]]]
"""Topic and value of each record in a part, by its number."""


def events_in(values: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, Any]]:
    """The events among these records."""
    return (orjson.loads(value)["item"] for topic, value in values if topic == EVENTS)


class Scattered:
    """The events in these parts, in whatever order they stand there."""

    def __init__(self, parts: Sequence[Part], read: ReadPart, window: int = WINDOW) -> None:
        self._read = read
        self._count = len(parts)
        self._window = window
        self._spans: dict[int, tuple[int, int]] = {}

    async def sequences(self) -> Sequence[int]:
        """The sequences of all events, ascending: 8 bytes each."""
        found = array("q")
        for number in range(self._count):
            here = await asyncio.to_thread(_sequences, await self._read(number))
            if here:
                self._spans[number] = (min(here), max(here))
                found.extend(here)
        return array("q", sorted(found))

    async def windows(self, sequences: Sequence[int]) -> AsyncIterator[list[dict[str, Any]]]:
        """The events themselves, ascending, so many at a time; `sequences` are what is answered above."""
        at = 0
        while at < len(sequences):
            first, last = sequences[at], sequences[min(at + self._window, len(sequences)) - 1]
            events: list[dict[str, Any]] = []
            for number, (lowest, highest) in self._spans.items():
                if lowest <= last and highest >= first:
                    events += await asyncio.to_thread(_between, await self._read(number), first, last)
            yield sorted(events, key=itemgetter("sequence"))
            at += len(events)


def _sequences(values: Sequence[tuple[str, bytes]]) -> Sequence[int]:
    return array("q", [event["sequence"] for event in events_in(values)])


def _between(values: Sequence[tuple[str, bytes]], first: int, last: int) -> list[dict[str, Any]]:
    return [event for event in events_in(values) if first <= event["sequence"] <= last]
