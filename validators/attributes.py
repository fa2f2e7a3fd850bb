"""How the attributes of an item are read: their names in its content, which values are right, which it must have."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from codes.countries import is_country, is_currency
from codes.editions import Edition
from codes.tables import CodeTable
from validators.faults import Flaw

_COUNTRY_LENGTH: Final = 2
_CURRENCY_LENGTH: Final = 3
_is_country = lru_cache(maxsize=1_024)(is_country)
_is_currency = lru_cache(maxsize=1_024)(is_currency)

Given = Mapping[str, str]
"""The attributes of an item as they were sent."""

Check = Callable[[str], bool]
ItemFlaw = tuple[str, Flaw]
"""What is wrong with an item, and the attribute that it is told at (empty: the item as a whole)."""


class Reader(NamedTuple):
    """How one attribute is read: its name in the content, its value, and which values are right."""

    name: str
    convert: Callable[[str], Any] | None
    check: Check | None
    flaw: Flaw | None


class Uses(NamedTuple):
    """Which attributes an item of one kind must have, and which it may have."""

    required: frozenset[str]
    allowed: frozenset[str]

    @classmethod
    def of(cls, edition: Edition, table: str, code: str, common: Iterable[str] = ()) -> "Uses":
        """What the table says of the code (attribute and `use`), beside the attributes that are common to all."""
        uses = {entry.key[1]: entry.attributes["use"] for entry in edition.table(table).under(code)}
        required = frozenset(name for name, use in uses.items() if use == "required")
        return cls(required, frozenset((*common, *uses)))


def readers(names: Iterable[str], whole: frozenset[str], checks: Mapping[str, tuple[Check, Flaw]]) -> dict[str, Reader]:
    """The reader of each attribute; those in `whole` are read as whole numbers."""
    return {
        name: Reader(snake(name), int if name in whole else None, *checks.get(name, (None, None))) for name in names
    }


def read_item(given: Given, known: Mapping[str, Reader]) -> tuple[dict[str, Any], list[ItemFlaw]]:
    """The content of an item that the schema accepts, and which values are wrong by themselves."""
    told: list[ItemFlaw] = []
    content: dict[str, Any] = {}
    for attribute, value in given.items():
        name, convert, check, flaw = known[attribute]
        content[name] = value if convert is None else convert(value)
        if check is not None and flaw is not None and not check(value):
            told.append((attribute, flaw))
    return content, told


def snake(name: str) -> str:
    """An attribute's name as the content has it: `OriginalSequence` becomes `original_sequence`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def codes_of(table: CodeTable) -> frozenset[str]:
    """The codes of a table."""
    return frozenset(entry.code for entry in table)


def coded(table: CodeTable) -> tuple[Check, Flaw]:
    """The check that a value is a code of that table, which is complete."""
    return codes_of(table).__contains__, Flaw("COD-001", {"table": table.name})


def has_country(value: str) -> bool:
    """Whether it is a country of ISO 3166-1 alpha-2."""
    return len(value) == _COUNTRY_LENGTH and _is_country(value)


def has_currency(value: str) -> bool:
    """Whether it is a currency of ISO 4217, numeric."""
    return len(value) == _CURRENCY_LENGTH and _is_currency(value)


COUNTRY: Final[tuple[Check, Flaw]] = (has_country, Flaw("COD-005"))
CURRENCY: Final[tuple[Check, Flaw]] = (has_currency, Flaw("COD-006"))
