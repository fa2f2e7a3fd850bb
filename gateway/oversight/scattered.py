"""The events of a large batch, taken from its parts in the order of their sequences and never held all at once.

First each part is surveyed: from which sequence to which it goes. Parts that lie beside each other are read one after
the other; where more of them overlap than are held at once, their events are sorted on disk, in runs that are merged.
So every part is read twice, in whatever order the events are.
"""

import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import IO, Any

import orjson

EVENTS = "fma.gaming.events.v1"
MOST = 4_096
"""How many events are held at once, or those of one part where it has more; each may become a ticket."""
_PIECE = 8_192
"""How much of each run is at hand while they are merged: of a batch of 8 000 000 events there are 2 000."""
_DIGITS = 19

Event = dict[str, Any]
Values = Iterable[tuple[str, bytes]]
"""Topic and value of each record in a part."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Parts that no other part overlaps, by their numbers: how many events are in them, and the last sequence."""

    parts: tuple[int, ...]
    events: int
    last: int


class Survey:
    """Where the events of a batch are: four numbers a part."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int, int, int]] = []

    def take(self, number: int, values: Values) -> None:
        """Takes note of the sequences in a part."""
        here = [event["sequence"] for event in events_in(values)]
        if here:
            self._spans.append((min(here), max(here), number, len(here)))

    @property
    def events(self) -> int:
        """How many there are."""
        return sum(count for *_, count in self._spans)

    def stretches(self, most: int) -> list[Stretch]:
        """The batch from its first sequence to its last, in stretches of up to `most` events where that can be."""
        found: list[Stretch] = []
        for first, last, number, count in sorted(self._spans):
            one = Stretch((number,), count, last)
            while found and found[-1].last >= first:
                one = _joined(found.pop(), one)
            found.append(one)
        return _gathered(found, most)


class Sorting:
    """Sorts events in a file, which is the caller's: runs of some thousand go in, one ascending row comes out."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._runs: list[tuple[int, int]] = []

    def add(self, events: Iterable[Event]) -> None:
        """Takes a run in: as many events as are held at once."""
        lines = sorted(b"%0*d%b\n" % (_DIGITS, event["sequence"], orjson.dumps(event)) for event in events)
        begin = self._file.tell()
        self._file.writelines(lines)
        self._runs.append((begin, self._file.tell()))

    def row(self) -> Iterator[Event]:
        """The events of all runs in ascending order; a piece of each run is at hand."""
        self._file.flush()
        for line in heapq.merge(*(self._lines(*run) for run in self._runs)):
            yield orjson.loads(memoryview(line)[_DIGITS:])

    def _lines(self, at: int, end: int) -> Iterator[bytes]:
        rest = b""
        while at < end:
            piece = os.pread(self._file.fileno(), min(_PIECE, end - at), at)
            at += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines


def events_in(values: Values) -> Iterator[Event]:
    """The events among these records."""
    return (orjson.loads(value)["item"] for topic, value in values if topic == EVENTS)


def in_order(events: Iterable[Event]) -> list[Event]:
    """Events by their sequences."""
    return sorted(events, key=itemgetter("sequence"))


def _joined(one: Stretch, other: Stretch) -> Stretch:
    return Stretch(one.parts + other.parts, one.events + other.events, max(one.last, other.last))


def _gathered(stretches: Sequence[Stretch], most: int) -> list[Stretch]:
    """Neighbours taken together, as far as they may be held at once."""
    gathered: list[Stretch] = []
    for one in stretches:
        fits = gathered and gathered[-1].events + one.events <= most
        gathered.append(_joined(gathered.pop(), one) if fits else one)
    return gathered
