"""What a rule says before it becomes a finding: the code, the place in the tree, and what fills the text."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lxml import etree

from validators.model import NOTHING


class Flaw(NamedTuple):
    """What is wrong with one value, wherever it stands."""

    code: str
    parameters: Mapping[str, str] = NOTHING


class Breach(NamedTuple):
    """A broken rule across fields.

    `place` is a path below the message's block, such as `Participants/Participant[2]/IndividualIssue` (positions
    count from 1 and may stand in each step); what it names need not exist. `field` overrides the form field.
    """

    code: str
    place: str
    value: str | None = None
    parameters: Mapping[str, str] = NOTHING
    field: str | None = None


class Fault(NamedTuple):
    """A flaw or breach at its place: the deepest element that exists, and the rest of the path below it."""

    code: str
    element: etree._Element
    below: str = ""
    value: str | None = None
    parameters: Mapping[str, str] = NOTHING
    field: str | None = None


def place_breach(base: etree._Element, breach: Breach) -> Fault:
    """The breach at the deepest element of its place that the tree has."""
    element, steps = base, breach.place.split("/")
    for taken, step in enumerate(steps):
        following = _child(element, step)
        if following is None:
            below = "/" + "/".join(_bare(name) for name in steps[taken:])
            return Fault(breach.code, element, below, breach.value, breach.parameters, breach.field)
        element = following
    return Fault(breach.code, element, "", breach.value, breach.parameters, breach.field)


def _child(element: etree._Element, step: str) -> etree._Element | None:
    if step.startswith("@"):
        return None
    if step.endswith("]"):
        found: Any = element.xpath(step)
        return found[0] if found else None
    return next(element.iterchildren(step), None) if step else element


def _bare(step: str) -> str:
    return step.partition("[")[0]
