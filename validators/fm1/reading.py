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
    """What is looked at in one element: its value, one attribute, rules over its content, its children.

    `check` is that of the value, or of the attribute where there is one. `container` says that the element holds
    elements only, `repeated` that its content becomes an item of a list. `leaves` and `blocks` are the children again,
    parted into plain values with their checks and the rest: the walk is the hot path of a verdict.
    """

    children: Mapping[str, "Shape"] = field(default_factory=lambda: MappingProxyType({}))
    check: Check | None = None
    attribute: str | None = None
    rules: tuple[Rule, ...] = ()
    container: bool = False
    repeated: bool = False
    leaves: Mapping[str, Check | None] = field(init=False)
    blocks: Mapping[str, "Shape"] = field(init=False)

    def __post_init__(self) -> None:
        leaves = {tag: shape.check for tag, shape in self.children.items() if shape.plain}
        blocks = {tag: shape for tag, shape in self.children.items() if not shape.plain}
        object.__setattr__(self, "leaves", leaves)
        object.__setattr__(self, "blocks", blocks)

    @property
    def plain(self) -> bool:
        """Whether nothing but a value is looked at."""
        return not (self.container or self.attribute or self.rules)


def leaf(check: Check | None = None) -> Shape:
    """An element that holds a value."""
    return Shape(check=check)


def carrier(attribute: str, check: Check | None = None, *rules: Rule) -> Shape:
    """An element that holds a value or nothing, and carries one attribute that is checked."""
    return Shape(check=check, attribute=attribute, rules=rules)


def block(children: Mapping[str, Shape], *rules: Rule, attribute: str | None = None, repeated: bool = False) -> Shape:
    """An element that holds elements, and the rules over them."""
    return Shape(children, attribute=attribute, rules=rules, container=True, repeated=repeated)


def read(element: etree._Element, shape: Shape, setting: Setting, faults: list[Fault]) -> Content:
    """The content of an element that is more than a plain value; whatever is wrong in it is added to the faults.

    In the content tags become keys, attributes `@Name`, the text of an element that may carry attributes `#text`,
    repeated elements lists. Of an element that must not be repeated the first counts; unknown elements are the
    schema's business.
    """
    content: Content = {}
    name = shape.attribute
    if name is not None and (value := element.get(name)) is not None:
        content["@" + name] = value
        if shape.check is not None and (flaw := shape.check(value, setting)) is not None:
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
        if tag in leaves:
            text = child.text or ""
            check = leaves[tag]
            if check is not None and (flaw := check(text, setting)) is not None:
                faults.append(Fault(flaw.code, child, "", text, flaw.parameters))
            if tag not in content:
                content[tag] = text
        elif tag in blocks:
            below = blocks[tag]
            found = read(child, below, setting, faults)
            if below.repeated:
                content.setdefault(tag, []).append(found)
            elif tag not in content:
                content[tag] = found
