"""Who plays: what an event must and must not say of a player, and that he is old enough."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from validators.faults import Flaw
from validators.identifiers import birth_dates, is_iin
from validators.moments import birthday, local_day, read_day

REFUSAL: Final = "PLAYER-REFUSED"
"""The kind of event that says that a player was turned away, under age or not."""

_IDENTIFICATION: Final = "PLAYER-IDENTIFIED"
_IIN: Final = "IIN"
_FOREIGN: Final = "FOREIGN"
_OF_A_PERSON: Final = ("Player", "BirthDate", "Document", "Country")
_NOT_HIS: Final[Mapping[str, tuple[str, ...]]] = {_IIN: (), _FOREIGN: ("Player",)}


class PlayerFlaw(NamedTuple):
    """What is wrong, and the attribute that it is told at."""

    attribute: str
    flaw: Flaw


def player_flaws(given: Mapping[str, str], moment: datetime | None, minimum_age: int) -> Iterator[PlayerFlaw]:
    """Everything that is wrong with what an event says of its player; `moment` is its time where that is known."""
    way = given.get("PlayerKind", "")
    for name in _needed(way, given["Kind"]):
        if name not in given:
            yield PlayerFlaw(name, Flaw("GAM-036", {"way": way, "attribute": name}))
    for name in _NOT_HIS.get(way, _OF_A_PERSON):
        if name in given:
            yield PlayerFlaw(name, Flaw("GAM-037", {"way": way or "-", "attribute": name}))
    if way == _IIN and "Player" in given:
        born = iin_birth(given["Player"])
        if born is None:
            yield PlayerFlaw("Player", Flaw("GAM-032"))
            return
        told = read_day(given.get("BirthDate", ""))
        if told is not None and told not in birth_dates(given["Player"]):
            yield PlayerFlaw("BirthDate", Flaw("IDN-003", {"iin_date": born.isoformat()}))
        yield from _age("Player", born, given, moment, minimum_age)
    elif way == _FOREIGN and (told := read_day(given.get("BirthDate", ""))) is not None:
        yield from _age("BirthDate", told, given, moment, minimum_age)


def _needed(way: str, kind: str) -> tuple[str, ...]:
    if way == _IIN:
        return ("Player",)
    if way == _FOREIGN:
        return ("Document", "Country", "BirthDate") if kind == _IDENTIFICATION else ("Document",)
    return ()


@lru_cache(maxsize=65_536)
def iin_birth(iin: str) -> date | None:
    """The day of birth in an IIN, the earliest where it may mean several; None for what is no IIN."""
    return min(birth_dates(iin)) if is_iin(iin) else None


def _age(
    attribute: str, born: date, given: Mapping[str, str], moment: datetime | None, minimum_age: int
) -> Iterator[PlayerFlaw]:
    if moment is None or given["Kind"] == REFUSAL:
        return
    grown = birthday(born, minimum_age)
    if grown >= moment.date() and grown > local_day(moment):
        yield PlayerFlaw(attribute, Flaw("GAM-033", {"age": str(minimum_age), "born": born.isoformat()}))
