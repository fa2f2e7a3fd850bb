"""The code tables as plain data, ready for JSON: the same for the command line and for HTTP."""

from datetime import date
from typing import Any

from codes.editions import CodeBook, Edition
from codes.manifest import Language
from codes.tables import CodeEntry, CodeTable


def editions_view(book: CodeBook) -> list[dict[str, Any]]:
    """Every edition as `edition_view` gives it, oldest first."""
    return [edition_view(edition) for edition in book.editions]


def edition_view(edition: Edition) -> dict[str, Any]:
    """One edition; days as `2025-07-10`, `valid_to` null where the edition is open-ended."""
    return {
        "edition": edition.name,
        "family": edition.family,
        "valid_from": edition.valid_from.isoformat(),
        "valid_to": _day(edition.valid_to),
        "open_ended": edition.open_ended,
        "digest": edition.digest,
        "title": dict(edition.manifest.title),
        "source": edition.manifest.source,
        "note": edition.manifest.note,
    }


def tables_view(book: CodeBook, on: date) -> list[dict[str, Any]]:
    """The tables of the edition of that day, in the manifest's order, without their entries."""
    return tables_of_view(book.on(on))


def tables_of_view(edition: Edition, lang: Language | None = None) -> list[dict[str, Any]]:
    """The tables of that edition, in the manifest's order, without their entries."""
    interval = {
        "valid_from": edition.valid_from.isoformat(),
        "valid_to": _day(edition.valid_to),
        "open_ended": edition.open_ended,
    }
    return [head_view(table, lang) | interval for table in edition.tables.values()]


def head_view(table: CodeTable, lang: Language | None = None) -> dict[str, Any]:
    """What is known about a table as a whole.

    `title` is a string in that language, or an object of all three without one. `complete_for` says for each first
    key part whether its codes are complete, where that differs within the table; otherwise it is empty.
    """
    manifest = table.manifest
    firsts = dict.fromkeys(entry.key[0] for entry in table) if manifest.except_for else {}
    return {
        "table": table.name,
        "edition": table.edition,
        "digest": table.digest,
        "title": manifest.title[lang] if lang else dict(manifest.title),
        "source": manifest.source,
        "note": manifest.note,
        "provenance": table.provenance,
        "column_provenance": dict(manifest.column_provenance),
        "complete": table.complete,
        "complete_for": {first: table.complete_for(first) for first in firsts},
        "key": list(table.key),
        "columns": list(table.columns),
        "rows": len(table),
        "sha256": manifest.sha256,
    }


def table_view(table: CodeTable, lang: Language | None = None, on: date | None = None) -> dict[str, Any]:
    """The table with its `entries`, in the order of the file; those of that day alone where one is given."""
    entries = [_entry(table, entry, lang) for entry in table.under(on=on)]
    return head_view(table, lang) | {"entries": entries}


def entry_view(table: CodeTable, entry: CodeEntry, lang: Language | None = None) -> dict[str, Any]:
    """One entry with the table, edition and digest it comes from, and whether its neighbours are all known."""
    origin = {
        "table": table.name,
        "edition": table.edition,
        "digest": table.digest,
        "complete": table.complete_for(entry.key[0]),
        "column_provenance": dict(table.manifest.column_provenance),
    }
    return origin | _entry(table, entry, lang)


def _entry(table: CodeTable, entry: CodeEntry, lang: Language | None) -> dict[str, Any]:
    """The entry alone: `name` in that language (null where unknown), or `names` in all that are known."""
    named = {"name": entry.names.get(lang)} if lang else {"names": dict(entry.names)}
    return {
        "code": entry.code,
        "key": dict(zip(table.key, entry.key, strict=True)),
        **named,
        "attributes": dict(entry.attributes),
        "provenance": entry.provenance,
        "valid_from": _day(entry.valid_from),
        "valid_to": _day(entry.valid_to),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
