"""A profile is one family of messages in one edition: schemas, code tables, rules, validity and routing."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from codes.editions import CodeBook, Edition, load_codebook
from validators.fm1.parameters import read_parameters
from validators.fm1.rules import Rules
from validators.schemas import Schema, schema_for, schema_root

MANIFEST = "manifest.toml"


class ProfileDamaged(Exception):
    """A manifest of a profile is missing something or contradicts another; the text names the file."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Topics by the reason of filing (form field 1.5), by `other` for every other value, and for refusals."""

    reasons: Mapping[str, str]
    other: str
    refused: str

    def topic(self, reason: str | None) -> str:
        """The topic of an accepted message with that reason, known or not."""
        return self.reasons.get(reason or "", self.other)


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
class ProfileBook:
    """The profiles of one family, oldest first; never none."""

    profiles: tuple[Profile, ...]

    @classmethod
    def load(
        cls, schemas: Path | None = None, codes: CodeBook | None = None, rules: Path | None = None
    ) -> "ProfileBook":
        """Every edition of FM-1: the project's own (read once), or those of other folders.

        `schemas` holds `fm1/<edition>/` with schemas and manifest, `rules` holds `fm1/<edition>.toml`.
        """
        if schemas is None and codes is None and rules is None:
            return _own()
        return _load(schemas or schema_root(), codes or load_codebook(), rules or _rules_root())

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


@cache
def _own() -> ProfileBook:
    return _load(schema_root(), load_codebook(), _rules_root())


def _rules_root() -> Path:
    return Path(str(files("validators").joinpath("data")))


def _load(schemas: Path, codes: CodeBook, rules: Path) -> ProfileBook:
    manifests = sorted((schemas / "fm1").glob(f"*/{MANIFEST}"))
    if not manifests:
        raise ProfileDamaged(f"{schemas / 'fm1'}: no edition there; add a folder with a {MANIFEST} and its schemas")
    profiles = [_profile(path, schemas, codes, rules) for path in manifests]
    return ProfileBook(_joined(sorted(profiles, key=lambda profile: profile.valid_from)))


def _profile(path: Path, schemas: Path, codes: CodeBook, rules: Path) -> Profile:
    data = tomllib.loads(path.read_text("utf-8"))
    try:
        return _profile_of(data, schemas, codes, rules)
    except (KeyError, ValueError, TypeError, OSError, LookupError) as error:
        raise ProfileDamaged(f"{path}: {error!r}; put the manifest or what it names right") from error


def _profile_of(data: Mapping[str, Any], schemas: Path, codes: CodeBook, rules: Path) -> Profile:
    family, edition = data["family"], data["edition"]
    messages: Mapping[str, Iterable[str]] = data["messages"]
    tables = codes.edition(data["codes"])
    routing = data["routing"]
    return Profile(
        family=family,
        edition=edition,
        valid_from=data["valid_from"],
        valid_to=data.get("valid_to"),
        source=data["source"],
        provenance=data["provenance"],
        accepted=frozenset(messages["accepted"]),
        schemas=MappingProxyType(
            {name: schema_for(family, edition, name, schemas) for name in (*messages["accepted"], *messages["notices"])}
        ),
        codes=tables,
        rules=Rules.of(tables, read_parameters(rules / family / f"{data['rules']}.toml")),
        routing=Routing(MappingProxyType(dict(routing["reasons"])), routing["other"], routing["refused"]),
    )


def _joined(profiles: list[Profile]) -> tuple[Profile, ...]:
    """The profiles in order, each without an end of its own ended by the next."""
    for earlier, later in pairwise(profiles):
        if earlier.valid_from == later.valid_from:
            raise ProfileDamaged(f"{earlier.edition} and {later.edition} begin on the same day: let one begin later")
    ended = [replace(earlier, valid_to=earlier.valid_to or later.valid_from) for earlier, later in pairwise(profiles)]
    return (*ended, profiles[-1])
