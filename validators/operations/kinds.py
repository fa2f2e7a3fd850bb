"""Kinds of operations by code, with the attributes that an operation of each must and may have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from codes.editions import Edition
from codes.tables import CodeTable
from validators.attributes import Given, ItemFlaw, Uses
from validators.faults import Flaw

REPLACE: Final = "REPLACE"
WITHDRAW: Final = "WITHDRAW"
CORRECTIONS: Final = (REPLACE, WITHDRAW)
COMMON: Final = ("Sequence", "Id", "Kind", "Date")
"""The attributes that every operation has."""


@dataclass(frozen=True, slots=True, eq=False)
class OperationKinds:
    """The kinds of operations of a family; `replacements` are those of REPLACE by the kind that it describes."""

    table: str
    kinds: Mapping[str, Uses]
    replacements: Mapping[str, Uses]

    @classmethod
    def of(cls, edition: Edition, table: CodeTable, fields: str) -> "OperationKinds":
        """The kinds of that table, with their attributes from the table `fields`."""
        kinds = {entry.code: Uses.of(edition, fields, entry.code, COMMON) for entry in table}
        replace = kinds[REPLACE]
        described = {code: uses for code, uses in kinds.items() if code not in CORRECTIONS}
        replacements = {
            code: Uses(replace.required | uses.required, replace.allowed | uses.allowed)
            for code, uses in described.items()
        }
        return cls(table.name, MappingProxyType(kinds), MappingProxyType(replacements))

    @property
    def attributes(self) -> frozenset[str]:
        """Every attribute that some operation may have."""
        return frozenset(name for uses in self.kinds.values() for name in uses.allowed)

    def described(self, given: Given) -> str:
        """The kind of operation that an operation describes: of a replacement the kind that it puts in place."""
        return given.get("ReplacedKind", "") if given["Kind"] == REPLACE else given["Kind"]

    def flaws(self, given: Given) -> Iterator[ItemFlaw]:
        """What is wrong with the kind of an operation, and with which attributes it has."""
        kind = given["Kind"]
        uses = self.kinds.get(kind)
        unknown = Flaw("COD-001", {"table": self.table})
        if uses is None:
            yield "Kind", unknown
            return
        replaced = given.get("ReplacedKind") if kind == REPLACE else None
        if replaced is not None and replaced not in self.replacements:
            yield "ReplacedKind", Flaw("OPS-027") if replaced in self.kinds else unknown
            return
        if kind == REPLACE:
            uses = self.replacements[replaced] if replaced is not None else Uses(uses.required, self.attributes)
        yield from use_flaws(given, uses, ("OPS-020", "OPS-021"), {"kind": replaced or kind})


def use_flaws(given: Given, uses: Uses, codes: tuple[str, str], parameters: Mapping[str, str]) -> Iterator[ItemFlaw]:
    """The attributes that are missing, and those that should not be there, by the codes of the two findings."""
    missing, surplus = codes
    names = given.keys()
    if not uses.required <= names:
        yield from ((name, Flaw(missing, parameters)) for name in sorted(uses.required - names))
    if not names <= uses.allowed:
        yield from ((name, Flaw(surplus, parameters)) for name in names if name not in uses.allowed)
