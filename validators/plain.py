"""An element as plain data: tags as keys, attributes as `@Name`."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from lxml import etree


def plain(element: etree._Element, lists: Mapping[str, str], without: AbstractSet[str] = frozenset()) -> Any:
    """The text of an element that holds nothing else, otherwise its content by name.

    `lists` names, by the tag of an element that is a list, the tag of its members: they become a list under that key,
    empty where there is none. Of other tags the first counts. Tags in `without` are left out.
    """
    member = lists.get(element.tag)
    if member is not None:
        return {member: [plain(child, lists, without) for child in element.iterchildren(member)]}
    if not len(element) and not element.attrib:
        return element.text or ""
    content: dict[str, Any] = {f"@{name!s}": value for name, value in element.attrib.items()}
    for child in element:
        if child.tag not in content and child.tag not in without:
            content[child.tag] = plain(child, lists, without)
    return content
