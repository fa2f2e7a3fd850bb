"""Unique codes of items and of operations: made, checked and understood however they are typed.

A code is a letter for its kind, twelve random characters and a check character. Its alphabet has no character that is
taken for another one (no 0 and O, no 1, I and L). The check character is that of ISO/IEC 7064, MOD 37-2, which shows
every wrong character and every exchange of two; codes whose check character lies outside of the alphabet do not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from validators.luxury.lookalikes import unspaced

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
RANDOM_CHARACTERS = 12
LENGTH = 1 + RANDOM_CHARACTERS + 1
GROUPS = (5, 5, 4)
LONGEST_TYPED = 100
_CHECKS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_VALUES = {character: value for value, character in enumerate(_CHECKS)}
_MODULUS, _RADIX = 37, 2
_ALPHABET = frozenset(ALPHABET)
_FIGURES = str.maketrans("З", "3")


class CodeKind(StrEnum):
    """What a code is of; the value is the code's first character."""

    ITEM = "T"
    OPERATION = "D"


class CodeFault(StrEnum):
    """Why a text is not a unique code."""

    LENGTH = "length"
    CHARACTER = "character"
    KIND = "kind"
    CHECK = "check"


class CodeRefused(ValueError):
    """The text is not a unique code; `fault` tells why, `character` is the first one that no code has."""

    def __init__(self, fault: CodeFault, character: str = "") -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.character = character


@dataclass(frozen=True, slots=True)
class UniqueCode:
    """A code that can have been issued: `text` is its one form of 14 characters."""

    text: str

    @property
    def kind(self) -> CodeKind:
        """What it is a code of."""
        return CodeKind(self.text[0])

    @property
    def grouped(self) -> str:
        """The code as it is shown to people: `XXXXX-XXXXX-XXXX`."""
        return "-".join((self.text[: GROUPS[0]], self.text[GROUPS[0] : -GROUPS[2]], self.text[-GROUPS[2] :]))

    def __str__(self) -> str:
        return self.text


def check_character(body: str) -> str:
    """The MOD 37-2 check character of a text of 0-9 and A-Z: one of these, or `*`."""
    product = 0
    for character in body:
        product = (product + _VALUES[character]) * _RADIX % _MODULUS
    return _CHECKS[(1 - product) % _MODULUS]


def make_code(kind: CodeKind, choose: Callable[[str], str]) -> UniqueCode:
    """A new code; `choose` draws one character of a text, so that nobody can foresee which."""
    while True:
        body = kind.value + "".join([choose(ALPHABET) for _ in range(RANDOM_CHARACTERS)])
        check = check_character(body)
        if check in _ALPHABET:
            return UniqueCode(body + check)


def read_code(typed: str, kind: CodeKind | None = None) -> UniqueCode:
    """The code that was typed: in lower case, in groups, with hyphens or with look-alikes of another script.

    Nothing is guessed: a character that could stand for two of the alphabet is refused. Raises CodeRefused, with
    `KIND` where the code is of another kind than is wanted.
    """
    if len(typed) > LONGEST_TYPED:
        raise CodeRefused(CodeFault.LENGTH)
    text = unspaced(typed).translate(_FIGURES)
    foreign = next((character for character in text if character not in _ALPHABET), None)
    if foreign is not None:
        raise CodeRefused(CodeFault.CHARACTER, foreign)
    if len(text) != LENGTH:
        raise CodeRefused(CodeFault.LENGTH)
    if check_character(text[:-1]) != text[-1]:
        raise CodeRefused(CodeFault.CHECK)
    if text[0] not in tuple(CodeKind) or (kind is not None and text[0] != kind.value):
        raise CodeRefused(CodeFault.KIND)
    return UniqueCode(text)
