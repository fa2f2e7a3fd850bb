"""Messages that carry many items, each of which is judged by itself: one bad item never blocks the others.

The strict schema judges the whole message first. Only where it refuses, each item is asked for alone (the schema
declares it as a global element): the bad ones are set aside, and the message is judged without them.
"""

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from lxml import etree

from validators.attributes import Given, ItemFlaw
from validators.catalogue import found
from validators.faults import Fault
from validators.model import Finding, Item, Severity
from validators.numbers import read_whole
from validators.paths import line_of, path_of
from validators.schemas import Schema
from validators.structure import structure_findings, unexplained

MOST_EXPLAINED: Final = 500
"""So many items that the schema refuses are explained; of further ones it is only told that they are refused."""

T = TypeVar("T")
_REFUSED: Final = "ITM-001"
_FLAGGED: Final = "ITM-002"
_LEAF: Final = b"\x00"


@dataclass(frozen=True, slots=True)
class Carried:
    """The items of a message, and what the schema says.

    `structure` are the defects outside of the items; `ill` holds, by position from 0, the findings of the items that
    the schema refuses. `place` is the path of the element that holds them.
    """

    elements: Sequence[etree._Element]
    place: str
    structure: list[Finding]
    ill: Mapping[int, tuple[Finding, ...]]

    def path(self, position: int) -> str:
        """The path of the item at that position, counted from 0."""
        return _path(self.place, self.elements, position)


def carried(root: etree._Element, holder: etree._Element, tag: str, schema: Schema) -> Carried:
    """The items with that tag in their holder, and the schema's word on them and on the rest of the message."""
    elements = list(holder.iterchildren(tag))
    place = path_of(holder)
    if schema.accepts(root):
        return Carried(elements, place, [], {})
    ill = [position for position, element in enumerate(elements) if not schema.accepts_part(element)]
    structure = structure_findings(_without(root, holder, tag, ill), schema)
    if ill and len(ill) == len(elements):
        structure = [finding for finding in structure if finding.path != f"{place}/{tag}"]
    if not ill and not structure:
        structure = [unexplained(root, schema)]
    return Carried(elements, place, structure, explained(elements, place, ill, schema))


def alone(element: etree._Element, schema: Schema) -> Carried:
    """An item without its message, and the schema's word on it."""
    ill = [] if schema.accepts_part(element) else [0]
    return Carried([element], "", [], explained([element], "", ill, schema))


def bare(root: etree._Element, holder: etree._Element, tag: str, schema: Schema) -> list[Finding]:
    """The defects outside of the items of a message whose items are not looked at, since they are too many."""
    count = sum(1 for _ in holder.iterchildren(tag))
    structure = structure_findings(_without(root, holder, tag, range(count)), schema)
    return [finding for finding in structure if finding.path != f"{path_of(holder)}/{tag}"]


@dataclass(slots=True)
class Tally:
    """What became of items: how many were given, refused and flagged, and the lowest and highest number among them.

    Both numbers are 0 where none has one.
    """

    given: int = 0
    refused: int = 0
    flagged: int = 0
    first: int = 0
    last: int = 0

    @classmethod
    def of(cls, items: Iterable[Item]) -> "Tally":
        """The tally of those items."""
        tally = cls()
        tally.take(items)
        return tally

    def take(self, items: Iterable[Item]) -> None:
        """Counts further items."""
        for item in items:
            self.given += 1
            self.refused += not item.accepted
            self.flagged += item.accepted and bool(item.findings)
            if item.number:
                self.first = min(self.first or item.number, item.number)
                self.last = max(self.last, item.number)


class Seen(Generic[T]):
    """What was met before among many; `among` tells what may come again, which alone is remembered."""

    def __init__(self, among: Callable[[T], bool]) -> None:
        self._among = among
        self._met: set[T] = set()

    def add(self, value: T) -> None:
        """Remembers it."""
        if self._among(value):
            self._met.add(value)

    def __contains__(self, value: T) -> bool:
        return value in self._met


def given_of(element: etree._Element) -> Given:
    """The attributes of an item; names and values are asked for apart, which takes half as long as pairs of them."""
    names, values = cast("list[str]", element.keys()), cast("list[str]", element.values())
    return dict(zip(names, values, strict=True))


def judge_each(
    carried: Carried, given: Sequence[Given], judge: Callable[[int, Given], Item], start: int = 0
) -> tuple[Item, ...]:
    """The outcome of each item in its order: what the schema refuses is refused, the rest is asked of `judge`, by its
    position.

    `given` are the attributes of each, the first of them at the position `start`.
    """
    items = []
    for position, attributes in enumerate(given, start):
        ill = carried.ill.get(position)
        if ill is None:
            items.append(judge(position, attributes))
        else:
            number, identity = read_whole(attributes.get("Sequence", "")) or 0, attributes.get("Id", "")
            items.append(refused_item(carried.elements[position], number, identity, ill))
    return tuple(items)


def item_findings(carried: Carried, position: int, given: Given, told: Sequence[ItemFlaw]) -> tuple[Finding, ...]:
    """What is wrong with the item at that position as findings at its attributes."""
    path, line = carried.path(position), line_of(carried.elements[position])
    return tuple(
        found(
            flaw.code,
            f"{path}/@{attribute}" if attribute else path,
            line=line,
            value=given.get(attribute),
            parameters={"attribute": attribute, **flaw.parameters},
        )
        for attribute, flaw in told
    )


def accepted_item(
    number: int, identity: str, content: Mapping[str, Any], findings: tuple[Finding, ...], key: str | None = None
) -> Item:
    """An item that stands, flagged where it has findings."""
    return Item(number, identity, True, findings, "", content, key)


def refused_item(element: etree._Element, number: int, identity: str, findings: tuple[Finding, ...]) -> Item:
    """An item that is refused: its content goes nowhere, its leaf hash proves what was refused."""
    written = etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
    leaf = hashlib.sha256(_LEAF + written).hexdigest()
    return Item(number, identity, False, findings, leaf, {})


def refuses(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def outcome_faults(tally: Tally, holder: etree._Element) -> list[Fault]:
    """What a message says of its items as a whole: how many were refused, how many flagged; nothing where none was."""
    counts = {_REFUSED: tally.refused, _FLAGGED: tally.flagged}
    return [
        Fault(code, holder, "", None, {"count": str(count), "given": str(tally.given)})
        for code, count in counts.items()
        if count
    ]


def _path(place: str, elements: Sequence[etree._Element], position: int) -> str:
    number = f"[{position + 1}]" if len(elements) > 1 else ""
    return f"{place}/{elements[position].tag}{number}"


def _without(root: etree._Element, holder: etree._Element, tag: str, out: Iterable[int]) -> etree._Element:
    """A copy of the message without those of its items; text that stood after them stays."""
    gone = set(out)
    route = root.getroottree().getelementpath(holder)
    whole = copy.deepcopy(root)
    there = whole.find(route) if route != "." else whole
    assert there is not None  # noqa: S101 - the copy has every element of the original
    for position, element in enumerate(list(there.iterchildren(tag))):
        if position in gone:
            _take_out(element, there)
    return whole


def _take_out(element: etree._Element, parent: etree._Element) -> None:
    tail = (element.tail or "").strip()
    if tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
    parent.remove(element)


def explained(
    elements: Sequence[etree._Element], place: str, ill: Sequence[int], schema: Schema, most: int = MOST_EXPLAINED
) -> dict[int, tuple[Finding, ...]]:
    """What is wrong with those that the schema refuses, by position; at most so many are explained."""
    if not ill:
        return {}
    from validators.explain import explain_parts  # noqa: PLC0415 - xmlschema costs memory, needed for refusals only

    parts = [(elements[position], _path(place, elements, position)) for position in ill[:most]]
    told = dict(zip(ill, explain_parts(parts, schema), strict=False))
    for position in ill:
        if not told.get(position):
            path = _path(place, elements, position)
            line = line_of(elements[position])
            told[position] = (found("XML-099", path, line=line, parameters={"message": "not explained"}),)
    return told
