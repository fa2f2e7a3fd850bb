"""What oversight takes from data: deadlines, tolerances, meters, and which winnings fall under which operation kind."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from codes.editions import CodeBook, load_codebook

EDITION = "2026-01-01"
CODES = f"gaming-{EDITION}"


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
class WinningsRules:
    """The operation kind of winnings by kind of event, entity kind and means; thresholds in hundredths of a tenge."""

    book: CodeBook
    kinds: frozenset[str] = field(init=False)
    operations: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        table = self.book.edition(CODES).table("winnings")
        object.__setattr__(self, "kinds", frozenset(entry.key[0] for entry in table))
        object.__setattr__(self, "operations", frozenset(entry.attributes["operation_kind"] for entry in table))

    def operation(self, event_kind: str, entity_kind: str, means: str, on: date) -> str | None:
        """The operation kind, None where such a payment is none."""
        entry = self.book.edition(CODES).table("winnings").get((event_kind, entity_kind, means), on)
        return None if entry is None else entry.attributes["operation_kind"]

    def threshold(self, operation: str, on: date) -> int | None:
        """From which sum on an FM-1 is due, None where the operation has no threshold."""
        entry = self.book.on(on).table("operation_kinds").get(operation, on)
        stated = "" if entry is None else entry.attributes["threshold_tenge"]
        return int(stated) * 100 if stated else None


@cache
def parameters() -> Parameters:
    """The parameters of the gaming family."""
    return _read(tomllib.loads(files("validators").joinpath(f"data/gaming/{EDITION}.toml").read_text("utf-8")))


@lru_cache(maxsize=1)
def winnings_rules() -> WinningsRules:
    """The rules from the code tables."""
    return WinningsRules(load_codebook())


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
