"""Things by their class: the identifiers it demands, what makes a thing the same, from which price it counts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Self

from codes.editions import Edition, load_codebook
from codes.tables import CodeTable
from validators.catalogue import found
from validators.luxury.identifiers import Identifier, IdentifierReader
from validators.model import Finding, Severity

FAMILY = "luxury"
_BESIDE = "0"
"""The rank of an identifier that is only told beside others: it may pass to another thing."""


@dataclass(frozen=True, slots=True)
class ItemReading:
    """A thing as somebody described it: the identifiers that make it the same, those told beside, and the findings."""

    item_class: str
    identity: tuple[Identifier, ...]
    beside: tuple[Identifier, ...]
    findings: tuple[Finding, ...]

    @property
    def stands(self) -> bool:
        """True when nothing but warnings was found."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    @property
    def digest(self) -> bytes:
        """The SHA-256 by which the thing is found again: over its class and identity, each text behind a zero byte."""
        named = (self.item_class, *(text for one in self.identity for text in (one.kind, one.value)))
        return hashlib.sha256(b"".join(b"\x00" + text.encode() for text in named)).digest()

    @property
    def values(self) -> Mapping[str, str]:
        """Every identifier in its one form by its kind."""
        return {one.kind: one.value for one in (*self.identity, *self.beside)}


@dataclass(frozen=True, slots=True)
class LuxuryTables:
    """The code tables of the luxury family in one edition.

    `ranks` has for each class the rank of each identifier that a thing of it may have.
    """

    edition: Edition
    classes: CodeTable
    mrp: CodeTable
    ranks: Mapping[str, Mapping[str, str]]
    reader: IdentifierReader

    @classmethod
    def of(cls, edition: Edition) -> Self:
        """The tables of that edition."""
        table = edition.table
        return cls(
            edition,
            table("luxury_classes"),
            table("mrp"),
            _ranks(table("luxury_classes"), table("luxury_identifiers")),
            IdentifierReader(table("vin_regions")),
        )

    def name_of(self, table: str, code: str, lang: str) -> str:
        """The name of a code of one of the family's tables in kk, ru or en; the code itself where it has none."""
        entry = self.edition.table(table).get(code)
        return code if entry is None else entry.names[lang]

    def threshold(self, item_class: str, on: date) -> int | None:
        """From which price, in tenge, a thing of the class counts as a luxury on that day.

        None where the class is unknown, or no monthly index is known for the day.
        """
        entry = self.classes.get(item_class, on)
        if entry is None:
            return None
        if tenge := self.classes.value(entry, "threshold_tenge"):
            return int(tenge)
        index = self.mrp.get("MRP", on)
        return (
            None
            if index is None
            else int(self.classes.value(entry, "threshold_mrp")) * int(self.mrp.value(index, "tenge"))
        )

    def read_item(self, item_class: str, given: Mapping[str, str]) -> ItemReading:
        """The thing that these identifiers describe, with every finding.

        Of the sets of identifiers that make a thing of the class the same, the first that is given whole counts.
        """
        if self.classes.get(item_class) is None:
            return ItemReading(item_class, (), (), (found("LUX-001", "class", value=item_class),))
        ranks = self.ranks[item_class]
        foreign = tuple(found("LUX-002", kind, value=kind) for kind in given if kind not in ranks)
        read = {kind: self.reader.read(kind, typed) for kind, typed in given.items() if kind in ranks}
        identity = _identity(ranks, read)
        missing = () if identity else (found("LUX-004", "", parameters={"wanted": _wanted(ranks)}),)
        counted = {one.kind for one in identity}
        beside = tuple(one for one in read.values() if one.kind not in counted)
        findings = (*foreign, *(each for one in read.values() for each in one.findings), *missing)
        return ItemReading(item_class, identity, beside, findings)


def _ranks(classes: CodeTable, identifiers: CodeTable) -> dict[str, dict[str, str]]:
    return {
        entry.code: {row.key[1]: identifiers.value(row, "rank") for row in identifiers.under(entry.code)}
        for entry in classes
    }


def _identity(ranks: Mapping[str, str], read: Mapping[str, Identifier]) -> tuple[Identifier, ...]:
    for kinds in _sets(ranks):
        if all(kind in read for kind in kinds):
            return tuple(read[kind] for kind in kinds)
    return ()


def _wanted(ranks: Mapping[str, str]) -> str:
    return " / ".join(" + ".join(kinds) for kinds in _sets(ranks))


def _sets(ranks: Mapping[str, str]) -> list[list[str]]:
    """The sets of kinds that make a thing the same, the one that counts first first."""
    used = sorted(set(ranks.values()) - {_BESIDE})
    return [sorted(kind for kind, rank in ranks.items() if rank == each) for each in used]


@cache
def luxury_tables(on: date) -> LuxuryTables:
    """The family's tables in the edition of that day, of the project's own editions."""
    return LuxuryTables.of(load_codebook().on(on, FAMILY))
