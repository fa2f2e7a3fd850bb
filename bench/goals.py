"""The goals as data, and whether results meet them."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

GOALS = Path(__file__).with_name("goals.toml")


@dataclass(frozen=True, slots=True)
class Goal:
    """One bound on one figure, or on all whose name matches."""

    figure: str
    says: str
    ratio: float | None = None
    least: float | None = None
    most: float | None = None

    def met(self, figure: Mapping[str, Any]) -> bool:
        """Whether a figure of the results (`Figure.to_json`) is within the bound."""
        median, ratio = figure["gateway"]["median"], figure["ratio"]
        if self.ratio is not None:
            return ratio is not None and ratio >= self.ratio
        return (self.least is None or median >= self.least) and (self.most is None or median <= self.most)


@dataclass(frozen=True, slots=True)
class Held:
    """A goal and what was measured for it: every matching figure."""

    goal: Goal
    figures: Sequence[Mapping[str, Any]]

    @property
    def verdict(self) -> str:
        """`met`, `missed` or `not measured`."""
        if not self.figures:
            return "not measured"
        return "met" if all(self.goal.met(figure) for figure in self.figures) else "missed"


def load_goals(path: Path = GOALS) -> tuple[Goal, ...]:
    """The goals of a file, in its order."""
    return tuple(Goal(**each) for each in tomllib.loads(path.read_text(encoding="utf-8"))["goal"])


def held(results: Mapping[str, Any], goals: Sequence[Goal]) -> list[Held]:
    """Each goal with its figures."""
    figures = list(figures_of(results))
    return [Held(goal, [each for each in figures if fnmatchcase(each["name"], goal.figure)]) for goal in goals]


def figures_of(results: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All figures of a run's results, in the order of its measures."""
    for measure in results["measures"].values():
        yield from measure["figures"]
