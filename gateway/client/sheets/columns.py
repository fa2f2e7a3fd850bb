"""The columns of a family's sheet: headings in three languages, what their cells hold, and their lists of codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from codes.editions import Edition
from gateway.client.sheets.model import SheetRefused, SheetRow, cell_name
from gateway.client.sheets.values import ValueKind, ValueReader
from validators.catalogue import LANGUAGES, found
from validators.model import Finding


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the attribute that it gives, its names and notes by language, and the table of its list, if any."""

    attribute: str
    names: Mapping[str, str]
    notes: Mapping[str, str]
    kind: ValueKind
    table: str


@dataclass(frozen=True, slots=True, eq=False)
class SheetForm:
    """A family's sheet: its columns in their order, and the tables of its lists.

    The columns in `required` must be there, and the cells of those in `filled` in every line.
    """

    columns: tuple[Column, ...]
    required: frozenset[str]
    filled: frozenset[str]
    codes: Edition

    @classmethod
    def of(
        cls,
        codes: Edition,
        table: str,
        kinds: Mapping[str, ValueKind],
        lists: Mapping[str, str],
        *,
        required: frozenset[str],
        filled: frozenset[str],
    ) -> "SheetForm":
        """The sheet whose columns stand in that table; `lists` names the table of codes of an attribute."""
        columns = tuple(
            Column(
                entry.code,
                entry.names,
                MappingProxyType({language: entry.attributes[f"note_{language}"] for language in LANGUAGES}),
                kinds.get(entry.code, ValueKind.TEXT),
                lists.get(entry.code, ""),
            )
            for entry in codes.table(table)
        )
        return cls(columns, required, filled, codes)

    def headings(self, row: SheetRow, sheet: str) -> dict[int, Column]:
        """The columns by their number, as the row of headings names them, in any of the languages.

        Raises SheetRefused where a heading is unknown or stands twice, or a required one is missing.
        """
        known = {name.casefold(): column for column in self.columns for name in _names(column)}
        found_columns: dict[int, Column] = {}
        findings: list[Finding] = []
        for number, cell in row.cells.items():
            place = cell_name(sheet, number, row.number)
            column = known.get(cell.text.rstrip(" *").casefold())
            if column is None:
                findings.append(found("SHT-007", place, value=cell.text))
            elif column in found_columns.values():
                findings.append(found("SHT-008", place, value=cell.text))
            else:
                found_columns[number] = column
        missing = sorted(self.required - {column.attribute for column in found_columns.values()})
        if missing:
            findings.insert(
                0, found("SHT-006", cell_name(sheet, 1, row.number), parameters={"columns": ", ".join(missing)})
            )
        if findings:
            raise SheetRefused(findings)
        return found_columns

    def readers(self, *, delimiter: str = "", counts_from_1904: bool = False) -> dict[str, ValueReader]:
        """The readers of the cells by attribute."""
        return {
            column.attribute: ValueReader(column.kind, self._written(column.table), delimiter, counts_from_1904)
            for column in self.columns
        }

    def _written(self, table: str) -> Mapping[str, str]:
        """The codes of a list by what may be written for them: the code, or its name in any language."""
        if not table:
            return {}
        entries = self.codes.table(table)
        names = {name.upper(): entry.code for entry in entries for name in entry.names.values()}
        return {**names, **{entry.code.upper(): entry.code for entry in entries}}


def _names(column: Column) -> Sequence[str]:
    return (column.attribute, *column.names.values())
