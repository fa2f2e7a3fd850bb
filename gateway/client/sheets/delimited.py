"""CSV files: in UTF-8 or UTF-16, with semicolons, commas or tabs between the fields."""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.client.sheets.model import Cell, CellKind, SheetLimits, SheetRow, over, refused

_DELIMITERS: Final = (";", "\t", ",")
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


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
            delimiter = delimiter_of(text.readline())
            text.seek(0)
            for number, fields in enumerate(csv.reader(text, delimiter=delimiter, strict=True), 1):
                if number > limits.rows or len(fields) > limits.columns:
                    raise over("rows", limits.rows, path.name)
                cells = {
                    column: Cell(CellKind.RAW, value.strip()) for column, value in enumerate(fields, 1) if value.strip()
                }
                if cells:
                    yield SheetRow(number, cells), delimiter
        except UnicodeError as error:
            raise refused("SHT-020", path.name) from error
        except csv.Error as error:
            raise refused("SHT-005", path.name, {"part": "csv"}) from error
