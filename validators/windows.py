"""A long message as a tree that is never whole: a window of it stands, what was seen is taken away."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from lxml import etree

from validators.limits import Limits
from validators.long_text import LongText
from validators.parsing import GUARDED, refusal_of
from validators.refusals import LimitExceeded, NotWellFormed

_Events: TypeAlias = "Iterator[tuple[str, etree._Element]]"  # noqa: SLF001 - lxml names its element type so
SECTION_DEPTH: Final = 2
"""The depth of `SignedData`: a child of the root."""


@dataclass(slots=True)
class Window:
    """What stands of a message: the root, the open elements from the root down, and what ended since the last one.

    `sections` counts the `SignedData` below the root that began so far, `signed` is the first of them; `parts` are the
    children of any section that ended in this window.
    """

    root: etree._Element | None = None
    open: list[etree._Element] = field(default_factory=list)
    signed: etree._Element | None = None
    sections: int = 0
    parts: list[etree._Element] = field(default_factory=list)
    elements: int = 0
    deepest: int = 0

    def forget(self) -> None:
        """Takes away every child before the last one of each open element, and the text that follows it."""
        self.parts.clear()
        for element in self.open:
            del element[:-1]


def windows(text: LongText, window: Window | None = None) -> Iterator[Window]:
    """The windows of a message in its order, the same object each time; the last one comes when all is read.

    What a window forgets is gone before the next one, whether its taker asked for it or not; `window` is one that
    forgets in a manner of its own. Raises a `Refusal`: what
    `parse` refuses is refused before the end, whatever was yielded until then. To be used in a thread that is thrown
    away (`validators.apart`), since names may be a stranger's.
    """
    parser = etree.XMLPullParser(events=("start", "end"), **GUARDED)
    window, longest, begun = window or Window(), 0, False
    try:
        for piece in text.pieces():
            begun = True
            parser.feed(piece)
            longest = max(longest, _follow(window, parser, text.limits))
            if window.root is not None:
                yield window
                window.forget()
        if not begun:
            raise NotWellFormed("no-root", 1)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise refusal_of(error) from None
    _follow(window, parser, text.limits)
    yield window
    if window.deepest > text.limits.depth:
        raise LimitExceeded("depth", None, {"most": str(text.limits.depth)})
    if longest > text.limits.text:
        raise LimitExceeded("text", None, {"most": str(text.limits.text), "found": str(longest)})


def _follow(window: Window, parser: "etree.XMLPullParser", limits: Limits) -> int:
    """Takes up what was parsed, and tells the length of the longest text that stands."""
    open_, depth = window.open, window.deepest
    events = cast("_Events", parser.read_events())
    for action, element in events:
        if action == "start":
            open_.append(element)
            window.elements += 1
            depth = max(depth, len(open_))
            if len(open_) == SECTION_DEPTH:
                _begin_section(window, element)
        else:
            open_.pop()
            if len(open_) == SECTION_DEPTH:
                window.parts.append(element)
    window.deepest = depth
    if window.root is None and open_:
        window.root = open_[0]
    if window.elements > limits.elements:
        most = {"most": str(limits.elements), "found": str(window.elements)}
        raise LimitExceeded("elements", None, most)
    return max(map(len, window.root.itertext()), default=0) if window.root is not None else 0


def _begin_section(window: Window, element: etree._Element) -> None:
    if element.tag == "SignedData":
        window.sections += 1
        if window.signed is None:
            window.signed = element
