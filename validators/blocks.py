"""Messages of which one block under `Root` is the whole content, and names the message type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from validators.faults import Fault, Flaw
from validators.names import closest
from validators.sight import Sight

_ALL: Final = etree.XPath("SignedData/*/*/*")


class Blocks:
    """The message types of a family: the names of the blocks."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._tags = frozenset(names)

    def message_type_of(self, sight: Sight) -> str | None:
        """The name of the block that the message holds, misprinted or not; None where it holds none of them."""
        if sight.last in self._tags:
            return sight.last
        if sight.is_fm1:
            return None
        inside: Any = _ALL(sight.root)
        tags = dict.fromkeys(str(element.tag) for element in inside)
        return next((name for tag in tags if (name := closest(tag, self._names)) is not None), None)


@dataclass(frozen=True, slots=True)
class Block:
    """The block that is the message, and the first of its children by tag."""

    message_type: str
    element: etree._Element
    children: Mapping[str, etree._Element]

    @classmethod
    def of(cls, root: etree._Element, message_type: str) -> "Block":
        """The block of that name; where it is misprinted the root, without children."""
        element = root.find(f"SignedData/Data/Root/{message_type}")
        if element is None:
            return cls(message_type, root, {})
        children: dict[str, etree._Element] = {}
        for child in element:
            children.setdefault(child.tag, child)
        return cls(message_type, element, MappingProxyType(children))

    def child(self, tag: str) -> etree._Element | None:
        """The first child of that name."""
        return self.children.get(tag)

    def text(self, tag: str) -> str:
        """Its text, empty where there is none."""
        child = self.children.get(tag)
        return (child.text or "") if child is not None else ""

    def fault(self, tag: str, flaw: Flaw) -> Fault:
        """The flaw at that child, or at its place where it is missing."""
        child = self.children.get(tag)
        if child is None:
            return Fault(flaw.code, self.element, f"/{tag}", None, flaw.parameters)
        value = child.text if len(child) == 0 else None
        return Fault(flaw.code, child, "", value, flaw.parameters)
