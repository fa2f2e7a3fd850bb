"""The nouns of the gaming family that judging, oversight and the intake share."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

NO_BATCH = "0" * 64
"""What the first batch of a complex names as the hash of the one before it."""


class ComplexState(StrEnum):
    """Whether a complex may file."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Complex:
    """A hardware and software complex as its owner registered it last.

    `kind` is a code of `reporting_entity_kinds` (092-096), `premises` a KATO code, `units` maps a unit's identifier to
    its code of `unit_kinds`, `software` holds lower-case hex SHA-256 digests, `certificate` the one (hex SHA-256 of its
    DER) that may sign the batches, None where each enrolled certificate of the owner may. `revision` grows with every
    change: the same identifier and revision are the same complex in the same state.
    """

    id: str
    owner: str
    state: ComplexState
    kind: str
    name: str
    premises: str
    heartbeat_seconds: int
    certificate: str | None
    units: Mapping[str, str]
    software: frozenset[str]
    revision: int = 0
