"""The nouns of the benchmark: what was measured, of whom, and what it is held against."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MORE, LESS = "more", "less"


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity with all its repeats: the gateway's, and where there is a ceiling that of the bare program.

    `better` is MORE or LESS; `against` says what `bare` is. The ratio says how close the gateway is to the ceiling, 1
    being equal, whichever way is better; it is taken over the medians.
    """

    name: str
    unit: str
    gateway: tuple[float, ...]
    bare: tuple[float, ...] = ()
    better: str = MORE
    against: str = "bare libraries"

    @property
    def ratio(self) -> float | None:
        """Between the medians; None where there is no ceiling."""
        if not self.bare:
            return None
        return ratio_of(statistics.median(self.gateway), statistics.median(self.bare), self.better)

    def to_json(self) -> dict[str, Any]:
        """The figure as plain data."""
        return {
            "name": self.name,
            "unit": self.unit,
            "better": self.better,
            "gateway": spread(self.gateway),
            "against": self.against,
            "bare": spread(self.bare) if self.bare else None,
            "ratio": self.ratio,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a measure found: its figures, facts beside them, what was wrong, or why it was not made."""

    figures: tuple[Figure, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    skipped: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "figures": [figure.to_json() for figure in self.figures],
            "facts": dict(self.facts),
            "faults": list(self.faults),
            "skipped": self.skipped,
        }


def ratio_of(gateway: float, bare: float, better: str) -> float | None:
    """How close to the ceiling; None where nothing can be divided."""
    above, below = (gateway, bare) if better == MORE else (bare, gateway)
    return above / below if below else None


def spread(values: tuple[float, ...]) -> dict[str, Any]:
    """Median, lowest, highest, the half-range as a share of the median, and the values in the order of the repeats."""
    median = statistics.median(values)
    low, high = min(values), max(values)
    noise = (high - low) / 2 / abs(median) if median else 0.0
    return {"median": median, "low": low, "high": high, "noise": noise, "values": list(values)}
