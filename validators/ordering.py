"""A content model as a row of slots."""

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
