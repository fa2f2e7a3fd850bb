"""Identifiers of Kazakhstan and their check digits: IIN, BIN, IBAN, KATO, KNP, OKED, GUID."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from operator import mul

_IBAN = re.compile(r"KZ\d{2}\d{3}[A-Z0-9]{13}", re.ASCII)
_ALNUM = re.compile(r"[A-Z0-9]+", re.ASCII)
_GUID = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.ASCII)
_FIRST_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_LETTERS_AS_DIGITS = {ord(letter): str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_NO_NUMBER = 10
_CENTURIES = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}
_BIN_TYPES = frozenset("456")


def _are_digits(value: str, count: int) -> bool:
    return len(value) == count and value.isascii() and value.isdigit()


class IdentifierProblem(StrEnum):
    """Why a value is not an IIN or BIN."""

    FORM = "form"
    CHECK_DIGIT = "check-digit"


def check_digit(first_eleven: str) -> int | None:
    """The twelfth digit of an IIN or BIN, or None when no number begins with these eleven digits.

    Weights 1..11 modulo 11; if that gives 10, weights 3..11,1,2 modulo 11; if 10 again the number does not exist.
    """
    digits = tuple(map(int, first_eleven))
    for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS):
        rest: int = sum(map(mul, digits, weights)) % 11
        if rest != _NO_NUMBER:
            return rest
    return None


def has_identifier_form(value: str) -> bool:
    """True for twelve ASCII digits, whatever the check digit says."""
    return _are_digits(value, 12)


def identifier_problem(value: str) -> IdentifierProblem | None:
    """What is wrong with an IIN or BIN: its form, its check digit, or nothing (None)."""
    if not _are_digits(value, 12):
        return IdentifierProblem.FORM
    if check_digit(value[:11]) != int(value[11]):
        return IdentifierProblem.CHECK_DIGIT
    return None


def is_identifier(value: str) -> bool:
    """True for twelve digits with the right check digit: an IIN or a BIN."""
    return identifier_problem(value) is None


def is_iin(value: str) -> bool:
    """True for an identifier whose first six digits are a day of birth."""
    return is_identifier(value) and birth_dates(value) != frozenset()


def is_bin(value: str) -> bool:
    """True for an identifier that begins with a month of registration and a type of 4, 5 or 6."""
    return is_identifier(value) and 1 <= int(value[2:4]) <= 12 and value[4] in _BIN_TYPES  # noqa: PLR2004 - months


def birth_dates(iin: str) -> frozenset[date]:
    """The days of birth that an IIN of twelve digits may mean.

    One day where the seventh digit names the century (1/2, 3/4, 5/6: the 19th, 20th, 21st); one a century where it
    does not; none where the first six digits are no day.
    """
    century = _CENTURIES.get(iin[6])
    centuries = (century,) if century is not None else tuple(sorted(set(_CENTURIES.values())))
    return frozenset(day for start in centuries if (day := _day(start, iin)) is not None)


def _day(century: int, iin: str) -> date | None:
    try:
        return date(century + int(iin[:2]), int(iin[2:4]), int(iin[4:6]))
    except ValueError:
        return None


def looks_like_iban(value: str) -> bool:
    """True for an account of 20 characters that begins with KZ, which is then an IBAN or a mistake."""
    return len(value) == 20 and value.startswith("KZ")  # noqa: PLR2004 - the length of a Kazakh IBAN


def is_iban(value: str) -> bool:
    """True for a Kazakh IBAN: KZ, check digits, a bank code of 3 digits, 13 letters or digits (ISO 7064 mod 97-10)."""
    return _IBAN.fullmatch(value) is not None and _remainder(value[4:] + value[:4]) == 1


def iban_check_digits(account: str) -> str:
    """The two check digits of the Kazakh IBAN over a bank code and account of 16 upper-case letters and digits."""
    if _ALNUM.fullmatch(account) is None:
        raise ValueError("a bank code and an account are upper-case letters and digits")
    return f"{98 - _remainder(account + 'KZ00'):02d}"


def _remainder(rearranged: str) -> int:
    return int(rearranged.translate(_LETTERS_AS_DIGITS)) % 97


@dataclass(frozen=True, slots=True)
class Region:
    """A region of Kazakhstan: the first two digits of KATO and its names."""

    code: str
    names: tuple[tuple[str, str], ...]

    def name(self, language: str) -> str:
        """The region's name in kk, ru or en."""
        return dict(self.names)[language]


@cache
def regions() -> dict[str, Region]:
    """The regions by the first two digits of KATO, from `data/kato_regions.tsv`."""
    text = files("validators").joinpath("data/kato_regions.tsv").read_text("utf-8")
    head, *rows = (line.split("\t") for line in text.splitlines())
    languages = tuple(column.removeprefix("name_") for column in head[1:4])
    return {row[0]: Region(row[0], tuple(zip(languages, row[1:4], strict=True))) for row in rows}


def has_kato_form(value: str) -> bool:
    """True for nine ASCII digits."""
    return _are_digits(value, 9)


def has_known_region(kato: str) -> bool:
    """True when the first two digits of a KATO code are those of a region."""
    return kato[:2] in regions()


def is_knp(value: str) -> bool:
    """True for a payment purpose code of three digits."""
    return _are_digits(value, 3)


def is_oked(value: str) -> bool:
    """True for an economic activity code of five digits."""
    return _are_digits(value, 5)


def is_guid(value: str) -> bool:
    """True for an upper-case GUID with hyphens and without braces."""
    return _GUID.fullmatch(value) is not None
