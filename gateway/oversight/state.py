"""The working set: what must be known of the past to judge a run of entries, and what a run changed of it.

A run is given what `wanted` asks for; a set that was never emptied holds the whole past, and serves as well.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from gateway.oversight.facts import Amounts, Correction, DayReport, Figure, Mark, Reported
from gateway.oversight.identities import Packed
from gateway.oversight.intervals import Intervals, Piece
from gateway.oversight.things import Things
from gateway.oversight.tickets import TicketBook
from validators.gaming.model import Complex


class What(StrEnum):
    """What is numbered."""

    BATCH = "batch"
    EVENT = "event"


Absent = Intervals[UUID | None]
"""Numbers that did not come, below the highest that did; labelled with the ticket about them.

Without a ticket it is not known yet that they are missing: a batch that is missing itself may hold them.
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a complex has come, and when it was heard last; `clock_ms` is receipt minus the time it was made."""

    owner: str
    top_batch: int = 0
    top_event: int = 0
    received_batches: int = 0
    heard_at: datetime | None = None
    clock_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """An accepted batch: its place in the log, its hash, the one it names as the previous, and its events."""

    seq: int
    sha256: str
    previous: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Obligation:
    """Winnings of one player, or a dealer's operations with one party, by operation kind up to a day.

    An FM-1 is due from `threshold` on; amounts are in hundredths of a tenge. `events` are all that are summed, `own`
    those of the day itself. `matter` is the class of the things. `revision` is 0 while none was ever due.
    """

    id: UUID
    owner: str
    player: str
    day: date
    operation: str
    threshold: int
    deadline: datetime
    total: int = 0
    events: int = 0
    reported: int = 0
    overdue: bool = False
    revision: int = 0
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    own: int = 0
    matter: str = ""

    @property
    def due(self) -> bool:
        """Whether the threshold is reached by what happened on this day, and on the days that count with it."""
        return self.own > 0 and self.total >= self.threshold

    @property
    def open(self) -> bool:
        """Whether an FM-1 is due and not filed, or not for the whole sum."""
        return self.due and self.reported < self.total


class Marks:
    """The marks of one unit's meters by event sequence."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._marks = {mark.sequence: mark for mark in marks}
        self._order = sorted(self._marks)

    @property
    def sequences(self) -> tuple[int, ...]:
        """The sequences of all marks, ascending."""
        return tuple(self._order)

    def add(self, mark: Mark) -> bool:
        """Takes a mark in; False where there is one of this sequence."""
        if mark.sequence in self._marks:
            return False
        self._marks[mark.sequence] = mark
        insort(self._order, mark.sequence)
        return True

    def at(self, sequence: int) -> Mark:
        """The mark of this sequence."""
        return self._marks[sequence]

    def before(self, sequence: int) -> Mark | None:
        """The last mark below this sequence."""
        at = bisect_left(self._order, sequence)
        return self._marks[self._order[at - 1]] if at else None

    def after(self, sequence: int) -> Mark | None:
        """The first mark above this sequence."""
        at = bisect_left(self._order, sequence + 1)
        return self._marks[self._order[at]] if at < len(self._order) else None


UnitKey = tuple[str, str]
DayKey = tuple[str, date]
FigureOfDay = tuple[str, str, int]

Document = tuple[str, str]
"""The owner of an FM-1, and what identifies it through all of its versions."""


@dataclass(slots=True)
class Changes:
    """What a run changed beside tickets, absent numbers and things, which tell themselves.

    `slices` are the ids of what follows the beginning of a batch: complex, number, first sequence.
    """

    complexes: dict[str, Complex] = field(default_factory=dict)
    progress: set[str] = field(default_factory=set)
    batches: list[tuple[str, int, Filed, Packed]] = field(default_factory=list)
    slices: list[tuple[str, int, int, Packed]] = field(default_factory=list)
    repairs: list[tuple[str, int, str]] = field(default_factory=list)
    marks: list[tuple[str, Mark]] = field(default_factory=list)
    moved: dict[tuple[str, str, int], Amounts] = field(default_factory=dict)
    settled: list[tuple[str, str, int, int]] = field(default_factory=list)
    figures: dict[tuple[str, date, str, str, int], Figure] = field(default_factory=dict)
    reports: dict[DayKey, DayReport] = field(default_factory=dict)
    waiting: dict[tuple[str, int], Correction] = field(default_factory=dict)
    decided: list[tuple[str, int]] = field(default_factory=list)
    notices: dict[Document, Reported | None] = field(default_factory=dict)
    obligations: dict[UUID, Obligation] = field(default_factory=dict)
    told: list[Obligation] = field(default_factory=list)


@dataclass(slots=True)
class Working:
    """The working set. `identities` are the ids of events that corrections name, None where there is no such event.

    `days` has the whole figures of the days of which a report is at hand or comes.
    """

    tickets: TicketBook
    complexes: dict[str, Complex] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    batches: dict[tuple[str, int], Filed] = field(default_factory=dict)
    repairs: set[tuple[str, int, str]] = field(default_factory=set)
    absent: dict[tuple[str, What], Absent] = field(default_factory=dict)
    marks: dict[UnitKey, Marks] = field(default_factory=dict)
    moved: dict[UnitKey, dict[int, Amounts]] = field(default_factory=dict)
    days: dict[DayKey, dict[FigureOfDay, Figure]] = field(default_factory=dict)
    reports: dict[DayKey, DayReport] = field(default_factory=dict)
    waiting: dict[str, dict[int, Correction]] = field(default_factory=dict)
    identities: dict[tuple[str, int], str | None] = field(default_factory=dict)
    notices: dict[Document, Reported | None] = field(default_factory=dict)
    obligations: dict[UUID, Obligation] = field(default_factory=dict)
    things: Things = field(default_factory=Things)
    changes: Changes = field(default_factory=Changes)
    _loaded: dict[tuple[str, What], frozenset[Piece[UUID | None]]] = field(default_factory=dict)

    def absent_of(self, complex_id: str, what: What) -> Absent:
        """The absent numbers of a complex that are at hand."""
        return self.absent.setdefault((complex_id, what), Intervals())

    def load_absent(self, found: Mapping[tuple[str, What], list[Piece[UUID | None]]]) -> None:
        """Takes absent numbers in as they are kept."""
        for key, pieces in found.items():
            self._loaded[key] = frozenset(pieces)
            self.absent[key] = Intervals(pieces)

    def absent_changes(self) -> tuple[list[tuple[str, What, Piece[UUID | None]]], ...]:
        """The pieces that are gone, and those that are new, since they were loaded."""
        gone, new = [], []
        for key, intervals in self.absent.items():
            before, now = self._loaded.get(key, frozenset()), frozenset(intervals)
            gone += [(*key, piece) for piece in sorted(before - now)]
            new += [(*key, piece) for piece in sorted(now - before)]
        return gone, new
