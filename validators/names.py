"""Which name was probably meant: look-alike letters, other case, misprints."""

import difflib
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_LOOK_ALIKES: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮҺаеѕіјорсухүһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABESIJKMHOPCTYXYhaesijopcyxyhdqwABEZHIKMNOPTYXo",
)
_CLOSE_ENOUGH: Final = 0.8
_LONGEST: Final = 64


def latin(name: str) -> str:
    """The name with letters of the Cyrillic and Greek alphabets that look Latin turned into Latin ones."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name).translate(_LOOK_ALIKES)


def foreign_letters(name: str) -> str:
    """The letters of a name that only look Latin, each with its code point: `С (U+0421)`."""
    letters = dict.fromkeys(letter for letter in name if not letter.isascii())
    return ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in letters)


@lru_cache(maxsize=4_096)
def closest(name: str, allowed: Sequence[str]) -> str | None:
    """The allowed name that a name is, looks like, or is a misprint of; None where none is near, or several equally.

    `allowed` is a tuple. A namespace is left out of account.
    """
    local = name.rpartition("}")[2]
    if local in allowed:
        return local
    if len(local) > _LONGEST:
        return None
    folded = latin(local)
    same = [one for one in allowed if one.casefold() == folded.casefold()]
    near = same or difflib.get_close_matches(folded, allowed, n=2, cutoff=_CLOSE_ENOUGH)
    if not same and len({_likeness(folded, one) for one in near}) < len(near):
        return None
    return near[0] if near else None


def _likeness(name: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, name).ratio()
