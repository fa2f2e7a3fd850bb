"""What a person types, as one plain text: one case, one script where letters look the same, no separators.

Folding knows shapes alone and gives every character at most one reading; characters that look like nothing Latin stay
as they are, so that a text is never taken for another one that looks different.
"""

import unicodedata
from functools import lru_cache

_CYRILLIC = ("АВСЕНІЈКМОРԚЅТУҮҰԜХҺ", "ABCEHIJKMOPQSTYYYWXH")
_GREEK = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
_FOLDED = str.maketrans("".join((_CYRILLIC[0], _GREEK[0])), "".join((_CYRILLIC[1], _GREEK[1])))
_PASSES = 4
_BETWEEN = frozenset(("Zs", "Zl", "Zp", "Pd", "Cf", "Cc"))
_MORE_BETWEEN = frozenset("._\N{MINUS SIGN}\N{MIDDLE DOT}")


def unspaced(typed: str) -> str:
    """The text in upper case with look-alikes folded and everything that only separates left out.

    What comes out reads as itself: where a folded letter and a mark that followed it become one, it is folded again.
    """
    text = typed
    for _ in range(_PASSES):
        if text.isascii() and text.isalnum():
            break
        text = "".join(character for character in folded(text) if not separates(character))
    return text.upper()


def folded(typed: str) -> str:
    """The text in upper case, in compatibility form, its Cyrillic and Greek look-alikes as Latin letters."""
    return unicodedata.normalize("NFKC", typed).upper().translate(_FOLDED)


@lru_cache(maxsize=1024)
def separates(character: str) -> bool:
    """True for white space, hyphens and dashes of every kind, full stops, underscores and invisible characters."""
    return character in _MORE_BETWEEN or unicodedata.category(character) in _BETWEEN
