"""One code table: its entries, and the questions a rule asks of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from codes.manifest import BY_ENTRY, Language, TableManifest

FROM, TO, PROVENANCE = RESERVED = ("valid_from", "valid_to", "provenance")
"""The optional columns that say the same in every table."""

Code = str | tuple[str, ...]
"""A code as it is asked for: a string, or one string a key column where the key has several."""


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One code of a table.

    `key` holds one string a key column and `code` is the same, joined by spaces; `names` has only the languages that
    are known; `attributes` are the remaining columns, empty strings included; `provenance` is the mark, followed by a
    colon and a remark where one mark does not say it all. The entry is valid from `valid_from` until the day before
    `valid_to`; None means as long as its edition.
    """

    key: tuple[str, ...]
    code: str
    names: Mapping[str, str]
    attributes: Mapping[str, str]
    provenance: str
    valid_from: date | None = None
    valid_to: date | None = None
    line: int = 0

    @property
    def mark(self) -> str:
        """The first word of the provenance: `official`, `predecessor`, `observed` or `proposed`."""
        return self.provenance.partition(":")[0]

    def valid_on(self, day: date) -> bool:
        """Whether the entry stands on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True, eq=False)
class CodeTable:
    """One table of one edition; `entries` stand in the order of the file.

    `edition` is the edition's name and `digest` its digest. Codes are compared as strings: `121` is not `0121`.
    """

    name: str
    edition: str
    digest: str
    columns: tuple[str, ...]
    manifest: TableManifest
    entries: tuple[CodeEntry, ...]
    _index: Mapping[Code, tuple[CodeEntry, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index: dict[Code, tuple[CodeEntry, ...]] = {}
        for entry in sorted(self.entries, key=lambda entry: entry.valid_from or date.min):
            code: Code = entry.key[0] if len(entry.key) == 1 else entry.key
            index[code] = (*index.get(code, ()), entry)
        object.__setattr__(self, "_index", MappingProxyType(index))

    def __iter__(self) -> Iterator[CodeEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, code: object) -> bool:
        return code in self._index

    @property
    def complete(self) -> bool:
        """Whether the table holds every code there is, so that an unknown one is an error."""
        return self.manifest.complete

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that make up the code."""
        return tuple(self.manifest.key)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns beside key, names, provenance and validity: those of each entry's `attributes`."""
        spoken_of = {*self.key, *self.manifest.names.values(), *RESERVED}
        return tuple(column for column in self.columns if column not in spoken_of)

    @property
    def provenance(self) -> str:
        """The mark of the table's entries, or `by entry`."""
        return self.manifest.provenance

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages in which the table has names."""
        return tuple(self.manifest.names)

    def complete_for(self, first: str) -> bool:
        """Whether every code is known whose first key part is that one (`form_values`: the form field)."""
        return self.complete != (first in self.manifest.except_for)

    def get(self, code: Code, on: date | None = None) -> CodeEntry | None:
        """The entry of that code which stands on that day, None where there is none.

        Without a day the latest entry of that code, closed or not.
        """
        found = self._index.get(code)
        if found is None:
            return None
        if on is None or found[-1].valid_on(on):
            return found[-1]
        return next((entry for entry in reversed(found) if entry.valid_on(on)), None)

    def under(self, *first: str, on: date | None = None) -> tuple[CodeEntry, ...]:
        """The entries whose key begins with those parts, on that day where one is given."""
        return tuple(
            entry for entry in self.entries if entry.key[: len(first)] == first and (on is None or entry.valid_on(on))
        )

    def look_alikes(self, code: Code) -> tuple[str, ...]:
        """The codes that differ from that one only by leading zeros or white space, for a hint to the reader."""
        asked = (code,) if isinstance(code, str) else code
        bare = _bare(asked)
        return tuple(
            dict.fromkeys(entry.code for entry in self.entries if entry.key != asked and _bare(entry.key) == bare)
        )

    def value(self, entry: CodeEntry, column: str) -> str:
        """What stands in that entry's key column or attribute; `KeyError` where the table has no such column."""
        if column in self.key:
            return entry.key[self.key.index(column)]
        return entry.attributes[column]

    def provenance_of(self, entry: CodeEntry, column: str) -> str:
        """Where that column's value in that entry was read: the column's own mark, else the entry's provenance."""
        return self.manifest.column_provenance.get(column, entry.provenance)


def default_provenance(manifest: TableManifest) -> str | None:
    """The provenance of an entry that has none of its own; None where each must have one."""
    return None if manifest.provenance == BY_ENTRY else manifest.provenance


def _bare(key: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip().lstrip("0") for part in key)
