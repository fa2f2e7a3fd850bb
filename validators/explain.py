"""What exactly is wrong with a message that libxml2 refused, told from the components of xmlschema's model.

xmlschema's own messages stop at the first wrong child of an element and speak of content models. Here each element's
children are laid against the model as a whole, so that one misplaced element hides nothing after it and a misprinted
one is not called missing as well.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from lxml import etree
from xmlschema.validators import XsdComplexType, XsdElement, XsdGroup, XsdSimpleType
from xmlschema.validators.validation import ValidationContext

from validators.forms import value_flaws
from validators.model import NOTHING, Finding, Severity
from validators.names import closest, foreign_letters, latin
from validators.ordering import Slot, slots_of
from validators.paths import line_of, shown_name
from validators.runs import in_order
from validators.schemas import Schema

_SHOWN: Final = 200
_XML_BLANKS: Final = " \t\r\n"
_NAMES_SHOWN: Final = 24


class _Place(NamedTuple):
    """An element of the message, its path there, and the path without positions that the schema knows it by."""

    element: etree._Element
    path: str
    route: str


class _Child(NamedTuple):
    """A child in the message, the slot it fills and the name it should have; both None when it has no place here."""

    place: _Place
    slot: int | None
    name: str | None


class _Row(NamedTuple):
    """The children of one element against its slots; `kept` are the positions of those that stand in order."""

    parent: _Place
    slots: tuple[Slot, ...]
    children: tuple[_Child, ...]
    kept: frozenset[int]


def explain(root: etree._Element, schema: Schema) -> Iterator[Finding]:
    """Every defect of structure and form, in document order."""
    return _Explainer(schema).message(root)


def explain_parts(parts: Iterable[tuple[etree._Element, str]], schema: Schema) -> Iterator[tuple[Finding, ...]]:
    """For each element, which the schema declares by itself, its defects as if it stood at that path."""
    explainer = _Explainer(schema)
    for element, path in parts:
        yield tuple(explainer.part(element, path))


class _Explainer:
    """Walks a message and the schema side by side."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._explainer = schema.explainer()
        self._context = ValidationContext(source=self._explainer.source)

    def message(self, root: etree._Element) -> Iterator[Finding]:
        declared = self._explainer.elements
        meant = closest(root.tag, tuple(declared))
        place = _Place(root, f"/{shown_name(root.tag)}", f"/{meant}")
        if meant is None:
            yield self._at(place, "XML-018", {"name": shown_name(root.tag), "expected": ", ".join(declared)})
            return
        yield from self._misnamed(place, meant)
        yield from self._element(place, declared[meant])

    def part(self, element: etree._Element, path: str) -> Iterator[Finding]:
        yield from self._element(_Place(element, path, path), self._explainer.elements[element.tag])

    def _element(self, place: _Place, declared: XsdElement) -> Iterator[Finding]:
        type_ = declared.type
        if isinstance(type_, XsdSimpleType):
            yield from self._attributes(place, {})
            yield from self._value(place, type_)
        elif isinstance(type_, XsdComplexType):
            declared_attributes = {name: one for name, one in type_.attributes.items() if name is not None}
            yield from self._attributes(place, {n: one.type for n, one in declared_attributes.items() if one.type})
            for name, one in declared_attributes.items():
                if one.use == "required" and name not in place.element.attrib:
                    parameters = {"name": name, "element": declared.local_name}
                    yield self._at(place, "XML-011", parameters, below=f"/@{name}")
            if isinstance(type_.content, XsdGroup):
                yield from self._content(place, slots_of(type_.content))
            else:
                yield from self._value(place, type_.content)

    def _attributes(self, place: _Place, declared: Mapping[str, XsdSimpleType]) -> Iterator[Finding]:
        for key, given in place.element.attrib.items():
            name, value = str(key), str(given)
            if name in declared:
                for flaw in value_flaws(value, declared[name], self._context):
                    yield self._at(place, flaw.code, flaw.parameters, value, below=f"/@{name}")
            else:
                yield self._unknown_attribute(place, name, value, tuple(declared))

    def _unknown_attribute(self, place: _Place, name: str, value: str, declared: tuple[str, ...]) -> Finding:
        namespace, _, local = name.rpartition("}")
        meant = closest(name, declared)
        parameters = {"name": local, "element": shown_name(place.element.tag)}
        if namespace:
            code, parameters = "XML-041", {"name": local, "namespace": namespace[1:]}
        elif meant is not None:
            code, parameters = "XML-010", parameters | {"suggestion": meant}
        else:
            code = "XML-009"
        field = self._schema.field_of(f"{place.route}/@{meant}")
        finding = self._at(place, code, parameters, value, below=f"/@{shown_name(name)}")
        return replace(finding, field=field)

    def _value(self, place: _Place, type_: XsdSimpleType) -> Iterator[Finding]:
        children = list(place.element)
        parent = shown_name(place.element.tag)
        if not children:
            value = place.element.text or ""
            for flaw in value_flaws(value, type_, self._context):
                parameters = flaw.parameters or ({"element": parent} if flaw.code == "XML-012" else NOTHING)
                yield self._at(place, flaw.code, parameters, value)
        for child in _places(place):
            yield self._at(child, "XML-013", {"name": shown_name(child.element.tag), "parent": parent})

    def _content(self, place: _Place, slots: tuple[Slot, ...]) -> Iterator[Finding]:
        texts = [place.element.text, *(child.tail for child in place.element)]
        text = " ".join(stripped for piece in texts if piece and (stripped := piece.strip(_XML_BLANKS)))
        if text:
            yield self._at(place, "XML-012", {"element": shown_name(place.element.tag)}, text)
        row = _row(place, slots)
        given: list[Counter[str]] = [Counter() for _ in slots]
        present = {child.slot for child in row.children}
        reached = 0
        for position, child in enumerate(row.children):
            if position in row.kept and child.slot is not None:
                yield from self._missing(row, present, reached, child.slot)
                reached = max(reached, child.slot + 1)
            yield from self._child(row, position, given)
        yield from self._missing(row, present, reached, len(slots))

    def _missing(self, row: _Row, present: set[int | None], start: int, end: int) -> Iterator[Finding]:
        parent = shown_name(row.parent.element.tag)
        for number in range(start, end):
            slot = row.slots[number]
            if slot.least == 0 or number in present:
                continue
            if len(slot.names) > 1:
                yield self._at(row.parent, "XML-008", {"parent": parent, "allowed": _listed(slot.names)})
            else:
                name = slot.names[0]
                parameters = {"expected": name, "parent": parent}
                yield self._at(row.parent, "XML-001", parameters, below=f"/{name}")

    def _child(self, row: _Row, position: int, given: Sequence[Counter[str]]) -> Iterator[Finding]:
        child = row.children[position]
        shown = shown_name(child.place.element.tag)
        if child.slot is None or child.name is None:
            yield self._unknown(row, child)
            return
        slot = row.slots[child.slot]
        yield from self._misnamed(child.place, child.name)
        if position not in row.kept:
            yield self._at(child.place, "XML-005", {"name": shown, **_order(row, child.slot, child.name)})
        yield from self._surplus(child, slot, given[child.slot])
        given[child.slot][child.name] += 1
        yield from self._element(child.place, slot.elements[child.name])

    def _surplus(self, child: _Child, slot: Slot, given: Counter[str]) -> Iterator[Finding]:
        if slot.most is None or given.total() < slot.most:
            return
        shown = shown_name(child.place.element.tag)
        others = [name for name in given if name != child.name]
        if others:
            allowed = {"name": shown, "given": others[0], "allowed": _listed(slot.names)}
            yield self._at(child.place, "XML-007", allowed)
        else:
            yield self._at(child.place, "XML-006", {"name": shown, "most": str(slot.most)})

    def _unknown(self, row: _Row, child: _Child) -> Finding:
        tag = child.place.element.tag
        namespace, _, local = tag.rpartition("}")
        if namespace:
            return self._at(child.place, "XML-041", {"name": local, "namespace": namespace[1:]})
        allowed = _listed([name for slot in row.slots for name in slot.names])
        parent = shown_name(row.parent.element.tag)
        value = (child.place.element.text or "").strip() or None
        return self._at(child.place, "XML-002", {"name": tag, "parent": parent, "allowed": allowed}, value)

    def _misnamed(self, place: _Place, meant: str) -> Iterator[Finding]:
        tag = place.element.tag
        namespace, _, local = tag.rpartition("}")
        if namespace:
            yield self._at(place, "XML-041", {"name": local, "namespace": namespace[1:]})
        elif tag != meant and latin(tag) == meant:
            parameters = {"name": tag, "suggestion": meant, "letters": foreign_letters(tag)}
            yield self._at(place, "XML-004", parameters)
        elif tag != meant:
            yield self._at(place, "XML-003", {"name": tag, "suggestion": meant})

    def _at(
        self,
        place: _Place,
        code: str,
        parameters: Mapping[str, str] = NOTHING,
        value: str | None = None,
        *,
        below: str = "",
    ) -> Finding:
        return Finding(
            code=code,
            severity=Severity.ERROR,
            path=place.path + below,
            line=line_of(place.element),
            field=self._schema.field_of(place.route + below),
            value=None if value is None else value[:_SHOWN],
            parameters=parameters,
        )


def _places(parent: _Place, names: Sequence[str | None] = ()) -> Iterator[_Place]:
    totals = Counter(child.tag for child in parent.element)
    seen: Counter[str] = Counter()
    for number, child in enumerate(parent.element):
        seen[child.tag] += 1
        position = f"[{seen[child.tag]}]" if totals[child.tag] > 1 else ""
        meant = names[number] if names else None
        yield _Place(
            child,
            f"{parent.path}/{shown_name(child.tag)}{position}",
            f"{parent.route}/{meant or child.tag}",
        )


def _row(parent: _Place, slots: tuple[Slot, ...]) -> _Row:
    at = {name: number for number, slot in enumerate(slots) for name in slot.names}
    allowed = tuple(at)
    names = [closest(child.tag, allowed) for child in parent.element]
    children = tuple(
        _Child(place, None if name is None else at[name], name)
        for place, name in zip(_places(parent, names), names, strict=True)
    )
    known = [position for position, child in enumerate(children) if child.slot is not None]
    run = in_order([slot for child in children if (slot := child.slot) is not None])
    return _Row(parent, slots, children, frozenset(known[number] for number in run))


def _order(row: _Row, slot: int, name: str) -> dict[str, str]:
    kept = [child for position, child in enumerate(row.children) if position in row.kept]
    earlier = [child.name for child in kept if child.slot is not None and child.slot <= slot and child.name]
    later = [child.name for child in kept if child.slot is not None and child.slot > slot and child.name]
    order = [*earlier[-1:], name, *later[:1]]
    return {"order": ", ".join(order), "before": "".join(later[:1])}


def _listed(names: Sequence[str]) -> str:
    rest = ["..."] if len(names) > _NAMES_SHOWN else []
    return ", ".join([*names[:_NAMES_SHOWN], *rest])
