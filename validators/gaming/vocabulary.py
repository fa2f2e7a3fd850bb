"""What the code tables say of kinds of events, prepared once an edition so that an event costs a few look-ups."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from codes.countries import is_country, is_currency
from codes.editions import Edition
from codes.tables import CodeTable
from validators.faults import Flaw
from validators.gaming.moments import is_day, is_moment

REPLACE: Final = "REPLACE"
CANCEL: Final = "CANCEL"
COMMON: Final = ("Sequence", "Id", "Kind", "Time", "Unit")
"""The attributes that every event has."""

PERSONAL: Final = frozenset({"Player", "PlayerKind", "BirthDate", "Document", "Country"})
_WHOLE: Final = frozenset(
    {"Sequence", "OriginalSequence", "Count", "CoinIn", "CoinOut", "Jackpots", "HandPays", "Drop", "Games"}
)
_COUNTRY_LENGTH: Final = 2
_CURRENCY_LENGTH: Final = 3
_is_country = lru_cache(maxsize=1_024)(is_country)
_is_currency = lru_cache(maxsize=1_024)(is_currency)

Check = Callable[[str], bool]


class Reader(NamedTuple):
    """How one attribute is read: its name in the content, its value, and which values are right."""

    name: str
    convert: Callable[[str], Any] | None
    check: Check | None
    flaw: Flaw | None


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
            _codes(edition.table("unit_kinds")),
        )


def _kind(edition: Edition, code: str, units: str) -> Kind:
    uses = {entry.key[1]: entry.attributes["use"] for entry in edition.table("event_fields").under(code)}
    return Kind(
        code=code,
        required=frozenset(name for name, use in uses.items() if use == "required"),
        allowed=frozenset((*COMMON, *uses)),
        units=frozenset(units.split()),
        outcomes=frozenset(entry.key[1] for entry in edition.table("outcomes").under(code)),
        personal=not PERSONAL.isdisjoint(uses),
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
        "Means": (_codes(edition.table("means")).__contains__, Flaw("COD-001", {"table": "means"})),
        "PlayerKind": (_codes(edition.table("player_kinds")).__contains__, Flaw("COD-001", {"table": "player_kinds"})),
        "Currency": (_has_currency, Flaw("COD-006")),
        "Country": (_has_country, Flaw("COD-005")),
        "BirthDate": (is_day, Flaw("GAM-031")),
        "From": (is_moment, Flaw("GAM-031")),
        "To": (is_moment, Flaw("GAM-031")),
    }
    names = {name for kind in kinds.values() for name in kind.allowed}
    return {
        name: Reader(snake(name), int if name in _WHOLE else None, *checks.get(name, (None, None))) for name in names
    }


def snake(name: str) -> str:
    """An attribute's name as the content has it: `OriginalSequence` becomes `original_sequence`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _codes(table: CodeTable) -> frozenset[str]:
    return frozenset(entry.code for entry in table)


def _has_country(value: str) -> bool:
    return len(value) == _COUNTRY_LENGTH and _is_country(value)


def _has_currency(value: str) -> bool:
    return len(value) == _CURRENCY_LENGTH and _is_currency(value)
