"""What `manifest.toml` of an edition promises about its tables."""

import hashlib
import tomllib
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from codes.errors import CodeTableDamaged

Language = Literal["kk", "ru", "en"]
LANGUAGES: tuple[Language, ...] = ("kk", "ru", "en")
Mark = Literal["official", "predecessor", "observed", "proposed"]
MARKS: tuple[Mark, ...] = ("official", "predecessor", "observed", "proposed")
BY_ENTRY: Literal["by entry"] = "by entry"
MANIFEST = "manifest.toml"
ORDER_13 = "order13"
"""The family of editions that name none."""

TableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False)]
Titles = dict[Language, Text]


class _Strict(BaseModel):
    """The manner of every part of a manifest: frozen, no unknown keys, no conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TableManifest(_Strict):
    """What is promised about one table.

    `key` are the columns that make up the code, `names` the column of each language's name. `complete` tells whether
    the table holds every code there is; `except_for` are values of the first key column for which the opposite
    holds. With `names_required` every entry has a name in each of its languages, otherwise in all of them or in none.
    `provenance` is the mark of the entries, or `by entry` where the column `provenance` gives it; `column_provenance`
    marks single columns that were read elsewhere. `refers` names, for a column, the `table.column` its values come
    from (`*` stands for any of them).
    """

    file: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.tsv$")]
    title: Titles
    source: Text
    note: str = ""
    provenance: Mark | Literal["by entry"]
    column_provenance: dict[str, Mark] = {}
    complete: bool
    except_for: list[str] = []
    key: Annotated[list[str], Field(min_length=1)]
    names: dict[Language, str] = {}
    names_required: bool = True
    refers: dict[str, str] = {}
    rows: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    @model_validator(mode="after")
    def _titled_in_every_language(self) -> Self:
        missing = [language for language in LANGUAGES if language not in self.title]
        if missing:
            raise ValueError(f"the title lacks the language {', '.join(missing)}")
        return self

    @property
    def declared_columns(self) -> tuple[str, ...]:
        """Every column that the manifest speaks of, each once."""
        by_entry = ("provenance",) if self.provenance == BY_ENTRY else ()
        spoken_of = (*self.key, *self.names.values(), *self.column_provenance, *self.refers, *by_entry)
        return tuple(dict.fromkeys(spoken_of))


class EditionManifest(_Strict):
    """What is promised about one edition; without `valid_to` it is open-ended until its family's next one is loaded."""

    family: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")] = ORDER_13
    name: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]*$")]
    title: Titles
    source: Text
    note: str = ""
    valid_from: date
    valid_to: date | None = None
    tables: Annotated[dict[TableName, TableManifest], Field(min_length=1)]

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from (the interval is half-open)")
        return self


def read_manifest(place: str, raw: bytes) -> EditionManifest:
    """The manifest in those bytes.

    Raises `CodeTableDamaged` when it is not UTF-8, not TOML, or promises something that cannot be.
    """
    try:
        return EditionManifest.model_validate(tomllib.loads(raw.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise CodeTableDamaged(place, f"byte {error.start} is not UTF-8", "Save the manifest as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise CodeTableDamaged(place, f"it is not TOML: {error}", "Put the manifest right there") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'the manifest'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise CodeTableDamaged(place, problems, "Put these entries of the manifest right") from error


def sha256_of(raw: bytes) -> str:
    """The lower-case hex SHA-256 of those bytes."""
    return hashlib.sha256(raw).hexdigest()
