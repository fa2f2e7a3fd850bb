"""What a message shows at first sight: one look that all families of messages share."""

from typing import Any, Final, NamedTuple

from lxml import etree

_OF_FM1: Final = "MessageInformation or Participants"
_IS_FM1: Final = etree.XPath(f"boolean(SignedData/*/*[{_OF_FM1}])", regexp=False)
_LAST: Final = etree.XPath(f"SignedData/Data/Root[not({_OF_FM1})]/*[last()]", regexp=False)


class Sight(NamedTuple):
    """A message, whether it has a block of FM-1, and the tag of the last block of a `Root` without one, or None."""

    root: etree._Element
    is_fm1: bool
    last: str | None


def sight_of(root: etree._Element) -> Sight:
    """The first look at a message."""
    last: Any = _LAST(root)
    return Sight(root, bool(_IS_FM1(root)), str(last[0].tag) if last else None)
