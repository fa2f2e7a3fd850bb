"""Vehicle identification numbers (ISO 3779, ISO 3780) and registration numbers of Kazakhstan's usual forms."""

import re
from operator import mul

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{13}[0-9]{4}", re.ASCII)
_TYPED_FOR = str.maketrans("OI", "01")
_DIGITS = "0123456789"
_LETTERS = {
    letter: digit
    for letters, digit in zip(
        ("AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"), (1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True
    )
    for letter in letters
}
_VALUES = {**{digit: int(digit) for digit in _DIGITS}, **_LETTERS}
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECK_AT = 8
_REGISTRATIONS = re.compile(
    r"[0-9]{3}[A-Z]{2,3}[0-9]{2}"  # since 2012: 777 AAA 02, of a legal person 777 AA 02
    r"|[A-Z][0-9]{3}[A-Z]{2,3}"  # before: A 777 AAA, of a legal person A 777 AA
    r"|[0-9]{2}[A-Z]{2}[0-9]{2}",  # motorcycles: 12 AA 02
    re.ASCII,
)


def vin_of(plain: str) -> str:
    """The VIN that a plain text means: it never holds O and I, so these are 0 and 1. Q may be 0 or 9 and stays."""
    return plain.translate(_TYPED_FOR)


def is_vin(vin: str) -> bool:
    """True for the form of ISO 3779: 17 capitals and digits without I, O and Q, the last four of them digits."""
    return _VIN.fullmatch(vin) is not None


def vin_check_digit(vin: str) -> str:
    """What stands in the ninth place of a VIN where a check digit is used: a digit, or X for ten."""
    rest: int = sum(map(mul, (_VALUES[character] for character in vin), _WEIGHTS)) % 11
    return "X" if rest == len(_DIGITS) else str(rest)


def has_right_check_digit(vin: str) -> bool:
    """True when the ninth place holds the check digit of the others."""
    return vin[_CHECK_AT] == vin_check_digit(vin)


def is_usual_registration(plain: str) -> bool:
    """True for the usual forms of a registration number; others exist, so another form is only worth a warning."""
    return _REGISTRATIONS.fullmatch(plain) is not None
