"""The events of a large batch, taken from its parts in the order of their sequences and never held all at once.

First each part is surveyed: which sequences are in it. Then the events are taken, WINDOW at a time. So a part is read
twice where the batch is in order, and once more for each further window that it touches where it is not.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

EVENTS = "fma.gaming.events.v1"
WINDOW = 16_384
"""How many events are at hand at once."""

Values = Iterable[tuple[str, bytes]]
"""Topic and value of each record in a part."""


def events_in(values: Values) -> Iterator[dict[str, Any]]:
    """The events among these records."""
    return (orjson.loads(value)["item"] for topic, value in values if topic == EVENTS)


@dataclass(frozen=True, slots=True)
class Window:
    """The sequences from `first` to `last`, and the numbers of the parts that may have some of them."""

    first: int
    last: int
    parts: tuple[int, ...]

    def events_in(self, values: Values) -> list[dict[str, Any]]:
        """Those events of a part that are in the window."""
        return [event for event in events_in(values) if self.first <= event["sequence"] <= self.last]


class Scattered:
    """Where the events of a batch are."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._spans: dict[int, tuple[int, int]] = {}
        self._found = array("q")

    def survey(self, number: int, values: Values) -> None:
        """Takes note of the sequences in a part."""
        here = array("q", [event["sequence"] for event in events_in(values)])
        if here:
            self._spans[number] = (min(here), max(here))
            self._found.extend(here)

    def sequences(self) -> Sequence[int]:
        """All sequences, ascending: 8 bytes each."""
        return array("q", sorted(self._found))

    def windows(self) -> Iterator[Window]:
        """What is to be read now, in this order; each sequence is in one window."""
        ordered, at = self.sequences(), 0
        while at < len(ordered):
            first, last = ordered[at], ordered[min(at + self._window, len(ordered)) - 1]
            touched = (number for number, (low, high) in self._spans.items() if low <= last and high >= first)
            yield Window(first, last, tuple(touched))
            at += self._window
            while at < len(ordered) and ordered[at] == last:
                at += 1
