"""Which dealers report for every month, and until when: the section `silence` of the family's parameters."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from validators.operations.parameters import read_sections
from validators.profiles import ProfileBook

FAMILY: Final = "precious-metals"


@dataclass(frozen=True, slots=True)
class SilenceRules:
    """The kinds of entities that report for every month, and the day of the next month by which they do."""

    kinds: frozenset[str]
    due_day: int

    def due(self, last: date) -> date:
        """The last day on which a report of the month that ends on that day is in time."""
        return last + timedelta(days=self.due_day)


def silence_rules(day: date) -> SilenceRules:
    """The rules of the edition that is in force on that day."""
    return _rules(ProfileBook.load().family(FAMILY).on(day)[0].edition)


@cache
def _rules(edition: str) -> SilenceRules:
    file = files("validators").joinpath(f"data/{FAMILY}/{edition}.toml")
    silence = read_sections(Path(str(file)))["silence"]
    return SilenceRules(frozenset(silence["kinds"]), silence["due_day"])
