"""What the code tables say of kinds of events, prepared once an edition so that an event costs a few look-ups."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from codes.editions import Edition
from validators.attributes import COUNTRY, CURRENCY, Check, Reader, Uses, coded, codes_of, readers
from validators.faults import Flaw
from validators.moments import is_day, is_moment

REPLACE: Final = "REPLACE"
CANCEL: Final = "CANCEL"
COMMON: Final = ("Sequence", "Id", "Kind", "Time", "Unit")
"""The attributes that every event has."""

PERSONAL: Final = frozenset({"Player", "PlayerKind", "BirthDate", "Document", "Country"})
_WHOLE: Final = frozenset(
    {"Sequence", "OriginalSequence", "Count", "CoinIn", "CoinOut", "Jackpots", "HandPays", "Drop", "Games"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of event: its attributes beside the common ones, where it may happen, and what may come of it.

    `outcomes` is empty where an outcome is not limited; `personal` says that it may name a player.
    """

    code: str
    required: frozenset[str]
    allowed: frozenset[str]
    units: frozenset[str]
    outcomes: frozenset[str]
    personal: bool


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Kinds of events by code, replacements by the kind that they describe, and readers by attribute."""

    kinds: Mapping[str, Kind]
    replacements: Mapping[str, Kind]
    readers: Mapping[str, Reader]
    unit_kinds: frozenset[str]

    @classmethod
    def of(cls, edition: Edition) -> "Vocabulary":
        """The vocabulary of an edition of the code tables."""
        kinds = {
            entry.code: _kind(edition, entry.code, entry.attributes["units"]) for entry in edition.table("event_kinds")
        }
        replace = kinds[REPLACE]
        described = (kind for code, kind in kinds.items() if code not in (REPLACE, CANCEL))
        return cls(
            MappingProxyType(kinds),
            MappingProxyType({kind.code: _replacement(replace, kind) for kind in described}),
            MappingProxyType(_readers(edition, kinds)),
            codes_of(edition.table("unit_kinds")),
        )


def _kind(edition: Edition, code: str, units: str) -> Kind:
    uses = Uses.of(edition, "event_fields", code, COMMON)
    return Kind(
        code=code,
        required=uses.required,
        allowed=uses.allowed,
        units=frozenset(units.split()),
        outcomes=frozenset(entry.key[1] for entry in edition.table("outcomes").under(code)),
        personal=not PERSONAL.isdisjoint(uses.allowed),
    )


def _replacement(replace: Kind, kind: Kind) -> Kind:
    """A REPLACE that describes an event of that kind: the attributes of both, the units of the kind."""
    return Kind(
        REPLACE,
        replace.required | kind.required,
        replace.allowed | kind.allowed,
        kind.units,
        kind.outcomes,
        kind.personal,
    )


def _readers(edition: Edition, kinds: Mapping[str, Kind]) -> dict[str, Reader]:
    checks: dict[str, tuple[Check, Flaw]] = {
        "Means": coded(edition.table("means")),
        "PlayerKind": coded(edition.table("player_kinds")),
        "Currency": CURRENCY,
        "Country": COUNTRY,
        "BirthDate": (is_day, Flaw("GAM-031")),
        "From": (is_moment, Flaw("GAM-031")),
        "To": (is_moment, Flaw("GAM-031")),
    }
    return readers({name for kind in kinds.values() for name in kind.allowed}, _WHOLE, checks)
