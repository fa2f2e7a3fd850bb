"""The rules of the family over one operation, and how its operations are read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from codes.editions import CodeBook, Edition
from validators.attributes import COUNTRY, CURRENCY, Given, ItemFlaw, coded, readers
from validators.faults import Flaw
from validators.moments import is_day
from validators.operations.judging import DATE_FLAW, WHOLE, Grammar
from validators.operations.kinds import OperationKinds
from validators.operations.money import price_in_tenge
from validators.operations.parties import WALK_IN, Side
from validators.operations.thresholds import Thresholds
from validators.precious_metals.articles import Articles, Tolerance
from validators.totals import hundredths

SERIES: Final = "metals"
PARTY: Final = Side("Party", "PartyKind", "PartyName", "Country")
_CODED: Final[Mapping[str, str]] = {
    "Article": "metals_articles",
    "Metal": "metals",
    "Fineness": "finenesses",
    "Stone": "stones",
    "PartyKind": "party_kinds",
}


@dataclass(frozen=True, slots=True, eq=False)
class MetalsRules:
    """What the family says of an operation: its article, and who may stay unidentified."""

    articles: Articles
    operations: Mapping[tuple[str, str], str]
    thresholds: Thresholds

    def flaws(self, given: Given, kind: str, day: date | None, dealer_kind: str) -> Iterator[ItemFlaw]:
        """What is wrong with an operation of that described kind on that day, by a dealer of that kind of entity."""
        if "Article" in given:
            yield from self.articles.flaws(given)
        if given.get("PartyKind") == WALK_IN and day is not None:
            yield from self._walk_in(given, self.operations.get((kind, dealer_kind), ""), day)

    def _walk_in(self, given: Given, operation: str, day: date) -> Iterator[ItemFlaw]:
        threshold = self.thresholds.of(operation, day)
        if threshold is not None and hundredths(price_in_tenge(given)) >= threshold:
            yield "PartyKind", Flaw("PMS-010", {"threshold": str(threshold // 100), "operation": operation})


def metals_grammar(codes: Edition, book: CodeBook, tolerance: Tolerance) -> Grammar:
    """How the operations of the family are read and judged, with those tables."""
    kinds = OperationKinds.of(codes, codes.table("metals_operations"), "metals_operation_fields")
    checks = {attribute: coded(codes.table(table)) for attribute, table in _CODED.items()}
    checks |= {"Currency": CURRENCY, "Country": COUNTRY, "Date": (is_day, DATE_FLAW)}
    operations = {entry.key: entry.attributes["operation_kind"] for entry in codes.table("operation_kinds_of")}
    rules = MetalsRules(
        Articles.of(codes, tolerance),
        MappingProxyType({(kind, entity): operation for (kind, entity), operation in operations.items()}),
        Thresholds(book),
    )
    return Grammar(SERIES, kinds, MappingProxyType(readers(kinds.attributes, WHOLE, checks)), (PARTY,), rules)
