"""Which numbers and ids come more than once among millions, in memory that holds 8 bytes of each."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SHARES: Final = 256
_SHORT_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Repeated:
    """The numbers and ids (the first 8 bytes of their SHA-256) that come more than once; None where nobody counted.

    `surplus` is how many items come after the first of their number, or of their id, whichever are more.
    """

    numbers: frozenset[int] | None = None
    ids: frozenset[int] | None = None
    surplus: int = 0

    def number(self, number: int) -> bool:
        """Whether the number may come again."""
        return self.numbers is None or number in self.numbers

    def id(self, identity: str) -> bool:
        """Whether the id may come again."""
        return self.ids is None or (bool(self.ids) and _short(identity) in self.ids)


NOT_COUNTED: Final = Repeated()


class Repeats:
    """Counts the numbers and ids of items as they come."""

    def __init__(self) -> None:
        self._numbers = [array("Q") for _ in range(_SHARES)]
        self._ids = [array("Q") for _ in range(_SHARES)]

    def take(self, number: int, identity: str) -> None:
        """Counts one item; a number is below 2**53."""
        # Python hashes bytes and texts with a secret of the process: nobody can have all values go into one share
        self._numbers[hash(number.to_bytes(_SHORT_BYTES)) % _SHARES].append(number)
        self._ids[hash(identity) % _SHARES].append(_short(identity))

    def repeated(self, most: int) -> Repeated:
        """What comes more than once; of more than `most` items only that they are so many."""
        numbers, again = _repeated(self._numbers, most)
        ids, once_more = _repeated(self._ids, most)
        return Repeated(numbers, ids, max(again, once_more))


def _short(identity: str) -> int:
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:_SHORT_BYTES])


def _repeated(shares: "Sequence[array[int]]", most: int) -> tuple[frozenset[int], int]:
    """The values that come more than once, looked for share by share, since a set of them all would be too large."""
    found: set[int] = set()
    surplus = 0
    for share in shares:
        if len(set(share)) == len(share):
            continue
        for value, times in Counter(share).items():
            if times > 1:
                surplus += times - 1
                found.add(value)
        if surplus > most:
            break
    return frozenset(found), surplus
