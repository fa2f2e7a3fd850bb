"""What happens in a house away from the machines: tables and desks, bets, lottery tickets, and the server itself."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta

from gateway.client.gaming import Unit, rfc3339
from gateway.local.simulation.diary import Diary
from gateway.local.simulation.model import SimulatedEvent
from gateway.local.simulation.players import ANONYMOUS

FLOAT = 5_000_000
"""What a desk has in tenge when it opens."""
HEARTBEAT_EVERY = timedelta(seconds=15)
REFUSALS = ("UNDER-AGE", "SELF-EXCLUDED", "RESTRICTED")
MEANS = ("CASH", "CASH", "CARD", "ELECTRONIC")


class Tables:
    """Table games: money for chips, results of rounds, and fills when the chips run out."""

    def __init__(self, diary: Diary, units: Sequence[Unit]) -> None:
        self._diary = diary
        self._units = [unit.id for unit in units]

    def opening(self) -> Iterator[SimulatedEvent]:
        for unit in self._units:
            yield self._diary.event("DESK-OPENING", unit, amount=str(FLOAT), count=5_000)

    def play(self) -> Iterator[SimulatedEvent]:
        random = self._diary.random
        unit = random.choice(self._units)
        player = self._diary.guests.anybody()
        yield self._diary.event(
            "BUY-IN", unit, amount=str(random.randrange(10, 300) * 1_000), means="CASH", **player.facts
        )
        stakes = random.randrange(20, 900) * 1_000
        winnings = round(stakes * random.uniform(0.4, 1.4))
        games = random.randrange(5, 40)
        yield self._diary.event("TABLE-RESULT", unit, stakes=str(stakes), winnings=str(winnings), games=games)
        if random.randrange(10) == 0:
            yield self._diary.event("DESK-FILL", unit, amount="1000000", count=1_000)

    def closing(self) -> Iterator[SimulatedEvent]:
        for unit in self._units:
            yield self._diary.event("DESK-CLOSING", unit, amount=str(FLOAT), count=5_000)


class Desks:
    """Cash desks: guests are identified and sometimes refused, cards, chips turned back into money, mistakes."""

    def __init__(self, diary: Diary, units: Sequence[Unit]) -> None:
        self._diary = diary
        self._units = [unit.id for unit in units]

    def opening(self) -> Iterator[SimulatedEvent]:
        for unit in self._units:
            yield self._diary.event("DESK-OPENING", unit, amount=str(FLOAT), count=1)

    def play(self) -> Iterator[SimulatedEvent]:
        random = self._diary.random
        unit = random.choice(self._units)
        match random.randrange(6):
            case 0:
                yield from self._admission(unit)
            case 1:
                yield self._diary.event("PLAYER-REFUSED", unit, outcome=random.choice(REFUSALS))
            case 2:
                yield from self._mistake(unit)
            case 3:
                amount = str(random.randrange(5, 200) * 1_000)
                yield self._diary.event("EXCHANGE", unit, amount=amount, means="TOKEN", **ANONYMOUS)
            case _:
                yield self._cash_out(unit)

    def closing(self) -> Iterator[SimulatedEvent]:
        for unit in self._units:
            yield self._diary.event("DESK-DROP", unit, amount="2500000", count=1)
            yield self._diary.event("DESK-CLOSING", unit, amount=str(FLOAT), count=1)

    def _admission(self, unit: str) -> Iterator[SimulatedEvent]:
        player = self._diary.guests.newcomer()
        card, session = self._diary.reference("C"), self._diary.reference("S")
        yield self._diary.event("PLAYER-IDENTIFIED", unit, **player.facts)
        yield self._diary.event("CARD-ISSUED", unit, card=card, **player.facts)
        yield self._diary.event("SESSION-OPENED", unit, card=card, session=session, **player.facts)
        yield self._diary.event("SESSION-CLOSED", unit, card=card, session=session, **player.facts)

    def _mistake(self, unit: str) -> Iterator[SimulatedEvent]:
        """An exchange that the cashier takes back, or puts right, at once."""
        wrong = self._diary.event("EXCHANGE", unit, amount="990000", means="TOKEN", **ANONYMOUS)
        yield wrong
        if self._diary.random.randrange(2):
            yield self._diary.event("CANCEL", unit, original=wrong["id"], reason="Касса қатесі")
            return
        yield self._diary.event(
            "REPLACE",
            unit,
            original=wrong["id"],
            reason="Ошибка кассира",
            replaced_kind="EXCHANGE",
            amount="99000",
            means="TOKEN",
            **ANONYMOUS,
        )

    def _cash_out(self, unit: str) -> SimulatedEvent:
        random = self._diary.random
        amount = random.randrange(5, 150) * 1_000
        facts = self._diary.guests.winner(amount).facts
        return self._diary.event("CASH-OUT", unit, amount=str(amount), means=random.choice(MEANS), **facts)


class Bets:
    """Bets at terminals and on the server: placed, then settled, cancelled or cashed out early."""

    def __init__(self, diary: Diary, units: Sequence[Unit]) -> None:
        self._diary = diary
        self._units = [unit.id for unit in units]

    def opening(self) -> Iterator[SimulatedEvent]:
        for unit in self._units:
            yield self._diary.event("POWER", unit, outcome="ON")

    def play(self) -> Iterator[SimulatedEvent]:
        random = self._diary.random
        unit, reference = random.choice(self._units), self._diary.reference("B")
        stake, odds = random.randrange(1, 80) * 500, random.randrange(105, 650)
        means = random.choice(MEANS)
        prize = stake * odds // 100
        bettor = self._diary.guests.winner(prize).facts
        bet = {"reference": reference, "odds": f"{odds // 100}.{odds % 100:02d}", "means": means, **bettor}
        yield self._diary.event("BET-PLACED", unit, amount=str(stake), **bet)
        match random.randrange(8):
            case 0:
                yield self._diary.event("BET-CANCELLED", unit, amount=str(stake), outcome="RETURNED", **bet)
            case 1:
                yield self._diary.event("BET-CASHED-OUT", unit, amount=str(min(stake, prize)), **bet)
            case 2 | 3:
                yield self._diary.event("BET-SETTLED", unit, amount=str(prize), outcome="WON", **bet)
            case _:
                yield self._diary.event("BET-SETTLED", unit, amount="0", outcome="LOST", **bet)

    def closing(self) -> Iterator[SimulatedEvent]:
        for unit in self._units:
            yield self._diary.event("POWER", unit, outcome="OFF")


class Lottery(Bets):
    """Lottery tickets: sold to whoever asks, small prizes paid at the terminal."""

    def play(self) -> Iterator[SimulatedEvent]:
        random = self._diary.random
        unit, reference = random.choice(self._units), self._diary.reference("L")
        tickets = random.randrange(1, 6)
        sold = {"amount": str(tickets * 500), "means": random.choice(MEANS), "count": tickets}
        yield self._diary.event("LOTTERY-SOLD", unit, reference=reference, **sold, **ANONYMOUS)
        if random.randrange(4) == 0:
            amount = random.randrange(1, 60) * 1_000
            facts = self._diary.guests.winner(amount).facts
            yield self._diary.event(
                "LOTTERY-PAID", unit, amount=str(amount), reference=reference, means="CASH", **facts
            )


class Server:
    """The complex's own server: fiscal mode, the software that runs, a regular heart-beat, short losses of the line."""

    def __init__(self, diary: Diary, units: Sequence[Unit], software: Sequence[str]) -> None:
        self._diary = diary
        self.unit = units[0].id
        self._software = software
        self._beat = diary.now

    def opening(self) -> Iterator[SimulatedEvent]:
        yield self._diary.event("FISCAL-MODE", self.unit, outcome="ON")
        for digest in self._software:
            yield self._diary.event("SOFTWARE-HASH", self.unit, hash=digest)

    def play(self) -> Iterator[SimulatedEvent]:
        random = self._diary.random
        if random.randrange(200) == 0:
            yield self._diary.event("COMMUNICATION", self.unit, outcome="LOST")
            yield self._diary.event("COMMUNICATION", self.unit, outcome="RESTORED")
        if random.randrange(400) == 0:
            before = self._diary.now - timedelta(milliseconds=random.randrange(50, 900))
            yield self._diary.event(
                "CLOCK-CHANGED", self.unit, **{"from": rfc3339(before), "to": rfc3339(self._diary.now)}
            )
        if self._diary.now - self._beat >= HEARTBEAT_EVERY:
            self._beat = self._diary.now
            yield self._diary.event("HEARTBEAT", self.unit)

    def closing(self) -> Iterator[SimulatedEvent]:
        yield self._diary.event("HEARTBEAT", self.unit)


def software_digest(name: str) -> str:
    """The SHA-256 of a version of a program, as a complex reports it."""
    return hashlib.sha256(name.encode()).hexdigest()
