"""What the rules of FM-1 take from data: `validators/data/fm1/<edition>.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

NEXT_WORKING_DAY = "next-working-day"


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when a message is filed, where `field` (an element of `MessageInformation`) has `value`.

    It counts from the date in `start`; `hours` counts from the end of that day, None means the end of the next
    working day. `rule` names it in the catalogue's terms.
    """

    rule: str
    field: str
    value: str
    start: str
    hours: int | None


@dataclass(frozen=True, slots=True)
class Parameters:
    """The values, lists and spans that the rules of one edition speak of."""

    threshold_reason: str
    suspicious_reason: str
    list_match_reason: str
    not_carried_out: str
    referring_documents: frozenset[str]
    branches: Mapping[str, str]
    future_hours: int
    offshore_operations: frozenset[str]
    property_operations: frozenset[str]
    things: Mapping[str, str]
    code_fields: tuple[str, ...]
    deadlines: tuple[Deadline, ...]


def read_parameters(file: Traversable) -> Parameters:
    """The parameters in one TOML file; raises `KeyError` or `ValueError` when something is missing or misspelt."""
    data = tomllib.loads(file.read_text("utf-8"))
    return Parameters(
        threshold_reason=data["reasons"]["threshold"],
        suspicious_reason=data["reasons"]["suspicious"],
        list_match_reason=data["reasons"]["list_match"],
        not_carried_out=data["statuses"]["not_carried_out"],
        referring_documents=frozenset(data["documents"]["referring"]),
        branches=MappingProxyType(dict(data["branches"])),
        future_hours=data["future"]["hours"],
        offshore_operations=frozenset(data["offshore"]["operations"]),
        property_operations=frozenset(data["property"]["operations"]),
        things=MappingProxyType(dict(data["luxury"]["things"])),
        code_fields=tuple(data["luxury"]["code_fields"]),
        deadlines=tuple(_deadline(raw) for raw in data["deadlines"]),
    )


def _deadline(raw: Mapping[str, Any]) -> Deadline:
    until = raw["until"]
    if until != NEXT_WORKING_DAY and not isinstance(until, int):
        raise ValueError(f"a deadline ends {NEXT_WORKING_DAY!r} or after a number of hours, not {until!r}")
    hours = until if isinstance(until, int) else None
    return Deadline(raw["rule"], raw["field"], raw["value"], raw["from"], hours)
