"""What judging takes from data: the section `judging` of `validators/data/gaming/<edition>.toml`."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from validators.envelope import SenderKinds


@dataclass(frozen=True, slots=True)
class Parameters:
    """The spans, bounds and lists that the rules of one edition speak of."""

    future_hours: int
    skew_seconds: int
    earliest: date
    minimum_age: int
    maximum_events: int
    maximum_events_large: int
    maximum_listed: int
    kinds: SenderKinds


def read_parameters(file: Path) -> Parameters:
    """The parameters in one TOML file; raises `KeyError` when something is missing. Other sections are others' own."""
    judging = tomllib.loads(file.read_text("utf-8"))["judging"]
    return Parameters(
        future_hours=judging["future_hours"],
        skew_seconds=judging["skew_seconds"],
        earliest=judging["earliest"],
        minimum_age=judging["minimum_age"],
        maximum_events=judging["maximum_events"],
        maximum_events_large=judging["maximum_events_large"],
        maximum_listed=judging["maximum_listed"],
        kinds=SenderKinds(frozenset(judging["complex_kinds"]), "GAM-008"),
    )
