"""One walk over the tree: content as plain data, and the flaws of values and broken rules met on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from lxml import etree

from codes.editions import Edition
from validators.faults import Breach, Fault, Flaw, place_breaches
from validators.fm1.parameters import Parameters

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """What rules may know beside the message.

    `day` chose the edition; `received` and `latest` (the last moment that is not in the future) are wall-clock
    moments of Asia/Almaty; `kind` is the sender's enrolled kind, None where it is not known.
    """

    day: date
    received: datetime
    latest: datetime
    kind: str | None
    edition: Edition
    parameters: Parameters


Check = Callable[[str, Setting], Flaw | None]
Rule = Callable[[Content, Setting], Sequence[Breach]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is looked at in one element: checks of its value and attributes, rules over its content, its children.

    `container` says that it holds elements only, `repeated` that its content becomes an item of a list. `leaves` and
    `blocks` are the children again, parted into plain values and the rest: the walk is the hot path of a verdict.
    """

    children: Mapping[str, "Shape"] = field(default_factory=lambda: MappingProxyType({}))
    checks: tuple[Check, ...] = ()
    attributes: tuple[tuple[str, tuple[Check, ...]], ...] = ()
    rules: tuple[Rule, ...] = ()
    container: bool = False
    repeated: bool = False
    leaves: Mapping[str, tuple[Check, ...]] = field(init=False)
    blocks: Mapping[str, "Shape"] = field(init=False)

    def __post_init__(self) -> None:
        leaves = {tag: shape.checks for tag, shape in self.children.items() if shape.plain}
        blocks = {tag: shape for tag, shape in self.children.items() if not shape.plain}
        object.__setattr__(self, "leaves", leaves)
        object.__setattr__(self, "blocks", blocks)

    @property
    def plain(self) -> bool:
        """Whether nothing but a value is looked at."""
        return not (self.container or self.attributes or self.rules)


def leaf(*checks: Check) -> Shape:
    """An element that holds a value."""
    return Shape(checks=checks)


def carrier(attribute: str, *checks: Check, rules: tuple[Rule, ...] = ()) -> Shape:
    """An element that holds a value or nothing, and carries one attribute that is checked."""
    return Shape(attributes=((attribute, checks),), rules=rules)


def block(children: Mapping[str, Shape], *rules: Rule, attribute: str | None = None, repeated: bool = False) -> Shape:
    """An element that holds elements, and the rules over them."""
    attributes: tuple[tuple[str, tuple[Check, ...]], ...] = () if attribute is None else ((attribute, ()),)
    return Shape(children, attributes=attributes, rules=rules, container=True, repeated=repeated)


def read(element: etree._Element, shape: Shape, setting: Setting, faults: list[Fault]) -> Content:
    """The content of an element that is more than a plain value; whatever is wrong in it is added to the faults.

    In the content tags become keys, attributes `@Name`, the text of an element that may carry attributes `#text`,
    repeated elements lists. Of an element that must not be repeated the first counts; unknown elements are the
    schema's business.
    """
    content: Content = {}
    for name, checks in shape.attributes:
        value = element.get(name)
        if value is not None:
            content["@" + name] = value
            for check in checks:
                flaw = check(value, setting)
                if flaw is not None:
                    faults.append(Fault(flaw.code, element, "/@" + name, value, flaw.parameters))
    if shape.container:
        _read_children(element, shape, setting, content, faults)
    else:
        content["#text"] = element.text or ""
    for rule in shape.rules:
        breaches = rule(content, setting)
        if breaches:
            faults.extend(place_breaches(element, breaches))
    return content


def _read_children(
    element: etree._Element, shape: Shape, setting: Setting, content: Content, faults: list[Fault]
) -> None:
    leaves, blocks = shape.leaves, shape.blocks
    for child in element:
        tag = child.tag
        checks = leaves.get(tag)
        if checks is not None:
            text = child.text or ""
            if tag not in content:
                content[tag] = text
            for check in checks:
                flaw = check(text, setting)
                if flaw is not None:
                    faults.append(Fault(flaw.code, child, "", text, flaw.parameters))
        elif tag in blocks:
            below = blocks[tag]
            found = read(child, below, setting, faults)
            if below.repeated:
                content.setdefault(tag, []).append(found)
            elif tag not in content:
                content[tag] = found
