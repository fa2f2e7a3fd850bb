"""The nouns of a sheet: cells and rows as they were read, limits, and why a sheet is not read at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gateway.errors import GatewayError
from validators.catalogue import found
from validators.model import NOTHING, Finding

_LETTERS = 26


class CellKind(StrEnum):
    """What a cell holds. A `raw` one is a field of a CSV file, which says nothing of its kind."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    FORMULA = "formula"
    ERROR = "error"
    RAW = "raw"


class Cell(NamedTuple):
    """A cell that is not empty; of a DATE the text is `2026-11-28`, `2026-11-28T14:30:00` or `14:30:00`."""

    kind: CellKind
    text: str


class SheetRow(NamedTuple):
    """A row with its cells by the number of their column; both count from 1."""

    number: int
    cells: Mapping[int, Cell]


@dataclass(frozen=True, slots=True)
class SheetLimits:
    """The most that a sheet may hold; each figure has the name its refusal gives.

    `file` and `unpacked` count bytes, `parts` the files inside an XLSX, `part` the bytes of one that is read whole,
    `strings` the characters of all its shared texts, `cell` those of one cell, `record` those of one row of a CSV file,
    `rows` the number of the last row, `formats` the formats of numbers that a workbook has of its own, `format` the
    characters of one of them.
    """

    file: int = 64 * 2**20
    unpacked: int = 1024 * 2**20
    parts: int = 1_000
    part: int = 16 * 2**20
    strings: int = 16 * 2**20
    cell: int = 32_767
    record: int = 2**20
    columns: int = 16_384
    rows: int = 1_048_576
    merged: int = 10_000
    formats: int = 1_000
    format: int = 255


LIMITS = SheetLimits()


class SheetRefused(GatewayError):
    """The file can't be read as a sheet of this kind; the findings say why and where."""

    code = "sheet-refused"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(", ".join(f"{finding.code} {finding.path}" for finding in findings))
        self.findings = tuple(findings)


def refused(code: str, place: str, parameters: Mapping[str, str] = NOTHING, value: str | None = None) -> SheetRefused:
    """The refusal of a whole sheet for one reason."""
    return SheetRefused([found(code, place, value=value, parameters=parameters)])


def over(limit: str, most: int, place: str) -> SheetRefused:
    """The refusal of a sheet that goes beyond a limit of that name."""
    return refused("SHT-004", place, {"limit": limit, "most": str(most)})


def cell_name(sheet: str, column: int, row: int) -> str:
    """The cell as people call it: `Operations!B7`."""
    return f"{sheet}!{column_letters(column)}{row}"


def column_letters(column: int) -> str:
    """The letters of a column that counts from 1: A, B ... Z, AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters
