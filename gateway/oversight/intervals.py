"""Sets of whole numbers as disjoint closed intervals, each with a label; a step costs O(log n) and what it moves."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

L = TypeVar("L")


class Piece(NamedTuple, Generic[L]):
    """The numbers from `first` to `last`, both included, and their label."""

    first: int
    last: int
    label: L


class Intervals(Generic[L]):
    """Disjoint pieces in ascending order."""

    def __init__(self, pieces: Iterable[Piece[L]] = ()) -> None:
        self._pieces = sorted(pieces, key=lambda piece: piece.first)
        self._lasts = [piece.last for piece in self._pieces]

    def __iter__(self) -> Iterator[Piece[L]]:
        return iter(self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def within(self, first: int, last: int) -> list[Piece[L]]:
        """The parts of the pieces that lie from `first` to `last`."""
        start, stop = self._span(first, last)
        return [Piece(max(one.first, first), min(one.last, last), one.label) for one in self._pieces[start:stop]]

    def touches(self, first: int, last: int) -> bool:
        """Whether any number from `first` to `last` is in the set."""
        start, stop = self._span(first, last)
        return start < stop

    def add(self, first: int, last: int, label: L) -> None:
        """Adds numbers of which none is in the set; nothing where `first` is above `last`."""
        if first <= last:
            at = bisect_left(self._lasts, first)
            self._put(at, at, [Piece(first, last, label)])

    def cut(self, first: int, last: int) -> list[Piece[L]]:
        """Takes the numbers from `first` to `last` out of the set and returns those that were in it."""
        start, stop = self._span(first, last)
        taken = self.within(first, last)
        if taken:
            head, tail = self._pieces[start], self._pieces[stop - 1]
            rest = [Piece(head.first, first - 1, head.label), Piece(last + 1, tail.last, tail.label)]
            self._put(start, stop, [piece for piece in rest if piece.first <= piece.last])
        return taken

    def _span(self, first: int, last: int) -> tuple[int, int]:
        start = stop = bisect_left(self._lasts, first)
        while first <= last and stop < len(self._pieces) and self._pieces[stop].first <= last:
            stop += 1
        return start, stop

    def _put(self, start: int, stop: int, pieces: list[Piece[L]]) -> None:
        self._pieces[start:stop] = pieces
        self._lasts[start:stop] = [piece.last for piece in pieces]


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as the runs without a hole in them; doubles count once."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number <= found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def holes(covered: Iterable[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """What ascending runs leave out between `first` and `last`."""
    left: list[tuple[int, int]] = []
    following = first
    for start, end in covered:
        if start > following:
            left.append((following, start - 1))
        following = max(following, end + 1)
    if following <= last:
        left.append((following, last))
    return left


def without(whole: tuple[int, int], parts: Iterable[Piece[L]]) -> list[tuple[int, int]]:
    """A run without ascending pieces that lie inside it."""
    return holes(((piece.first, piece.last) for piece in parts), *whole)
