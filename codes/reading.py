"""From the bytes of a table's file to a table that cannot be wrong."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from types import MappingProxyType

from codes.errors import CodeTableDamaged
from codes.manifest import MANIFEST, MARKS, TableManifest, sha256_of
from codes.tables import FROM, PROVENANCE, RESERVED, TO, CodeEntry, CodeTable, default_provenance

RESTORE = "Restore the file from the release"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table comes from: its name, its edition's name and digest, and its file for messages."""

    table: str
    edition: str
    digest: str
    place: str

    def damaged(self, what: str, remedy: str, line: int | None = None) -> CodeTableDamaged:
        """The error that names this file."""
        return CodeTableDamaged(self.place, what, remedy, line)


def read_table(origin: Origin, raw: bytes, manifest: TableManifest) -> CodeTable:
    """The table in those bytes, when it is what the manifest promises.

    Raises `CodeTableDamaged` on another SHA-256 or count, another encoding, missing columns, names or marks, and
    codes that are doubled or overlap in time.
    """
    found = sha256_of(raw)
    if found != manifest.sha256:
        raise origin.damaged(
            f"its SHA-256 is {found}, {MANIFEST} promises {manifest.sha256}: the file was changed",
            f"{RESTORE}; if the change is meant, put the new sha256 and rows into {MANIFEST}",
        )
    columns, *rows = _rows(origin, raw)
    _check_columns(origin, columns[1], manifest)
    entries = tuple(_entry(origin, line, columns[1], cells, manifest) for line, cells in rows)
    if len(entries) != manifest.rows:
        raise origin.damaged(
            f"it holds {len(entries)} rows, {MANIFEST} promises {manifest.rows}",
            f"{RESTORE}, or put the right count into {MANIFEST}",
        )
    _check_doubles(origin, entries)
    _check_exceptions(origin, entries, manifest)
    return CodeTable(origin.table, origin.edition, origin.digest, tuple(columns[1]), manifest, entries)


def _rows(origin: Origin, raw: bytes) -> list[tuple[int, list[str]]]:
    """Every row with the line it begins on, the heading first."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise origin.damaged("the text is not UTF-8", "Save the file as UTF-8", line) from error
    if text.startswith("\ufeff"):
        raise origin.damaged("it begins with a byte order mark", "Save the file as UTF-8 without one", 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quotechar='"', strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise origin.damaged(f"{error}", "Put the quotes of that row right", line) from error
    if not rows or not rows[0][1]:
        raise origin.damaged("there is no row of column names", RESTORE, 1)
    return rows


def _check_columns(origin: Origin, columns: list[str], manifest: TableManifest) -> None:
    doubled = sorted({column for column in columns if columns.count(column) > 1})
    if doubled:
        raise origin.damaged(f"the column {doubled[0]} stands twice", "Give each column a name of its own", 1)
    missing = [column for column in manifest.declared_columns if column not in columns]
    if missing:
        raise origin.damaged(
            f"the column {missing[0]} is missing, {MANIFEST} speaks of it",
            f"Add the column, or take it out of {MANIFEST}",
            1,
        )


def _entry(origin: Origin, line: int, columns: list[str], cells: list[str], manifest: TableManifest) -> CodeEntry:
    """The entry that those cells make, every promise about a single row kept."""
    if len(cells) != len(columns):
        raise origin.damaged(
            f"the row has {len(cells)} cells, the heading {len(columns)}", "Put the tabs of that row right", line
        )
    row = dict(zip(columns, cells, strict=True))
    valid_from, valid_to = _day(origin, line, row, FROM), _day(origin, line, row, TO)
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise origin.damaged(
            f"{TO} {valid_to} is not after {FROM} {valid_from}", "The interval is half-open: put it right", line
        )
    key = _key(origin, line, row, manifest)
    spoken_of = {*manifest.key, *manifest.names.values(), *RESERVED}
    return CodeEntry(
        key=key,
        code=" ".join(key),
        names=_names(origin, line, row, manifest),
        attributes=MappingProxyType({name: row[name] for name in columns if name not in spoken_of}),
        provenance=_provenance(origin, line, row, manifest),
        valid_from=valid_from,
        valid_to=valid_to,
        line=line,
    )


def _key(origin: Origin, line: int, row: Mapping[str, str], manifest: TableManifest) -> tuple[str, ...]:
    for column in manifest.key:
        if not row[column]:
            raise origin.damaged(f"the column {column} is empty", "Every row needs its code", line)
        if row[column] != row[column].strip():
            raise origin.damaged(
                f"{column} {row[column]!r} has white space at an end", "Take the white space away", line
            )
    return tuple(row[column] for column in manifest.key)


def _names(origin: Origin, line: int, row: Mapping[str, str], manifest: TableManifest) -> Mapping[str, str]:
    names: dict[str, str] = {
        language: row[column] for language, column in manifest.names.items() if row[column].strip()
    }
    if len(names) != len(manifest.names) and (names or manifest.names_required):
        missing = next(column for language, column in manifest.names.items() if language not in names)
        raise origin.damaged(f"the column {missing} is empty, the table demands a name there", "Fill in the name", line)
    return MappingProxyType(names)


def _provenance(origin: Origin, line: int, row: Mapping[str, str], manifest: TableManifest) -> str:
    provenance = row.get(PROVENANCE) or default_provenance(manifest) or ""
    if provenance.partition(":")[0] not in MARKS:
        raise origin.damaged(
            f"the provenance {provenance!r} begins with none of {', '.join(MARKS)}", "Put the mark right", line
        )
    return provenance


def _day(origin: Origin, line: int, row: Mapping[str, str], column: str) -> date | None:
    written = row.get(column, "")
    if not written:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise origin.damaged(
            f"{column} {written!r} is no date", "Write it as year-month-day: 2026-04-01", line
        ) from error


def _check_doubles(origin: Origin, entries: tuple[CodeEntry, ...]) -> None:
    """No code stands twice on any day."""
    by_start = sorted(entries, key=lambda entry: (entry.key, entry.valid_from or date.min))
    for earlier, later in pairwise(by_start):
        if earlier.key != later.key:
            continue
        first, second = sorted((earlier.line, later.line))
        if earlier.valid_from == later.valid_from:
            raise origin.damaged(f"the code {later.code} stands already on line {first}", "Keep one of the two", second)
        if earlier.valid_to is None or (later.valid_from or date.min) < earlier.valid_to:
            raise origin.damaged(
                f"the code {later.code} overlaps in time with line {first}",
                f"Close the earlier entry: its {TO} is the later one's {FROM}",
                second,
            )


def _check_exceptions(origin: Origin, entries: tuple[CodeEntry, ...], manifest: TableManifest) -> None:
    known = {entry.key[0] for entry in entries}
    for value in manifest.except_for:
        if value not in known:
            raise origin.damaged(
                f"{MANIFEST} makes an exception for {value!r}, no row has it", f"Put except_for of {MANIFEST} right"
            )
