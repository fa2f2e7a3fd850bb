"""Where something stands in a message, written as an XPath."""

from lxml import etree


def path_of(element: etree._Element) -> str:
    """The element's path from the root, with a position only where siblings of the same name repeat.

    `/ExportData/SignedData/Data/Root/Participants/Participant[2]/OKED`; a name in a namespace is written
    `Q{namespace}name`.
    """
    steps: list[str] = []
    current: etree._Element | None = element
    while current is not None:
        steps.append(_step(current))
        current = current.getparent()
    return "/" + "/".join(reversed(steps))


def path_of_attribute(element: etree._Element, name: str) -> str:
    """The path of an attribute: its element's path and `/@` and the name."""
    return f"{path_of(element)}/@{shown_name(name)}"


def line_of(element: etree._Element) -> int | None:
    """The line of the element's start tag, from 1; None for an element that was not parsed."""
    line: object = element.sourceline
    return line if isinstance(line, int) else None


def shown_name(name: str) -> str:
    """The name as paths and findings write it, from lxml's form."""
    return f"Q{name}" if name.startswith("{") else name


def _step(element: etree._Element) -> str:
    before = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
    after = next(element.itersiblings(element.tag), None)
    position = f"[{before + 1}]" if before or after is not None else ""
    return shown_name(element.tag) + position
