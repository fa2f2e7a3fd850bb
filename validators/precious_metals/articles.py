"""What is sold or bought: which attributes describe an article, its fineness, and mass by fineness."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from codes.editions import Edition
from validators.attributes import Given, ItemFlaw, Uses
from validators.faults import Flaw
from validators.operations.kinds import use_flaws

OTHER: Final = "OTHER"
_THOUSAND: Final = Decimal(1000)
_PLACES: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much pure mass may differ from mass by fineness: in grams, and in parts in a thousand of itself."""

    grams: Decimal
    thousandths: Decimal

    def allows(self, told: Decimal, expected: Decimal) -> bool:
        """Whether the difference is within either."""
        return abs(told - expected) <= max(self.grams, expected * self.thousandths / _THOUSAND)


@dataclass(frozen=True, slots=True, eq=False)
class Articles:
    """The kinds of articles with their attributes, and the metals that are usually of each fineness."""

    uses: Mapping[str, Uses]
    described_by: frozenset[str]
    metals_of: Mapping[str, frozenset[str]]
    tolerance: Tolerance

    @classmethod
    def of(cls, edition: Edition, tolerance: Tolerance) -> "Articles":
        """The articles of an edition of the code tables."""
        uses = {
            entry.code: Uses.of(edition, "metals_article_fields", entry.code)
            for entry in edition.table("metals_articles")
        }
        metals = {entry.code: frozenset(entry.attributes["metals"].split()) for entry in edition.table("finenesses")}
        described_by = frozenset(name for each in uses.values() for name in each.allowed)
        return cls(MappingProxyType(uses), described_by, MappingProxyType(metals), tolerance)

    def flaws(self, given: Given) -> Iterator[ItemFlaw]:
        """What is wrong with the article of an operation; an unknown kind of article is told as a code."""
        article = given.get("Article", "")
        uses = self.uses.get(article)
        if uses is not None:
            described = {name: value for name, value in given.items() if name in self.described_by}
            yield from use_flaws(described, uses, ("PMS-012", "PMS-013"), {"article": article})
        yield from self._fineness(given)
        yield from self._pure_mass(given)

    def _fineness(self, given: Given) -> Iterator[ItemFlaw]:
        metal, usual = given.get("Metal", OTHER), self.metals_of.get(given.get("Fineness", ""))
        if usual is not None and metal != OTHER and metal not in usual:
            others = ", ".join(code for code, metals in self.metals_of.items() if metal in metals)
            if others:
                yield "Fineness", Flaw("PMS-014", {"metal": metal, "usual": others})

    def _pure_mass(self, given: Given) -> Iterator[ItemFlaw]:
        fineness = given.get("Fineness", "")
        if fineness not in self.metals_of or not {"Grams", "PureGrams"} <= given.keys():
            return
        expected = Decimal(given["Grams"]) * Decimal(fineness) / _THOUSAND
        if not self.tolerance.allows(Decimal(given["PureGrams"]), expected):
            shown = {"expected": f"{expected.quantize(_PLACES)}", "grams": given["Grams"], "fineness": fineness}
            yield "PureGrams", Flaw("PMS-011", shown)
