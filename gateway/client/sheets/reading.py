"""A sheet as lines: the file is opened by its kind, headings are found, every cell is read or told as wrong."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gateway.client.sheets.archive import open_archive
from gateway.client.sheets.columns import Column, SheetForm
from gateway.client.sheets.delimited import delimited_rows
from gateway.client.sheets.model import LIMITS, SheetLimits, SheetRow, cell_name, column_letters, refused
from gateway.client.sheets.values import ValueReader
from gateway.client.sheets.workbook import read_workbook, shared_strings
from gateway.client.sheets.worksheet import Area, Worksheet, merged_areas
from validators.catalogue import found
from validators.faults import Flaw
from validators.model import Finding

WORKBOOK: Final = ".xlsx"
TEXTS: Final = (".csv", ".txt")
_WITH_MACROS: Final = (".xlsm", ".xltm", ".xlam", ".xlsb")


@dataclass(frozen=True, slots=True)
class Places:
    """The sheet's name, and the letters of the column of each attribute."""

    sheet: str
    letters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sheet: its row, its values by attribute, and what is wrong with its cells."""

    row: int
    values: Mapping[str, str]
    findings: tuple[Finding, ...]
    places: Places

    def place(self, attribute: str) -> str:
        """The cell of an attribute; the row where the sheet has no such column."""
        return f"{self.places.sheet}!{self.places.letters.get(attribute, '')}{self.row}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened sheet: its name as cells have it, and its rows."""

    name: str
    rows: Iterator[SheetRow]
    merged: tuple[Area, ...] = ()
    delimiter: str = ""
    counts_from_1904: bool = False

    def lines(self, form: SheetForm) -> Iterator[Line]:
        """Every line behind the headings; raises SheetRefused where the headings are not the form's."""
        head = next(self.rows, None)
        if head is None:
            raise refused("SHT-023", self.name)
        columns = form.headings(head, self.name)
        readers = form.readers(delimiter=self.delimiter, counts_from_1904=self.counts_from_1904)
        letters = {column.attribute: column_letters(number) for number, column in columns.items()}
        places = Places(self.name, letters)
        merged = _Merged(self.merged)
        empty = True
        for row in self.rows:
            empty = False
            findings = [
                found("SHT-011", cell_name(self.name, area.first_column, row.number), parameters={"area": area.name})
                for area in merged.at(row.number)
            ]
            line = _line(row, columns, readers, places, findings)
            yield replace(line, findings=(*line.findings, *_unfilled(line, form)))
        if empty:
            raise refused("SHT-023", self.name)


class _Merged:
    """The merged areas of a sheet, for rows that come in their order."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self._ahead = sorted(areas, key=lambda area: (area.first_row, area.first_column), reverse=True)
        self._here: list[Area] = []

    def at(self, row: int) -> list[Area]:
        """The areas that a row touches."""
        while self._ahead and self._ahead[-1].first_row <= row:
            self._here.append(self._ahead.pop())
        if self._here:
            self._here = [area for area in self._here if area.last_row >= row]
        return self._here


def _unfilled(line: Line, form: SheetForm) -> list[Finding]:
    told = {finding.path for finding in line.findings}
    places = (line.place(attribute) for attribute in sorted(form.filled - line.values.keys()))
    return [found("SHT-022", place) for place in places if place not in told]


def _line(
    row: SheetRow,
    columns: Mapping[int, Column],
    readers: Mapping[str, ValueReader],
    places: Places,
    findings: list[Finding],
) -> Line:
    values: dict[str, str] = {}
    for number, cell in row.cells.items():
        column = columns.get(number)
        told = readers[column.attribute].read(cell) if column is not None else Flaw("SHT-021")
        if isinstance(told, Flaw):
            place = cell_name(places.sheet, number, row.number)
            findings.append(found(told.code, place, value=cell.text, parameters=told.parameters))
        elif column is not None:
            values[column.attribute] = told
    return Line(row.number, values, tuple(findings), places)


@contextmanager
def open_sheet(path: Path, limits: SheetLimits = LIMITS) -> Iterator[Sheet]:
    """The sheet of a file by the ending of its name; raises SheetRefused for what can't be one.

    Of a workbook with several sheets it is the first that is shown.
    """
    kind = path.suffix.lower()
    if kind in TEXTS:
        yield _delimited(path, limits)
        return
    if kind in _WITH_MACROS:
        raise refused("SHT-002", path.name)
    if kind != WORKBOOK:
        raise refused("SHT-001", path.name)
    with open_archive(path, limits) as archive:
        book = read_workbook(archive, path.name, limits)
        name, part = next(iter(book.sheets.items()))
        merged = merged_areas(archive, part, path.name, limits)
        strings = shared_strings(archive, path.name, limits)
        rows = Worksheet(path.name, part, strings, book.dated, limits).rows(archive)
        yield Sheet(name, rows, tuple(merged), counts_from_1904=book.counts_from_1904)


def _delimited(path: Path, limits: SheetLimits) -> Sheet:
    rows = delimited_rows(path, limits)
    first = next(rows, None)
    if first is None:
        raise refused("SHT-023", path.name)
    head, delimiter = first

    def all_rows() -> Iterator[SheetRow]:
        yield head
        for row, _ in rows:
            yield row

    return Sheet(path.name, all_rows(), delimiter=delimiter)
