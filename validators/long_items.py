"""The items of a long message go by row by row; all else of it is kept, and must fit what a short message may hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, overload

from lxml import etree

from validators.itemised import Holder
from validators.limits import DEFAULT_LIMITS
from validators.long_text import LongText
from validators.refusals import LimitExceeded, TooLarge
from validators.schemas import ROW
from validators.windows import Window, windows

SHORT: Final = DEFAULT_LIMITS
"""What everything but the items may hold: the limits of a short message."""


class Row(NamedTuple):
    """Some items in the order in which they stand, taken out of their message; `start` counts those before them."""

    start: int
    holder: etree._Element
    elements: list[etree._Element]


class Span(Sequence[etree._Element]):  # noqa: SLF001 - lxml names its element type so
    """The items of a message by position, of which only one row is there at a time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._row = Row(0, etree.Element(ROW), [])

    def move(self, row: Row) -> None:
        """Goes on to the next row."""
        self._row = row

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, position: int) -> etree._Element: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[etree._Element]: ...
    def __getitem__(self, position: int | slice) -> etree._Element | Sequence[etree._Element]:
        if isinstance(position, slice):
            raise TypeError("the items of a long message are there one by one")
        if not 0 <= position - self._row.start < len(self._row.elements):
            raise IndexError(position)
        return self._row.elements[position - self._row.start]


@dataclass(slots=True)
class _Kept(Window):
    """A window of which nothing is forgotten: who reads takes the items out."""

    def forget(self) -> None:
        """Keeps all but the list of what ended."""
        self.parts.clear()


@dataclass(slots=True)
class Outline:
    """A long message read once: its `root` without items, which go by in `rows`.

    `holder` is the element that held them and `place` says which one that is; both are None where there is none of
    `places`. To be used in a thread or process that is thrown away, as `windows` says.
    """

    text: LongText
    places: Sequence[Holder]
    root: etree._Element | None = None
    holder: etree._Element | None = None
    place: Holder | None = None
    count: int = 0

    def rows(self) -> Iterator[Row]:
        """The items in rows of some hundred KB.

        Raises a `Refusal`: where it is no message, or where all else is more than a short message may hold.
        """
        for window in windows(self.text, _Kept()):
            self.root = window.root
            if self.holder is None:
                self._look()
            if self.holder is not None and self.place is not None:
                row = self._take(self.holder, self.place.item, still_open=self.holder in window.open)
                if row.elements:
                    yield row
            self._check()

    def _look(self) -> None:
        for place in self.places:
            holder = self.root.find(place.path) if self.root is not None else None
            if holder is not None:
                self.holder, self.place = holder, place
                return

    def _take(self, holder: etree._Element, tag: str, *, still_open: bool) -> Row:
        """Takes out the items that are complete; text that stood after one stays."""
        ready = list(holder.iterchildren(tag))
        if still_open and ready and ready[-1] is holder[-1]:
            ready.pop()
        _leave_texts(ready, holder)
        row = etree.Element(ROW)
        row.extend(ready)
        start = self.count
        self.count += len(ready)
        return Row(start, row, ready)

    def _check(self) -> None:
        """That what is kept is no more than a short message may hold, in bytes of UTF-8 and elements."""
        if self.root is None:
            return
        kept = len(etree.tostring(self.root, encoding="utf-8"))
        if kept > SHORT.bytes:
            raise TooLarge("bytes", None, {"most": str(SHORT.bytes), "found": str(kept)})
        elements = sum(1 for _ in self.root.iter())
        if elements > SHORT.elements:
            raise LimitExceeded("elements", None, {"most": str(SHORT.elements), "found": str(elements)})


def _leave_texts(elements: Sequence[etree._Element], holder: etree._Element) -> None:
    """Leaves text that follows an item to the holder, where the schema speaks of it."""
    texts = []
    for element in elements:
        if element.tail and (text := element.tail.strip()):
            texts.append(text)
            element.tail = None
    if texts:
        holder.text = " ".join([holder.text or "", *texts])
