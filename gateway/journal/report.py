"""What a verification of the log found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

BREAKS_KEPT = 100


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that is not as it was sealed.

    `what` is `missing`, `extra`, `receipt`, `body`, `records`, `entry` (stored bytes differ from the leaf, and no one
    column shows why), `leaf`, `chain`, `head`, `storage` (PostgreSQL itself cannot read on), the name of a column of
    the log that contradicts the sealed receipt, `filing`, `checkpoint`, `cosignature` (kept and
    not true, or of another history), `witness` (the history is not the one that its own memory holds) or `timestamp`.
    """

    ledger: int
    seq: int
    what: str
    detail: str
    receipt_id: UUID | None = None

    def __str__(self) -> str:
        receipt = f", receipt {self.receipt_id}" if self.receipt_id else ""
        return f"ledger {self.ledger}, entry {self.seq}{receipt}: {self.what}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Report:
    """How much was checked, how many breaks were found, and the first of them in the order of the log.

    `witnessed` is the furthest entry of each ledger that a witness is known to have seen, `stamped` the furthest that a
    time stamp covers, and its moment. `undetermined` counts seals of compromised keys that neither a co-signature nor a
    time stamp from before the compromise covers; the first is a ledger and a `seq`.
    """

    ledgers: int
    entries: int
    filings: int
    checkpoints: int
    broken: int
    breaks: tuple[Break, ...]
    cosignatures: int = 0
    witnessed: Mapping[int, int] = field(default_factory=dict)
    undetermined: int = 0
    first_undetermined: tuple[int, int] | None = None
    timestamps: int = 0
    stamped: Mapping[int, tuple[int, datetime]] = field(default_factory=dict)

    @property
    def intact(self) -> bool:
        """True when everything stands as it was sealed, and nothing is undetermined."""
        return self.broken == 0 and self.undetermined == 0

    @property
    def first(self) -> Break | None:
        """The first break."""
        return self.breaks[0] if self.breaks else None


Progress = Callable[[int, int, int], None]
"""Told the ledger, the `seq` reached, and how many entries the ledger has."""


@dataclass(slots=True)
class Tally:
    """A report in the making; it keeps the first BREAKS_KEPT breaks and counts the others."""

    ledgers: int = 0
    entries: int = 0
    filings: int = 0
    checkpoints: int = 0
    broken: int = 0
    breaks: list[Break] = field(default_factory=list)
    cosignatures: int = 0
    witnessed: dict[int, int] = field(default_factory=dict)
    undetermined: int = 0
    first_undetermined: tuple[int, int] | None = None
    timestamps: int = 0
    stamped: dict[int, tuple[int, datetime]] = field(default_factory=dict)

    def note(self, found: Break) -> None:
        """Counts a break."""
        self.broken += 1
        if len(self.breaks) < BREAKS_KEPT:
            self.breaks.append(found)

    def report(self) -> Report:
        """The finished report."""
        return Report(
            self.ledgers,
            self.entries,
            self.filings,
            self.checkpoints,
            self.broken,
            tuple(self.breaks),
            self.cosignatures,
            dict(self.witnessed),
            self.undetermined,
            self.first_undetermined,
            self.timestamps,
            dict(self.stamped),
        )
