"""Editions of the code tables, side by side; within each family a day chooses one."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from types import MappingProxyType

from codes.errors import CodesError, CodeTableDamaged, UnknownEdition, UnknownTable
from codes.manifest import MANIFEST, ORDER_13, EditionManifest, read_manifest, sha256_of
from codes.reading import RESTORE, Origin, read_table
from codes.tables import CodeTable

__all__ = [
    "CodeBook",
    "CodeTableDamaged",
    "CodesError",
    "Edition",
    "UnknownEdition",
    "UnknownTable",
    "load_codebook",
]

EVERY = "*"


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """The tables that were in force together.

    The edition is valid from `valid_from` until the day before `valid_to`; without `valid_to` it is open-ended. An
    edition whose manifest names no end is ended by the next one of its family that is loaded. `digest` is the
    lower-case hex SHA-256 of `manifest.toml`, which names the SHA-256 of every table.
    """

    name: str
    valid_from: date
    valid_to: date | None
    digest: str
    tables: Mapping[str, CodeTable]
    manifest: EditionManifest

    @property
    def family(self) -> str:
        """What the tables serve: `order13`, `gaming` ... Editions of one family follow each other."""
        return self.manifest.family

    @property
    def open_ended(self) -> bool:
        """Whether no end is known."""
        return self.valid_to is None

    def valid_on(self, day: date) -> bool:
        """Whether the edition is in force on that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def table(self, name: str) -> CodeTable:
        """The table of that name; raises `UnknownTable` where there is none."""
        try:
            return self.tables[name]
        except KeyError:
            raise UnknownTable(name, self.name, tuple(self.tables)) from None


@dataclass(frozen=True, slots=True, eq=False)
class CodeBook:
    """All the editions that are loaded, oldest first; never none.

    Where no family is named that of Order No. 13 is meant, or the oldest edition's where there is none of it.
    """

    editions: tuple[Edition, ...]
    _of: Mapping[str, tuple[Edition, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        families = sorted(dict.fromkeys(one.family for one in self.editions), key=lambda family: family != ORDER_13)
        by_family = {family: tuple(one for one in self.editions if one.family == family) for family in families}
        object.__setattr__(self, "_of", MappingProxyType(by_family))

    def edition(self, name: str) -> Edition:
        """The edition of that name; raises `UnknownEdition` where there is none."""
        for edition in self.editions:
            if edition.name == name:
                return edition
        raise UnknownEdition(name, tuple(edition.name for edition in self.editions))

    @property
    def families(self) -> tuple[str, ...]:
        """The families that have editions, the one that is meant without a name first."""
        return tuple(self._of)

    def of(self, family: str) -> tuple[Edition, ...]:
        """The editions of a family, oldest first; none where the family is unknown."""
        return self._of.get(family, ())

    def on(self, day: date, family: str | None = None) -> Edition:
        """The newest edition of the family that had begun by that day; its first one for the days before it."""
        editions = self.of(family or self.families[0])
        if not editions:
            raise UnknownEdition(str(family), tuple(edition.name for edition in self.editions))
        begun = (edition for edition in reversed(editions) if edition.valid_from <= day)
        return next(begun, editions[0])

    def valid_on(self, day: date, family: str | None = None) -> tuple[Edition, ...]:
        """Every edition of the family in force on that day, newest first: several where their manifests overlap."""
        editions = self.of(family or self.families[0])
        return tuple(edition for edition in reversed(editions) if edition.valid_on(day))

    def holding(self, name: str, on: date) -> Edition:
        """The edition of that day that has the table, of whichever family; where none has, that of the first family."""
        editions = [self.on(on, family) for family in self.families]
        return next((edition for edition in editions if name in edition.tables), editions[0])

    def table(self, name: str, on: date) -> CodeTable:
        """The table of that name in the editions of that day; raises `UnknownTable` where there is none."""
        return self.holding(name, on).table(name)


def load_codebook(root: Traversable | None = None) -> CodeBook:
    """Every edition below that folder, checked; the project's own (read once) when no folder is named.

    Raises `CodeTableDamaged` when anything there is not what its manifest promises.
    """
    return _own() if root is None else _load(root)


@functools.cache
def _own() -> CodeBook:
    return _load(files("codes") / "data")


def _load(root: Traversable) -> CodeBook:
    if not root.is_dir():
        raise CodeTableDamaged(str(root), "there is no such folder", "Name the folder that holds the editions")
    folders = sorted(root.iterdir(), key=lambda folder: folder.name)
    loose = [folder for folder in folders if not folder.is_dir()]
    if loose:
        raise CodeTableDamaged(str(loose[0]), "a file stands beside the editions", "Move it away")
    editions = sorted((_load_edition(folder) for folder in folders), key=lambda edition: edition.valid_from)
    if not editions:
        raise CodeTableDamaged(str(root), "it holds no edition", "Add a folder with a manifest.toml and its tables")
    families = dict.fromkeys(edition.family for edition in editions)
    joined = [
        edition
        for family in families
        for edition in _joined(root, [edition for edition in editions if edition.family == family])
    ]
    return CodeBook(tuple(sorted(joined, key=lambda edition: edition.valid_from)))


def _load_edition(folder: Traversable) -> Edition:
    contents = {item.name: item for item in folder.iterdir()}
    if MANIFEST not in contents:
        raise CodeTableDamaged(str(folder), f"it has no {MANIFEST}", f"{RESTORE}, or move the folder away")
    raw = _bytes(contents[MANIFEST])
    manifest = read_manifest(str(contents[MANIFEST]), raw)
    if manifest.name != folder.name:
        raise CodeTableDamaged(
            str(contents[MANIFEST]),
            f"it names the edition {manifest.name}, the folder is {folder.name}",
            "Give both the same name",
        )
    _check_files(folder, contents, manifest)
    digest = sha256_of(raw)
    tables = {
        name: read_table(
            Origin(name, manifest.name, digest, str(contents[table.file])),
            _bytes(contents[table.file]),
            table,
        )
        for name, table in manifest.tables.items()
    }
    _check_references(folder, tables)
    return Edition(manifest.name, manifest.valid_from, manifest.valid_to, digest, MappingProxyType(tables), manifest)


def _bytes(file: Traversable) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CodeTableDamaged(str(file), f"it cannot be read: {error.strerror}", RESTORE) from error


def _check_files(folder: Traversable, contents: Mapping[str, Traversable], manifest: EditionManifest) -> None:
    """The folder holds the files of the manifest, each once, and nothing else."""
    promised: dict[str, str] = {}
    for name, table in manifest.tables.items():
        if table.file in promised:
            raise CodeTableDamaged(
                str(contents[MANIFEST]),
                f"the tables {promised[table.file]} and {name} name the same file {table.file}",
                "Give each table a file of its own",
            )
        promised[table.file] = name
        if table.file not in contents:
            raise CodeTableDamaged(str(folder / table.file), f"the file is missing, {MANIFEST} promises it", RESTORE)
    unknown = sorted(contents.keys() - promised.keys() - {MANIFEST})
    if unknown:
        raise CodeTableDamaged(
            str(folder / unknown[0]),
            f"{MANIFEST} does not know this file",
            f"Describe it in {MANIFEST} or move it away",
        )


def _check_references(folder: Traversable, tables: Mapping[str, CodeTable]) -> None:
    """Every value of a column that refers to another table's column is found there."""
    for table in tables.values():
        place = str(folder / table.manifest.file)
        for column, target in table.manifest.refers.items():
            name, _, there = target.partition(".")
            if name not in tables or there not in (*tables[name].key, *tables[name].attributes):
                raise CodeTableDamaged(
                    place, f"{column} refers to {target}, which is no column", f"Put refers of {MANIFEST} right"
                )
            known = {tables[name].value(entry, there) for entry in tables[name]} | {EVERY}
            for entry in table:
                value = table.value(entry, column)
                if value not in known:
                    raise CodeTableDamaged(
                        place, f"{column} {value!r} is not in {target}", "Put the value right", entry.line
                    )


def _joined(root: Traversable, editions: list[Edition]) -> tuple[Edition, ...]:
    """The editions of one family in order, each without an end of its own ended by the next."""
    for earlier, later in pairwise(editions):
        if earlier.valid_from == later.valid_from:
            raise CodeTableDamaged(
                str(root / later.name / MANIFEST),
                f"it begins on {later.valid_from}, as the edition {earlier.name} does",
                "Let one of the two begin later, or move it away",
            )
        if earlier.valid_to is not None and earlier.valid_to < later.valid_from:
            raise CodeTableDamaged(
                str(root / later.name / MANIFEST),
                f"from {earlier.valid_to} to {later.valid_from} no edition is in force",
                f"Take valid_to out of the edition {earlier.name}, or make it later",
            )
    ended = [replace(earlier, valid_to=earlier.valid_to or later.valid_from) for earlier, later in pairwise(editions)]
    return (*ended, editions[-1])
