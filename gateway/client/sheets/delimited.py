"""CSV files: in UTF-8 or UTF-16, with semicolons, commas or tabs between the fields."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from gateway.client.sheets.model import Cell, CellKind, SheetLimits, SheetRow, over, refused

_DELIMITERS: Final = (";", "\t", ",")
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
"""Characters that no XML may hold, and DEL, which no text does."""


def delimiter_of(head: str) -> str:
    """What stands between the headings: the one of the three that is there most often."""
    return max(_DELIMITERS, key=head.count)


def delimited_rows(path: Path, limits: SheetLimits) -> Iterator[tuple[SheetRow, str]]:
    """The rows with something in them, each with the delimiter; raises SheetRefused for what is no such text."""
    if path.stat().st_size > limits.file:
        raise over("file", limits.file, path.name)
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        try:
            delimiter = delimiter_of(text.readline(limits.record))
            text.seek(0)
            lines = _Lines(text, limits, path.name)
            for number, fields in enumerate(csv.reader(lines, delimiter=delimiter, strict=True), 1):
                lines.taken = 0
                if number > limits.rows:
                    raise over("rows", limits.rows, path.name)
                if len(fields) > limits.columns:
                    raise over("columns", limits.columns, path.name)
                cells = {column: _cell(value.strip()) for column, value in enumerate(fields, 1) if value.strip()}
                if cells:
                    yield SheetRow(number, cells), delimiter
        except UnicodeError as error:
            raise refused("SHT-020", path.name) from error
        except csv.Error as error:
            raise refused("SHT-005", path.name, {"part": "csv"}) from error


class _Lines:
    """The lines of a text, each in bounds: a row over many lines is counted as a whole. `taken` is reset behind it."""

    def __init__(self, text: io.TextIOWrapper, limits: SheetLimits, file: str) -> None:
        self.taken = 0
        self._text = text
        self._most = limits.record
        self._file = file

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._most - self.taken + 1)
        self.taken += len(line)
        if self.taken > self._most:
            raise over("record", self._most, self._file)
        if not line:
            raise StopIteration
        return line


def _cell(value: str) -> Cell:
    readable, times = _NO_TEXT.subn("\N{REPLACEMENT CHARACTER}", value)
    if times:
        return Cell(CellKind.ERROR, readable)
    return Cell(CellKind.FORMULA if value.startswith("=") else CellKind.RAW, readable)
