"""Messages of which one block under `Root` is the whole content, and names the message type."""

from collections.abc import Sequence
from typing import Any, Final

from lxml import etree

from validators.names import closest

_OF_FM1: Final = "MessageInformation or Participants"
_IS_FM1: Final = etree.XPath(f"boolean(SignedData/*/*[{_OF_FM1}])")


class Blocks:
    """The message types of a family: the names of the blocks."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._tags = frozenset(names)
        self._inner = etree.XPath(f"SignedData/Data/Root[not({_OF_FM1})]/*[last()]")
        self._all = etree.XPath("SignedData/*/*/*")

    def message_type_of(self, root: etree._Element) -> str | None:
        """The name of the block that the message holds, misprinted or not; None where it holds none of them."""
        last: Any = self._inner(root)
        if last and last[0].tag in self._tags:
            return str(last[0].tag)
        if _IS_FM1(root):
            return None
        inside: Any = self._all(root)
        tags = dict.fromkeys(str(element.tag) for element in inside)
        return next((name for tag in tags if (name := closest(tag, self._names)) is not None), None)
