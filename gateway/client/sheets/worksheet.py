"""The rows of a worksheet one by one, in memory that does not grow with it; empty rows cost nothing."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final
from xml.parsers import expat

from openpyxl.utils.datetime import from_excel

from gateway.client.sheets.archive import Archive
from gateway.client.sheets.model import Cell, CellKind, SheetLimits, SheetRow, over, refused
from gateway.client.sheets.workbook import feed, safe_parser

_AREA: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})(?::[A-Z]{1,3}([0-9]{1,7}))?", re.ASCII)
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_DOUBLE: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?", re.ASCII)
"""A number of XML Schema, save for the infinite ones; Python's own reader takes more."""
_LETTERS: Final = 26
_KINDS: Final = {"b": CellKind.BOOLEAN, "e": CellKind.ERROR, "d": CellKind.DATE}


@dataclass(frozen=True, slots=True)
class Area:
    """A range of merged cells: its name, and the rows that it covers."""

    name: str
    first_row: int
    last_row: int
    first_column: int


def merged_areas(archive: Archive, part: str, file: str, limits: SheetLimits) -> list[Area]:
    """The merged cells of a worksheet, which stand behind all its rows."""
    areas: list[Area] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.endswith(" mergeCell"):
            area = _area(attributes.get("ref", ""))
            if area is None:
                raise refused("SHT-005", file, {"part": part})
            areas.append(area)
            if len(areas) > limits.merged:
                raise over("merged", limits.merged, file)

    parser = safe_parser(file, part)
    parser.StartElementHandler = start
    feed(parser, archive.chunks(part), file, part)
    return areas


def _area(reference: str) -> Area | None:
    """The area of a reference such as `A2:B3`; None where it is none."""
    match = _AREA.fullmatch(reference.replace("$", ""))
    if match is None:
        return None
    first = int(match[2])
    return Area(match[0], first, int(match[3] or first), _number_of(match[1]))


class Worksheet:
    """The rows of one worksheet part, with the shared strings and the styles that show dates."""

    def __init__(self, file: str, part: str, strings: list[str], dated: frozenset[int], limits: SheetLimits) -> None:
        self._file = file
        self._part = part
        self._strings = strings
        self._dated = dated
        self._limits = limits
        self._ready: list[SheetRow] = []
        self._row = 0
        self._cells: dict[int, Cell] = {}
        self._column = 0
        self._count = 0
        self._cell: dict[str, str] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._formula = False
        self._inside = False

    def rows(self, archive: Archive) -> Iterator[SheetRow]:
        """Every row that has a cell with something in it; raises SheetRefused where the part is damaged."""
        parser = safe_parser(self._file, self._part)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            for chunk in archive.chunks(self._part):
                parser.Parse(chunk, False)
                yield from self._ready
                self._ready.clear()
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, OverflowError, LookupError) as error:
            raise refused("SHT-005", self._file, {"part": self._part}) from error
        yield from self._ready

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "row":
            self._begin_row(attributes)
        elif local == "c":
            self._begin_cell(attributes)
        elif local == "f":
            self._formula = True
        elif local in ("v", "t"):
            self._inside = True

    def _begin_row(self, attributes: dict[str, str]) -> None:
        number = int(attributes.get("r", self._row + 1))
        if not self._row < number <= self._limits.rows:
            raise over("rows", self._limits.rows, self._file)
        self._row, self._column, self._count, self._cells = number, 0, 0, {}

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._count += 1
        reference = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._column = _number_of(reference[1]) if reference is not None else self._column + 1
        if max(self._column, self._count) > self._limits.columns:
            raise over("columns", self._limits.columns, self._file)
        self._cell, self._pieces, self._length, self._formula = attributes, [], 0, False

    def _text(self, text: str) -> None:
        if self._inside:
            self._length += len(text)
            if self._length > self._limits.cell:
                raise over("cell", self._limits.cell, self._file)
            self._pieces.append(text)

    def _end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        self._inside = False
        if local == "c":
            cell = self._read("".join(self._pieces))
            if cell is not None:
                self._cells[self._column] = cell
        elif local == "row" and self._cells:
            self._ready.append(SheetRow(self._row, self._cells))

    def _read(self, written: str) -> Cell | None:
        """The cell that has just ended; None for an empty one."""
        kind = self._cell.get("t", "n")
        if self._formula:
            return Cell(CellKind.FORMULA, written)
        if kind == "s" and written:
            written = self._strings[_index(written)]
        if not written.strip():
            return None
        if kind != "n":
            return Cell(_KINDS.get(kind, CellKind.TEXT), written.strip())
        dated = int(self._cell.get("s", "0")) in self._dated
        try:
            return Cell(CellKind.DATE, _moment(_double(written))) if dated else Cell(CellKind.NUMBER, _number(written))
        except (ValueError, OverflowError):
            return Cell(CellKind.ERROR, written.strip())


def _index(written: str) -> int:
    """The number of a shared text: a negative one would count from the end."""
    if not written.isdecimal():
        raise ValueError(written)
    return int(written)


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number


def _number(written: str) -> str:
    """A number as people write it: without an exponent, and without what binary fractions add to it."""
    if _WHOLE.fullmatch(written.strip()):
        return str(int(written))
    shortest = Decimal(repr(_double(written)))
    return f"{shortest.to_integral_value() if shortest == shortest.to_integral_value() else shortest:f}"


def _double(written: str) -> float:
    """The number that is written; ValueError for what is none, or none that a cell holds."""
    value = float(written) if _DOUBLE.fullmatch(written.strip()) else math.nan
    if not math.isfinite(value):
        raise ValueError(written)
    return value


def _moment(serial: float) -> str:
    """The day, moment or time of day that a serial number stands for."""
    moment = from_excel(serial)
    if isinstance(moment, datetime):
        return moment.date().isoformat() if moment.time() == time() else moment.isoformat(timespec="seconds")
    return moment.isoformat(timespec="seconds") if isinstance(moment, time) else _day(moment)


def _day(moment: object) -> str:
    return moment.isoformat() if isinstance(moment, date) else ""
