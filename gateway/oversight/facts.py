"""What entries of the log say, as far as oversight cares: one fact an entry, or a few thousand items of one; frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gateway.oversight.identities import Packed
from validators.operations.deals import Deal

FigureKey = tuple[date, str, str, int]
"""The local day, unit, kind of event and local hour that a figure is for."""

PaymentKey = tuple[str, str, str, date]
"""The kind of event, the means, the player and the local day of winnings that were paid."""

Amounts = tuple[int, ...]
"""One number a meter, in the order of the parameters."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from: the place in the log, its receipt, its moment (UTC).

    `step` tells apart what is said by one entry in several facts.
    """

    ledger: int
    seq: int
    receipt: str
    at: datetime
    step: int = 0

    @property
    def name(self) -> str:
        """Its name, unique in its ledger."""
        return f"{self.ledger}/{self.seq}/{self.step}" if self.step else f"{self.ledger}/{self.seq}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A snapshot of a unit's meters by event sequence; None for what sets them back (roll-over, RAM clear)."""

    unit: str
    sequence: int
    meters: Amounts | None


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much the events of a unit from `sequence` on moved its meters, in hundredths; no mark is between them."""

    unit: str
    sequence: int
    sums: Amounts


@dataclass(frozen=True, slots=True)
class Correction:
    """An event that replaces or cancels another one."""

    sequence: int
    original: str
    original_sequence: int


@dataclass(frozen=True, slots=True)
class Figure:
    """How many events there were, and the sum of their amounts in hundredths."""

    count: int
    amount: int

    def plus(self, other: "Figure") -> "Figure":
        """Both together."""
        return Figure(self.count + other.count, self.amount + other.amount)


NOTHING_COUNTED = Figure(0, 0)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the accepted events of a batch come to; `identities` are their ids."""

    figures: Mapping[FigureKey, Figure]
    payments: Mapping[PaymentKey, Figure]
    marks: Sequence[Mark]
    moved: Sequence[Moved]
    corrections: Sequence[Correction]
    software: Sequence[tuple[int, str, str]]
    identities: Packed = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """An accepted batch, or those of its events that lie from `first` to `last`, where `whole` reaches further.

    `arrived` are the runs of event sequences that came from `first` to `last`, refused ones too. The facts of one
    batch follow one another without a hole, and with no other fact between them.
    """

    origin: Origin
    complex: str
    owner: str
    number: int
    sha256: str
    previous: str
    first: int
    last: int
    made_at: datetime
    arrived: Sequence[tuple[int, int]]
    tally: Tally
    whole: tuple[int, int]

    @property
    def begins(self) -> bool:
        """Whether the batch begins here."""
        return self.first == self.whole[0]

    @property
    def ends(self) -> bool:
        """Whether the batch ends here."""
        return self.last == self.whole[1]


@dataclass(frozen=True, slots=True)
class Fork:
    """A second batch under a number that was taken, kept by the log as a refused message."""

    origin: Origin
    complex: str
    owner: str
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DayReport:
    """An accepted EndOfDay."""

    origin: Origin
    complex: str
    owner: str
    day: date
    last_event: int
    figures: Mapping[tuple[str, str, int], Figure]


@dataclass(frozen=True, slots=True)
class Repair:
    """An accepted ChainRepair; `previous` is empty for a fork."""

    origin: Origin
    complex: str
    owner: str
    number: int
    repairs: str
    previous: str


@dataclass(frozen=True, slots=True)
class Registration:
    """An accepted ComplexRegistration; `content` is that element's plain data."""

    origin: Origin
    complex: str
    owner: str
    action: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reported:
    """What an FM-1 says of winnings: who took part, on which local day, and the amount in hundredths of a tenge."""

    operation: str
    day: date
    amount: int
    players: frozenset[str]


@dataclass(frozen=True, slots=True)
class Notice:
    """An accepted FM-1. A later one of the same document stands in for it; `reported` is None where it is not about
    winnings.
    """

    origin: Origin
    owner: str
    document: str
    reported: Reported | None


@dataclass(frozen=True, slots=True)
class Dealings:
    """An accepted report of a dealer: its operations that were accepted."""

    origin: Origin
    owner: str
    deals: tuple[Deal, ...]


OfComplex = Batch | Fork | DayReport | Repair | Registration
Fact = OfComplex | Notice | Dealings
