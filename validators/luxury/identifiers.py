"""Identifiers of luxury goods, each read into one form: the same thing is found again however it is typed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from codes.tables import CodeTable
from validators.catalogue import found
from validators.luxury.lookalikes import folded, separates, unspaced
from validators.luxury.vehicles import has_right_check_digit, is_usual_registration, is_vin, vin_of
from validators.model import Finding

LONGEST = 100
CHECKED = "yes"
_HULL = re.compile(r"([A-Z]{2})([A-Z0-9]{3})([A-Z0-9]{5})([A-L])([0-9])([0-9]{2})", re.ASCII)
_HULL_DIGITS = str.maketrans("OI", "01")
_HULL_SERIAL = slice(5, 10)
_HULL_DATE = slice(11, 14)
_TAIL = re.compile(r"(?=.*[A-Z])[A-Z0-9]{3,7}", re.ASCII)
_CERTIFICATE = re.compile(r"[A-Z]{2}[A-Z0-9/]*[0-9][A-Z0-9/]*", re.ASCII)
_CADASTRAL = re.compile(r"([0-9]{2}):?([0-9]{3}):?([0-9]{3})((?::[0-9A-Z/]{1,8}){1,4})", re.ASCII)
_SOMETHING = re.compile(r"(?=.*\w)[^\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier of a thing: its kind (`vin`, `hull` ...), its one form, and what was found in it."""

    kind: str
    value: str
    findings: tuple[Finding, ...] = ()


Reading = tuple[str, tuple[str, ...]]
"""The one form, and the catalogue's codes of what was found."""


@dataclass(frozen=True, slots=True)
class IdentifierReader:
    """Reads identifiers; `regions` is the table `vin_regions`, which tells whose VINs have a check digit."""

    regions: CodeTable

    def read(self, kind: str, typed: str) -> Identifier:
        """The identifier that was typed, with every finding on it; LookupError where the kind is unknown."""
        reader = _READERS[kind]
        if len(typed) > LONGEST:
            return Identifier(kind, "", (found("LUX-003", kind, value=typed, parameters={"longest": str(LONGEST)}),))
        value, codes = reader(typed, self.regions)
        findings = tuple(found(code, kind, value=typed) for code in codes)
        return Identifier(kind, value, findings)


def _vin(typed: str, regions: CodeTable) -> Reading:
    vin = vin_of(unspaced(typed))
    if not is_vin(vin):
        return vin, ("LUX-010",)
    region = regions.get(vin[0])
    if region is None:
        return vin, ("LUX-011",)
    if regions.value(region, "check_digit") == CHECKED and not has_right_check_digit(vin):
        return vin, ("LUX-012",)
    return vin, ()


def _registration(typed: str, _regions: CodeTable) -> Reading:
    plain = unspaced(typed)
    return plain, () if is_usual_registration(plain) else ("LUX-013",)


def _hull(typed: str, _regions: CodeTable) -> Reading:
    plain = unspaced(typed)
    for part in (_HULL_SERIAL, _HULL_DATE):
        plain = plain[: part.start] + plain[part].translate(_HULL_DIGITS) + plain[part.stop :]
    return plain, () if _HULL.fullmatch(plain) else ("LUX-014",)


def _tail(typed: str, _regions: CodeTable) -> Reading:
    plain = unspaced(typed)
    return plain, () if _TAIL.fullmatch(plain) else ("LUX-015",)


def _cadastral(typed: str, _regions: CodeTable) -> Reading:
    """Groups stay apart, since the later ones differ in length; what separates them does not matter."""
    spaced = "".join(":" if separates(character) else character for character in folded(typed.strip()))
    matched = _CADASTRAL.fullmatch(re.sub(":+", ":", spaced))
    if matched is None:
        return spaced, ("LUX-016",)
    return f"{matched[1]}:{matched[2]}:{matched[3]}{matched[4]}", ()


def _certificate(typed: str, _regions: CodeTable) -> Reading:
    plain = unspaced(typed)
    return plain, () if _CERTIFICATE.fullmatch(plain) else ("LUX-017",)


def _name_or_number(typed: str, _regions: CodeTable) -> Reading:
    plain = unspaced(typed)
    return plain, () if _SOMETHING.fullmatch(plain) else ("LUX-018",)


_READERS: Mapping[str, Callable[[str, CodeTable], Reading]] = MappingProxyType(
    {
        "vin": _vin,
        "registration": _registration,
        "hull": _hull,
        "tail": _tail,
        "cadastral": _cadastral,
        "certificate": _certificate,
        "maker": _name_or_number,
        "serial": _name_or_number,
    }
)
KINDS = frozenset(_READERS)
"""The kinds of identifiers that can be read."""
