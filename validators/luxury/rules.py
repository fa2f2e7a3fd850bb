"""The rules of the family over one operation, and how its operations are read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from codes.editions import Edition
from validators.attributes import CURRENCY, Given, ItemFlaw, coded, readers
from validators.faults import Flaw
from validators.luxury.items import LuxuryTables
from validators.luxury.unique_codes import CodeKind, CodeRefused, read_code
from validators.moments import is_day
from validators.operations.judging import DATE_FLAW, WHOLE, Grammar
from validators.operations.kinds import OperationKinds
from validators.operations.parties import Side

SERIES: Final = "luxury"
SELLER: Final = Side("Seller", "SellerKind", "SellerName")
BUYER: Final = Side("Buyer", "BuyerKind", "BuyerName")
IDENTIFIERS: Final[Mapping[str, str]] = {
    name: name.lower()
    for name in ("Vin", "Registration", "Hull", "Tail", "Cadastral", "Certificate", "Maker", "Serial")
}
"""The attributes that tell a thing, with the kinds of identifiers that they are."""

_CODES: Final[Mapping[str, CodeKind]] = {"ItemCode": CodeKind.ITEM, "OperationCode": CodeKind.OPERATION}
_CODED: Final[Mapping[str, str]] = {
    "Means": "luxury_means",
    "Condition": "luxury_conditions",
    "SellerKind": "luxury_party_kinds",
    "BuyerKind": "luxury_party_kinds",
}
_NOT_FOUND_AGAIN: Final = "LUX-004"


@dataclass(frozen=True, slots=True, eq=False)
class LuxuryRules:
    """What the family says of an operation: the thing, its codes, and that two people deal."""

    tables: LuxuryTables

    def flaws(self, given: Given, _kind: str, _day: date | None, _dealer_kind: str) -> Iterator[ItemFlaw]:
        """What is wrong with an operation."""
        for attribute, kind in _CODES.items():
            typed = given.get(attribute)
            if typed is not None and (flaw := _code_flaw(typed, kind)) is not None:
                yield attribute, flaw
        if "Class" in given:
            yield from self._thing(given)
        if "Seller" in given and given["Seller"] == given.get("Buyer"):
            yield "Buyer", Flaw("LUX-031")

    def _thing(self, given: Given) -> Iterator[ItemFlaw]:
        """The identifiers by the class; a thing whose code is told need not be told again."""
        told = {kind: given[name] for name, kind in IDENTIFIERS.items() if name in given}
        names = {kind: name for name, kind in IDENTIFIERS.items()}
        for finding in self.tables.read_item(given["Class"], told).findings:
            if finding.code != _NOT_FOUND_AGAIN or "ItemCode" not in given:
                yield names.get(finding.path, "Class"), Flaw(finding.code, finding.parameters)
        if "ItemCode" not in given:
            yield "ItemCode", Flaw("LUX-030")


def _code_flaw(typed: str, kind: CodeKind) -> Flaw | None:
    try:
        read_code(typed, kind)
    except CodeRefused as refused:
        return Flaw("LUX-007", {"fault": refused.fault.value})
    return None


def key_of(given: Given) -> str | None:
    """The key of an operation's record: the code of the thing in its one form; None where it has none."""
    typed = given.get("ItemCode")
    return read_code(typed).text if typed is not None else None


def luxury_grammar(codes: Edition) -> Grammar:
    """How the operations of the family are read and judged, with those tables."""
    kinds = OperationKinds.of(codes, codes.table("luxury_operations"), "luxury_operation_fields")
    checks = {attribute: coded(codes.table(table)) for attribute, table in _CODED.items()}
    checks |= {"Currency": CURRENCY, "Date": (is_day, DATE_FLAW)}
    read = MappingProxyType(readers(kinds.attributes, WHOLE, checks))
    return Grammar(SERIES, kinds, read, (SELLER, BUYER), LuxuryRules(LuxuryTables.of(codes)), key_of)
