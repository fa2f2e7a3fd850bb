"""Who takes part in an operation: what it must and must not say of a party, by the way in which it is identified."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from validators.attributes import Given, ItemFlaw
from validators.faults import Flaw
from validators.identifiers import is_bin, is_iin

WALK_IN: Final = "WALK-IN"
FOREIGN: Final = "FOREIGN"
_WRONG: Final[Mapping[str, str]] = {"IIN": "OPS-033", "BIN": "OPS-034"}


class Side(NamedTuple):
    """The attributes that tell of one party: `Party`, `PartyKind`, `PartyName` and `Country`, for example.

    `country` is empty where the family does not ask for it.
    """

    number: str
    kind: str
    name: str
    country: str = ""

    def flaws(self, given: Given) -> Iterator[ItemFlaw]:
        """What is wrong with what an operation says of this party; nothing where it says nothing of its kind."""
        way = given.get(self.kind)
        if way is None:
            return
        for attribute in self._needed(way):
            if attribute not in given:
                yield attribute, Flaw("OPS-031", {"way": way, "attribute": attribute})
        for attribute in self._foreign_to(way):
            if attribute in given:
                yield attribute, Flaw("OPS-032", {"way": way, "attribute": attribute})
        number = given.get(self.number)
        if number is not None and way in _WRONG and not (is_iin if way == "IIN" else is_bin)(number):
            yield self.number, Flaw(_WRONG[way])

    def _needed(self, way: str) -> tuple[str, ...]:
        if way == FOREIGN:
            return tuple(filter(None, (self.number, self.name, self.country)))
        return (self.number,) if way in _WRONG else ()

    def _foreign_to(self, way: str) -> tuple[str, ...]:
        return (self.number, self.name, *filter(None, (self.country,))) if way == WALK_IN else ()
