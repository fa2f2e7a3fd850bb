"""Players: citizens with an IIN, foreigners with a document, and those whom nobody asks."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from gateway.local.people import make_person

ANONYMOUS = {"player_kind": "ANONYMOUS"}
COUNTRIES = ("KG", "UZ", "RU", "TR", "CN", "DE", "KR")
FOREIGN_SHARE = 0.2
MOST_WON = 600_000
"""What one player may win in a run by ordinary play, in tenge: well below every threshold."""
_YOUNGEST_DAYS, _OLDEST_DAYS = 22 * 366, 75 * 365


@dataclass(slots=True)
class Player:
    """One player: the attributes by which events name them, and what they have won."""

    facts: dict[str, Any]
    born: date
    won: int = 0

    @property
    def identity(self) -> str:
        """The IIN, or the number of the foreign document."""
        return str(self.facts.get("player") or self.facts["document"])


def make_citizen(random: Random, today: date) -> Player:
    """A player with an IIN, older than 21."""
    person = make_person(random, today)
    facts = {"player": person.iin, "player_kind": "IIN", "birth_date": person.born.isoformat()}
    return Player(facts, person.born)


def make_foreigner(random: Random, today: date) -> Player:
    """A player with a foreign document, older than 21."""
    born = today - timedelta(days=random.randrange(_YOUNGEST_DAYS, _OLDEST_DAYS))
    facts = {
        "player_kind": "FOREIGN",
        "birth_date": born.isoformat(),
        "document": f"{random.choice('ABCDEFGH')}{random.randrange(10**8):08d}",
        "country": random.choice(COUNTRIES),
    }
    return Player(facts, born)


class Guests:
    """The players who are in a house now; who has won much goes, and another comes."""

    def __init__(self, random: Random, today: date, size: int = 24) -> None:
        self._random = random
        self._today = today
        self._here = [self._newcomer() for _ in range(size)]

    def anybody(self) -> Player:
        """One of them."""
        return self._random.choice(self._here)

    def winner(self, amount: int) -> Player:
        """One of them who may win so much more without an FM-1; the amount is noted."""
        place = self._random.randrange(len(self._here))
        if self._here[place].won + amount > MOST_WON:
            self._here[place] = self._newcomer()
        self._here[place].won += amount
        return self._here[place]

    def newcomer(self) -> Player:
        """Somebody who was not here before takes another's place."""
        place = self._random.randrange(len(self._here))
        self._here[place] = self._newcomer()
        return self._here[place]

    def citizen(self) -> Player:
        """A citizen who plays nowhere else in the house."""
        return make_citizen(self._random, self._today)

    def _newcomer(self) -> Player:
        make = make_foreigner if self._random.random() < FOREIGN_SHARE else make_citizen
        return make(self._random, self._today)
