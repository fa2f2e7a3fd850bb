"""Whole numbers as items write them: from 0 to 2^53-1, the most that a number of JSON holds exactly."""

from typing import Final

MOST: Final = 2**53 - 1
_DIGITS: Final = len(str(MOST))


def read_whole(text: str) -> int | None:
    """The number; None for what is not written in digits alone or is larger than `MOST`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        return None
    number = int(text)
    return number if number <= MOST else None
