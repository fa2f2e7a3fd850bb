"""What oversight takes from data: deadlines, tolerances, meters, and for what FM-1s are due."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from codes.editions import CodeBook, load_codebook
from codes.tables import CodeTable
from validators.luxury.items import LuxuryTables
from validators.operations.deals import LUXURY, METALS, Deal
from validators.operations.parameters import read_sections

EDITION = "2026-01-01"
CODES = f"gaming-{EDITION}"
_HOURS_A_DAY = 24
_MOST_REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter of a machine: its attribute, how far it may be off, and which attribute of which event moves it."""

    name: str
    tolerance: int
    events: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The numbers of `[oversight]`; `meters` in the order in which amounts are kept."""

    silence_factor: float
    differences_told: int
    forks_told: int
    ranges_told: int
    deadline_hours: Mapping[str, int]
    meters: tuple[Meter, ...]


@dataclass(frozen=True, slots=True)
class DueRules:
    """Which operation kind of an FM-1 something falls under, from which sum on, and over how many days it is summed.

    `kinds` are the kinds of events that may be winnings, `operations` all operation kinds that FM-1s may be due for.
    """

    book: CodeBook
    kinds: frozenset[str] = field(init=False)
    operations: frozenset[str] = field(init=False)
    _days: Mapping[str, int] = field(init=False)
    _luxuries: LuxuryTables = field(init=False)
    _matters: Mapping[str, Sequence[str]] = field(init=False)
    _thresholds: dict[tuple[str, str, date], int | None] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        winnings = self.book.edition(CODES).table("winnings")
        object.__setattr__(self, "kinds", frozenset(entry.key[0] for entry in winnings))
        windows = {family: _window_days(family) for family in (METALS, LUXURY)}
        days = dict.fromkeys((entry.attributes["operation_kind"] for entry in winnings), 1)
        days |= {entry.attributes["operation_kind"]: windows[METALS] for entry in self._metals("operation_kinds_of")}
        days |= {entry.code: windows[LUXURY] for entry in self._luxury("luxury_operation_kinds")}
        object.__setattr__(self, "_luxuries", LuxuryTables.of(self.book.edition(f"{LUXURY}-{EDITION}")))
        object.__setattr__(self, "operations", frozenset(days))
        object.__setattr__(self, "_days", days)
        classes = [entry.code for entry in self._luxury("luxury_classes")]
        object.__setattr__(self, "_matters", {entry.code: classes for entry in self._luxury("luxury_operation_kinds")})

    def operation(self, event_kind: str, entity_kind: str, means: str, on: date) -> str | None:
        """The operation kind of winnings, None where such a payment is none."""
        entry = self.book.edition(CODES).table("winnings").get((event_kind, entity_kind, means), on)
        return None if entry is None else entry.attributes["operation_kind"]

    def operation_of(self, deal: Deal) -> str | None:
        """The operation kind of a dealer's operation, None where FM-1s know none."""
        if deal.id.family == METALS:
            entry = self._metals("operation_kinds_of").get((deal.kind, deal.filer_kind))
            return None if entry is None else entry.attributes["operation_kind"]
        kinds = self._luxury("luxury_operation_kinds")
        return next((entry.code for entry in kinds if entry.attributes["kind"] == deal.kind), None)

    def matters_of(self, operation: str) -> Sequence[str]:
        """The classes of things that an FM-1 of that kind may be about, each with a threshold of its own."""
        return self._matters.get(operation, ("",))

    def days(self, operation: str) -> int:
        """Over how many days, the last of them included, operations of that kind are summed."""
        return self._days[operation]

    def threshold(self, operation: str, matter: str, on: date) -> int | None:
        """From which sum on an FM-1 is due, None where there is no threshold; remembered for a while."""
        asked = (operation, matter, on)
        if asked not in self._thresholds:
            if len(self._thresholds) >= _MOST_REMEMBERED:
                self._thresholds.clear()
            self._thresholds[asked] = self._threshold(*asked)
        return self._thresholds[asked]

    def _threshold(self, operation: str, matter: str, on: date) -> int | None:
        if matter:
            tenge = self._luxuries.threshold(matter, on)
            return None if tenge is None else tenge * 100
        entry = self.book.on(on).table("operation_kinds").get(operation, on)
        stated = "" if entry is None else entry.attributes["threshold_tenge"]
        return int(stated) * 100 if stated else None

    def _metals(self, table: str) -> CodeTable:
        return self.book.edition(f"{METALS}-{EDITION}").table(table)

    def _luxury(self, table: str) -> CodeTable:
        return self.book.edition(f"{LUXURY}-{EDITION}").table(table)


@cache
def parameters() -> Parameters:
    """The parameters of the gaming family."""
    return _read(_sections("gaming"))


@lru_cache(maxsize=1)
def due_rules() -> DueRules:
    """The rules from the code tables."""
    return DueRules(load_codebook())


def _window_days(family: str) -> int:
    hours: int = _sections(family)["obligations"]["window_hours"]
    return math.ceil(hours / _HOURS_A_DAY)


def _sections(family: str) -> Mapping[str, Any]:
    return read_sections(Path(str(files("validators").joinpath(f"data/{family}/{EDITION}.toml"))))


def _read(data: Mapping[str, Any]) -> Parameters:
    told = data["oversight"]
    meters = tuple(Meter(name, meter["tolerance"], meter["events"]) for name, meter in told["meters"].items())
    return Parameters(
        silence_factor=told["silence_factor"],
        differences_told=told["differences_told"],
        forks_told=told["forks_told"],
        ranges_told=told["ranges_told"],
        deadline_hours=told["deadline_hours"],
        meters=meters,
    )
