"""What a rule says before it becomes a finding: the code, the place in the tree, and what fills the text."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from validators.model import NOTHING

if TYPE_CHECKING:  # lxml takes 5 MB, and whoever only reads records has no tree
    from lxml import etree


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
    element: "etree._Element"
    below: str = ""
    value: str | None = None
    parameters: Mapping[str, str] = NOTHING
    field: str | None = None


def place_breaches(base: "etree._Element", breaches: Iterable[Breach]) -> Iterator[Fault]:
    """Each breach at the deepest element of its place that the tree has."""
    known: dict[tuple[etree._Element, str], list[etree._Element]] = {}
    for breach in breaches:
        element, steps = base, breach.place.split("/") if breach.place else []
        below = ""
        for taken, step in enumerate(steps):
            following = _child(element, step, known)
            if following is None:
                below = "/" + "/".join(_bare(name) for name in steps[taken:])
                break
            element = following
        yield Fault(breach.code, element, below, breach.value, breach.parameters, breach.field)


def _child(
    element: "etree._Element", step: str, known: "dict[tuple[etree._Element, str], list[etree._Element]]"
) -> "etree._Element | None":
    name, _, position = step.removesuffix("]").partition("[")
    if name.startswith("@"):
        return None
    if not position:
        return next(element.iterchildren(name), None)
    children = known.get((element, name))
    if children is None:
        children = known[element, name] = list(element.iterchildren(name))
    return children[int(position) - 1] if int(position) <= len(children) else None


def _bare(step: str) -> str:
    return step.partition("[")[0]
