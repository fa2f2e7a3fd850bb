"""Operations of dealers as whoever follows them over many reports needs them: read from accepted items, comparable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from validators.operations.kinds import CORRECTIONS, REPLACE
from validators.totals import hundredths

LUXURY: Final = "luxury"
METALS: Final = "precious-metals"
_GIVEN_AWAY: Final = "SOLD"


class DealId(NamedTuple):
    """What an operation is named by: its family, who filed it, its number in his series, its GUID."""

    family: str
    filer: str
    sequence: int
    guid: str

    def told(self) -> dict[str, Any]:
        """The name as findings tell it: who filed it, and what he calls it."""
        return {"filer": self.filer, "sequence": self.sequence, "id": self.guid}


@dataclass(frozen=True, slots=True)
class Filing:
    """The report that an operation came in: whose, of which kind of entity, and its place in the log or topic."""

    family: str
    filer: str
    filer_kind: str
    place: int


@dataclass(frozen=True, slots=True)
class Deal:
    """An operation; `place` is where it stands among those of one day, the price is in hundredths of a tenge.

    `item` is the code of the thing and `matter` its class, both empty where there is none. `corrects` is the operation
    that it replaces or withdraws; a withdrawal does nothing else.
    """

    id: DealId
    filer_kind: str
    item: str
    matter: str
    place: tuple[int, int]
    kind: str
    day: date
    seller: str | None = None
    buyer: str | None = None
    price: int | None = None
    condition: str | None = None
    code: str | None = None
    corrects: DealId | None = None

    @property
    def counts(self) -> bool:
        """Whether something was done: a withdrawal only undoes."""
        return self.kind not in CORRECTIONS

    def is_other_side_of(self, other: "Deal") -> bool:
        """Whether both are the same deal, told by two who took part in it."""
        if self.id.filer == other.id.filer or self.buyer != other.buyer:
            return False
        if self.code is not None and self.code == other.code:
            return True
        return (self.day, self.seller) == (other.day, other.seller)


def deal_of(filing: Filing, content: Mapping[str, Any], item: str = "", code: str | None = None) -> Deal:
    """The operation of an accepted item, with the codes of the thing and of the deal in their one form."""
    name = _named(filing, content["sequence"], content["id"])
    kind = content["kind"]
    corrects = None
    if kind in CORRECTIONS:
        corrects = _named(filing, content["original_sequence"], content["original"])
    described = content["replaced_kind"] if kind == REPLACE else kind
    price = content.get("price_tenge", content.get("price"))
    seller, buyer = _sides(filing, content, described)
    return Deal(
        id=name,
        filer_kind=filing.filer_kind,
        item=item,
        matter=content.get("class", ""),
        place=(filing.place, content["sequence"]),
        kind=described,
        day=date.fromisoformat(content["date"]),
        seller=seller,
        buyer=buyer,
        price=None if price is None else hundredths(price),
        condition=content.get("condition"),
        code=code,
        corrects=corrects,
    )


def _named(filing: Filing, sequence: int, guid: str) -> DealId:
    return DealId(filing.family, filing.filer, sequence, guid.upper())


def _sides(filing: Filing, content: Mapping[str, Any], kind: str) -> tuple[str | None, str | None]:
    """Who gave and who received: a dealer in metals names the other party alone."""
    if filing.family == LUXURY:
        return _one_form(content.get("seller")), _one_form(content.get("buyer"))
    other = _one_form(content.get("party"))
    return (filing.filer, other) if kind == _GIVEN_AWAY else (other, filing.filer)


def _one_form(number: str | None) -> str | None:
    return None if number is None else "".join(number.split()).upper()
