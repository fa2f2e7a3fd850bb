"""A profile is one family of messages in one edition: schemas, code tables, rules, validity and routing.

A family is a folder of `schemas/xsd` and a module `validators.<family>.family` whose `FAMILY` is a `Family`; hyphens
of the folder's name are underscores in the module's. Nothing else knows which families there are.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import import_module
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from lxml import etree

from codes.editions import CodeBook, Edition, load_codebook
from validators.model import Circumstances, Judgement
from validators.schemas import Schema, schema_for, schema_root
from validators.sight import Sight, sight_of

MANIFEST = "manifest.toml"
LAST = "fm1"
"""The family that is asked last: it answers for what no other one knows."""


class ProfileDamaged(Exception):
    """A manifest of a profile is missing something or contradicts another; the text names the file."""


class Told(NamedTuple):
    """A message with what its family told of it: its type, and the day that chose the edition.

    `regular` says that its text is regular.
    """

    root: etree._Element
    message_type: str
    day: date
    regular: bool = False


class Rules(Protocol):
    """What a family makes of its messages in one edition."""

    def judge(self, profile: "Profile", told: Told, circumstances: Circumstances) -> Judgement:
        """The verdict on a message, with every finding in document order; never raises."""
        ...


class Family(Protocol):
    """What a family of messages adds to its data."""

    def message_type_of(self, sight: Sight) -> str | None:
        """The type of a message of this family; None for a message of another one."""
        ...

    def day_of(self, root: etree._Element, circumstances: Circumstances) -> date:
        """The day that chooses the edition."""
        ...

    def rules(self, codes: Edition, parameters: Path, book: CodeBook) -> Rules:
        """The rules of an edition, with its code tables and the file of its parameters; `book` has all the others."""
        ...


@dataclass(frozen=True, slots=True)
class Routing:
    """Topics by the reason of filing (FM-1's form field 1.5) or the message type, `other` for every other one.

    `event_types` are CloudEvents types by message type; one that is not there has the family's own.
    """

    topics: Mapping[str, str]
    other: str
    refused: str
    event_types: Mapping[str, str]

    def topic(self, key: str | None) -> str:
        """The topic of an accepted message with that reason or type, known or not."""
        return self.topics.get(key or "", self.other)


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One family in one edition.

    Valid from `valid_from` until the day before `valid_to`; None means open-ended until a later one is loaded.
    `accepted` are the message types that entities send.
    """

    family: str
    edition: str
    valid_from: date
    valid_to: date | None
    source: str
    provenance: str
    accepted: frozenset[str]
    schemas: Mapping[str, Schema]
    codes: Edition
    rules: Rules
    routing: Routing

    def valid_on(self, day: date) -> bool:
        """Whether the edition is in force on that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True, eq=False)
class FamilyBook:
    """The profiles of one family, oldest first; never none."""

    name: str
    family: Family
    profiles: tuple[Profile, ...]

    def on(self, day: date) -> tuple[Profile, ...]:
        """The profiles in force on that day, newest first.

        Before the first edition that one alone; where none is in force, the last that had begun.
        """
        valid = tuple(profile for profile in reversed(self.profiles) if profile.valid_on(day))
        if valid:
            return valid
        begun = (profile for profile in reversed(self.profiles) if profile.valid_from <= day)
        return (next(begun, self.profiles[0]),)

    @property
    def first(self) -> Profile:
        """The first edition that is known."""
        return self.profiles[0]


@dataclass(frozen=True, slots=True, eq=False)
class ProfileBook:
    """Every family that there is, in the order in which they are asked; never none."""

    families: tuple[FamilyBook, ...]

    @classmethod
    def load(
        cls, schemas: Path | None = None, codes: CodeBook | None = None, rules: Path | None = None
    ) -> "ProfileBook":
        """Every edition of every family: the project's own (read once), or those of other folders.

        `schemas` holds `<family>/<edition>/` with schemas and manifest, `rules` holds `<family>/<edition>.toml`.
        """
        if schemas is None and codes is None and rules is None:
            return _own()
        return _load(schemas or schema_root(), codes or load_codebook(), rules or _rules_root())

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All profiles of all families."""
        return tuple(profile for book in self.families for profile in book.profiles)

    def family(self, name: str) -> FamilyBook:
        """The profiles of that family; `LookupError` where there is none."""
        for book in self.families:
            if book.name == name:
                return book
        raise LookupError(f"there is no family {name}; known are: {', '.join(book.name for book in self.families)}")

    def addressed(self, root: etree._Element) -> tuple[FamilyBook, str]:
        """The family that a message belongs to, and its type there."""
        sight = sight_of(root)
        for book in self.families:
            message_type = book.family.message_type_of(sight)
            if message_type is not None:
                return book, message_type
        return self.families[-1], "unknown"


@cache
def _own() -> ProfileBook:
    return _load(schema_root(), load_codebook(), _rules_root())


def _rules_root() -> Path:
    return Path(str(files("validators").joinpath("data")))


def _load(schemas: Path, codes: CodeBook, rules: Path) -> ProfileBook:
    names = sorted({path.parent.parent.name for path in schemas.glob(f"*/*/{MANIFEST}")}, key=lambda n: (n == LAST, n))
    if not names:
        raise ProfileDamaged(f"{schemas}: no edition there; add a folder with a {MANIFEST} and its schemas")
    return ProfileBook(tuple(_family(name, schemas, codes, rules) for name in names))


def _family(name: str, schemas: Path, codes: CodeBook, rules: Path) -> FamilyBook:
    try:
        family: Family = import_module(f"validators.{name.replace('-', '_')}.family").FAMILY
    except (ImportError, AttributeError) as error:
        raise ProfileDamaged(f"{schemas / name}: no module judges this family: {error}") from error
    manifests = sorted((schemas / name).glob(f"*/{MANIFEST}"))
    profiles = [_profile(path, family, schemas, codes, rules) for path in manifests]
    return FamilyBook(name, family, _joined(sorted(profiles, key=lambda profile: profile.valid_from)))


def _profile(path: Path, family: Family, schemas: Path, codes: CodeBook, rules: Path) -> Profile:
    data = tomllib.loads(path.read_text("utf-8"))
    try:
        return _profile_of(data, family, schemas, codes, rules)
    except (KeyError, ValueError, TypeError, OSError, LookupError) as error:
        raise ProfileDamaged(f"{path}: {error!r}; put the manifest or what it names right") from error


def _profile_of(data: Mapping[str, Any], family: Family, schemas: Path, codes: CodeBook, rules: Path) -> Profile:
    name, edition = data["family"], data["edition"]
    messages: Mapping[str, Iterable[str]] = data["messages"]
    tables = codes.edition(data["codes"])
    return Profile(
        family=name,
        edition=edition,
        valid_from=data["valid_from"],
        valid_to=data.get("valid_to"),
        source=data["source"],
        provenance=data["provenance"],
        accepted=frozenset(messages["accepted"]),
        schemas=MappingProxyType(
            {kind: schema_for(name, edition, kind, schemas) for kind in (*messages["accepted"], *messages["notices"])}
        ),
        codes=tables,
        rules=family.rules(tables, rules / name / f"{data['rules']}.toml", codes),
        routing=_routing(data["routing"], data.get("event_types", {})),
    )


def _routing(raw: Mapping[str, Any], event_types: Mapping[str, str]) -> Routing:
    topics = {**raw.get("reasons", {}), **raw.get("messages", {})}
    return Routing(MappingProxyType(topics), raw["other"], raw["refused"], MappingProxyType(dict(event_types)))


def _joined(profiles: list[Profile]) -> tuple[Profile, ...]:
    """The profiles of one family in order, each without an end of its own ended by the next."""
    for earlier, later in pairwise(profiles):
        if earlier.valid_from == later.valid_from:
            raise ProfileDamaged(f"{earlier.edition} and {later.edition} begin on the same day: let one begin later")
    ended = [replace(earlier, valid_to=earlier.valid_to or later.valid_from) for earlier, later in pairwise(profiles)]
    return (*ended, profiles[-1])
