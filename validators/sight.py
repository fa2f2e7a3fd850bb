"""What a message shows at first sight: one look that all families of messages share."""

from typing import Any, Final, NamedTuple

from lxml import etree

_OF_FM1: Final = "MessageInformation or Participants"
_IS_FM1: Final = etree.XPath(f"boolean(SignedData/*/*[{_OF_FM1}])", regexp=False)
_IS_WHOLE: Final = etree.XPath(
    "count(SignedData/*/*)=1 and boolean(SignedData/*/*[PersonalData and MessageInformation and Participants])",
    regexp=False,
)
_LAST: Final = etree.XPath(f"SignedData/Data/Root[not({_OF_FM1})]/*[last()]", regexp=False)


class Sight(NamedTuple):
    """A message, whether it has a block of FM-1, and the tag of the last block of a `Root` without one, or None.

    `is_whole` says that it has all blocks of one FM-1 and nothing beside it, as nearly all of them do.
    """

    root: etree._Element
    is_fm1: bool
    last: str | None
    is_whole: bool = False


def sight_of(root: etree._Element) -> Sight:
    """The first look at a message."""
    if _IS_WHOLE(root):
        return Sight(root, is_fm1=True, last=None, is_whole=True)
    last: Any = _LAST(root)
    return Sight(root, bool(_IS_FM1(root)), str(last[0].tag) if last else None)
