"""The reference page of the code tables, made from the tables themselves."""

from collections.abc import Iterator

from codes.editions import CodeBook, Edition, load_codebook
from codes.tables import CodeTable

HEAD = """\
# Code tables

Generated from the manifests and tables below `codes/data/`; a new edition is a folder there and nothing else.

A code that is missing from a complete table is an error; from a table that is not complete it is a warning, because
nobody can tell. Codes are compared as strings: `121` is not `0121`. Provenance: `official` was read in the text of
the act, `predecessor` in an earlier act that it replaced, `observed` in others' software or data without
confirmation, `proposed` is ours. An edition's digest is the SHA-256 of its `manifest.toml`, which names the SHA-256
of every table: `sha256sum codes/data/*/manifest.toml` prints it.

Countries (ISO 3166-1) and currencies (ISO 4217) are no tables here: they come from the library pycountry.
"""


def render(book: CodeBook | None = None) -> str:
    """The page as Markdown, for those editions or for the project's own."""
    editions = (book or load_codebook()).editions
    return "\n".join([HEAD, *(line for edition in editions for line in _edition(edition))])


def _edition(edition: Edition) -> Iterator[str]:
    until = "open-ended" if edition.valid_to is None else f"until the day before {edition.valid_to}"
    yield f"## Edition {edition.name}\n"
    yield f"{edition.manifest.title['en']} (family `{edition.family}`). In force from {edition.valid_from}, {until}.\n"
    yield f"Source: {edition.manifest.source}.\n"
    if edition.manifest.note:
        yield f"{edition.manifest.note}\n"
    yield f"Digest: `{edition.digest}`\n"
    yield "| table | what | entries | complete | provenance |"
    yield "|---|---|---:|---|---|"
    for table in edition.tables.values():
        title = _cell(table.manifest.title["en"])
        yield f"| `{table.name}` | {title} | {len(table)} | {_complete(table)} | {table.provenance} |"
    yield ""
    for table in edition.tables.values():
        yield from _table(table)


def _table(table: CodeTable) -> Iterator[str]:
    manifest = table.manifest
    titles = " / ".join(manifest.title[language] for language in ("kk", "ru"))
    yield f"### `{table.name}`\n"
    yield f"{titles}.\n"
    yield f"* Source: {manifest.source}."
    yield f"* {len(table)} entries; key: {', '.join(f'`{column}`' for column in table.key)}."
    if table.attributes:
        yield f"* Further columns: {', '.join(f'`{column}`' for column in table.attributes)}."
    marks = dict.fromkeys(entry.mark for entry in table)
    counted = ", ".join(f"{sum(entry.mark == mark for entry in table)} {mark}" for mark in marks)
    yield f"* Provenance of the entries: {counted}."
    if manifest.column_provenance:
        columns = ", ".join(f"`{column}` {mark}" for column, mark in manifest.column_provenance.items())
        yield f"* Provenance of columns: {columns}."
    yield f"* Complete: {_complete(table)}."
    if manifest.note:
        yield f"* {manifest.note}"
    yield f"* SHA-256: `{manifest.sha256}`\n"


def _complete(table: CodeTable) -> str:
    word = "yes" if table.complete else "no"
    if not table.manifest.except_for:
        return word
    return f"{word}, except for {', '.join(f'`{_cell(value)}`' for value in table.manifest.except_for)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
