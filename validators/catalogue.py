"""The catalogue of findings: what each code means, how much it weighs, where that was read, and its texts."""

import string
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from validators.model import NOTHING, Finding, Severity

LANGUAGES = ("kk", "ru", "en")
PROVENANCES = ("official", "predecessor", "observed", "proposed")
MAX_VALUE = 200

_OWN_PLACEHOLDERS = frozenset({"value"})
_PROPOSED = {"kk": " (ұсынылып отырған қағида)", "ru": " (предлагаемое правило)", "en": " (proposed rule)"}
_NOTHING_FOUND = {"kk": "бос", "ru": "пусто", "en": "nothing"}


class CatalogueDamaged(Exception):
    """The catalogue's data contradicts itself; the text names the code and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One code of the catalogue.

    `texts` holds kk, ru and en with `{placeholders}`; `retired` is the day since which the code is no longer given
    (it is kept so that old receipts can be read), or None. `placeholders` are the parameters that the texts want, the
    finding's own value aside.
    """

    code: str
    severity: Severity
    source: str
    provenance: str
    texts: Mapping[str, str]
    placeholders: frozenset[str]
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every code that was ever given, in the order of the data file.

    `terms` are values of parameters in kk, ru and en under the key `<parameter>_<value>`.
    """

    entries: Mapping[str, CatalogueEntry]
    terms: Mapping[str, Mapping[str, str]]

    def __getitem__(self, code: str) -> CatalogueEntry:
        return self.entries[code]

    def text(self, finding: Finding, lang: str) -> str:
        """What was found and what to do about it, in kk, ru or en; a proposed rule says that it is one."""
        entry = self.entries[finding.code]
        values = _Filled((name, self._told(name, value, lang)) for name, value in finding.parameters.items())
        values["value"] = finding.value or _NOTHING_FOUND[lang]
        text = string.Formatter().vformat(entry.texts[lang], (), values)
        return text + _PROPOSED[lang] if entry.provenance == "proposed" else text

    def _told(self, name: str, value: str, lang: str) -> str:
        """The parameter in the reader's language, where the catalogue has the term `<name>_<value>`."""
        term = self.terms.get(f"{name}_{value}")
        return value if term is None else term[lang]


class _Filled(dict[str, str]):
    """Placeholders and what stands for them; one that an old receipt does not know stays as it is."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def read_catalogue(text: str) -> Catalogue:
    """A catalogue from the text of its TOML file; raises `CatalogueDamaged` when the data contradicts itself."""
    data = tomllib.loads(text)
    entries = [_entry(raw) for raw in data["finding"]]
    doubled = [code for code, count in Counter(entry.code for entry in entries).items() if count > 1]
    if doubled:
        raise CatalogueDamaged(f"{', '.join(doubled)}: given more than once; a code is never used again")
    terms = {key: MappingProxyType(dict(names)) for key, names in data.get("terms", {}).items()}
    for key, names in terms.items():
        _require_languages(f"term {key}", names)
    return Catalogue(MappingProxyType({entry.code: entry for entry in entries}), MappingProxyType(terms))


def _entry(raw: Mapping[str, Any]) -> CatalogueEntry:
    code = raw["code"]
    texts = {lang: raw[lang] for lang in LANGUAGES if lang in raw}
    _require_languages(code, texts)
    wanted = _placeholders(texts[LANGUAGES[0]])
    if any(_placeholders(text) != wanted for text in texts.values()):
        raise CatalogueDamaged(f"{code}: the placeholders of the three languages differ")
    if raw["provenance"] not in PROVENANCES:
        raise CatalogueDamaged(f"{code}: the provenance {raw['provenance']!r} is none of {PROVENANCES}")
    if not raw["source"].strip():
        raise CatalogueDamaged(f"{code}: the source is empty")
    return CatalogueEntry(
        code=code,
        severity=Severity(raw["severity"]),
        source=raw["source"],
        provenance=raw["provenance"],
        texts=MappingProxyType(texts),
        placeholders=wanted - _OWN_PLACEHOLDERS,
        retired=raw.get("retired"),
    )


def _require_languages(what: str, texts: Mapping[str, str]) -> None:
    missing = [lang for lang in LANGUAGES if not texts.get(lang, "").strip()]
    if missing:
        raise CatalogueDamaged(f"{what}: no text in {', '.join(missing)}")


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@cache
def catalogue() -> Catalogue:
    """The project's catalogue, read once from `data/findings.toml`."""
    return read_catalogue(files("validators").joinpath("data/findings.toml").read_text("utf-8"))


def found(
    code: str,
    path: str,
    *,
    line: int | None = None,
    field: str | None = None,
    value: str | None = None,
    parameters: Mapping[str, str] = NOTHING,
) -> Finding:
    """A finding whose severity is the catalogue's and whose value is cut to 200 characters.

    Raises `LookupError` for a code that the catalogue does not know or has retired, and `TypeError` when a
    parameter of the texts is not given.
    """
    entry = catalogue().entries.get(code)
    if entry is None or entry.retired is not None:
        raise LookupError(f"{code} is not a finding that can be given")
    missing = entry.placeholders - parameters.keys()
    if missing:
        raise TypeError(f"{code} needs the parameters {sorted(missing)}")
    cut = value[:MAX_VALUE] if value is not None else None
    return Finding(code, entry.severity, path, line, field, cut, MappingProxyType(dict(parameters)))
