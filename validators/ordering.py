"""A content model as a row of slots, and which children stand in its order."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from xmlschema.validators import XsdElement, XsdGroup


class ModelTooRich(ValueError):
    """The content model repeats groups of elements, so it is no plain row of slots."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a sequence: the elements that may fill it (several where the schema gives a choice), how often."""

    elements: dict[str, XsdElement]
    least: int
    most: int | None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.elements)


def slots_of(group: XsdGroup) -> tuple[Slot, ...]:
    """The slots of a sequence or choice in order; raises `ModelTooRich` for what is neither."""
    if group.ref is not None:
        return slots_of(group.ref)
    if group.model == "choice":
        elements = {name: part for part in group for name in [part.name] if isinstance(part, XsdElement) and name}
        if len(elements) != len(group):
            raise ModelTooRich(str(group))
        return (Slot(elements, group.min_occurs, group.max_occurs),)
    slots: list[Slot] = []
    for part in group:
        if isinstance(part, XsdElement) and part.name:
            slots.append(Slot({part.name: part}, part.min_occurs, part.max_occurs))
        elif isinstance(part, XsdGroup) and (part.min_occurs, part.max_occurs) == (1, 1):
            slots.extend(slots_of(part))
        else:
            raise ModelTooRich(str(group))
    return tuple(slots)


def in_order(slots: Sequence[int]) -> frozenset[int]:
    """Positions in `slots` of a longest run that never goes back: all other children are the misplaced ones.

    Of runs of equal length the one that keeps earlier children is taken, so the run is sought from the end.
    """
    ends: list[int] = []
    heads: list[int] = []
    before: list[int] = []
    last = len(slots) - 1
    for position, slot in enumerate(reversed(slots)):
        length = bisect_right(ends, -slot)
        before.append(heads[length - 1] if length else -1)
        if length == len(ends):
            ends.append(-slot)
            heads.append(position)
        else:
            ends[length] = -slot
            heads[length] = position
    kept: set[int] = set()
    position = heads[-1] if heads else -1
    while position >= 0:
        kept.add(last - position)
        position = before[position]
    return frozenset(kept)
