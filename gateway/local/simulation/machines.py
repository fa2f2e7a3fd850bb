"""Gaming machines, whose meters add up with their events."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from gateway.client.gaming import Unit
from gateway.local.simulation.diary import Diary
from gateway.local.simulation.model import SimulatedEvent
from gateway.local.simulation.players import ANONYMOUS, Player

STAKES = (50, 100, 200, 500)
NOTES = (2_000, 5_000, 10_000, 20_000)
MOST_GAMES = 60
MOST_RETURN = 1.8
SMALL_JACKPOTS = (15_000, 90_000)


@dataclass(slots=True)
class Meters:
    """The accumulating meters of one machine: games in number, all else in whole tenge."""

    coin_in: int = 0
    coin_out: int = 0
    jackpots: int = 0
    hand_pays: int = 0
    drop: int = 0
    games: int = 0


class Machines:
    """All machines of a house. Each event moves the meters of its machine, so that snapshots agree with events."""

    def __init__(self, diary: Diary, units: Sequence[Unit]) -> None:
        self._diary = diary
        self._units = [unit.id for unit in units]
        self._next = 0
        self._boxes = dict.fromkeys(self._units, 0)
        random = diary.random
        self.meters = {
            unit: Meters(random.randrange(10**6, 10**8), random.randrange(10**7), games=random.randrange(10**6))
            for unit in self._units
        }

    def opening(self) -> Iterator[SimulatedEvent]:
        """Each is switched on and says where its meters stand."""
        for unit in self._units:
            yield self._diary.event("POWER", unit, outcome="ON")
            yield self.snapshot(unit)

    def play(self) -> Iterator[SimulatedEvent]:
        """A guest at a machine: money in, some games, now and then a prize, at times a snapshot."""
        random = self._diary.random
        unit = random.choice(self._units)
        yield self._buy_in(unit)
        for _ in range(random.randrange(1, 4)):
            yield self._games(unit)
        match random.randrange(12):
            case 0:
                yield self._jackpot(unit, random.randrange(*SMALL_JACKPOTS, 500))
            case 1:
                amount = random.randrange(*SMALL_JACKPOTS, 500)
                yield self.hand_pay(unit, amount, self._diary.guests.winner(amount))
            case 2:
                yield self._diary.event("TICKET-OUT", unit, amount=str(random.choice(NOTES)), **self._ticket())
            case 3:
                yield from self._door(unit)
            case _:
                yield self._next_snapshot()

    def closing(self) -> Iterator[SimulatedEvent]:
        """Each is emptied, and says where its meters stand."""
        for unit in self._units:
            yield self._emptied(unit)
            yield self.snapshot(unit)

    def snapshot(self, unit: str) -> SimulatedEvent:
        """The meters of a machine as they stand."""
        return self._diary.event("METERS", unit, **asdict(self.meters[unit]))

    def hand_pay(self, unit: str, amount: int, player: Player) -> SimulatedEvent:
        """A prize that is paid by hand, in cash."""
        self.meters[unit].hand_pays += amount
        return self._diary.event("HAND-PAY", unit, amount=str(amount), means="CASH", **player.facts)

    def lie(self) -> SimulatedEvent | None:
        """A snapshot in which a meter has fallen; the machine is out of play then, so that nothing follows from it.

        None when it is the last machine.
        """
        if len(self._units) == 1:
            return None
        unit = self._units.pop(self._diary.random.randrange(len(self._units)))
        meters = asdict(self.meters[unit])
        return self._diary.event("METERS", unit, **{**meters, "coin_in": meters["coin_in"] // 2})

    def _buy_in(self, unit: str) -> SimulatedEvent:
        amount = self._diary.random.choice(NOTES)
        self._boxes[unit] += amount
        return self._diary.event("BUY-IN", unit, amount=str(amount), means="CASH", **ANONYMOUS)

    def _emptied(self, unit: str) -> SimulatedEvent:
        amount, self._boxes[unit] = self._boxes[unit], 0
        self.meters[unit].drop += amount
        return self._diary.event("DESK-DROP", unit, amount=str(amount), count=1)

    def _games(self, unit: str) -> SimulatedEvent:
        random, meters = self._diary.random, self.meters[unit]
        games = random.randrange(1, MOST_GAMES)
        stakes = games * random.choice(STAKES)
        winnings = round(stakes * random.uniform(0, MOST_RETURN))
        meters.coin_in += stakes
        meters.coin_out += winnings
        meters.games += games
        return self._diary.event("MACHINE-GAMES", unit, stakes=str(stakes), winnings=str(winnings), games=games)

    def _jackpot(self, unit: str, amount: int) -> SimulatedEvent:
        """A prize that the machine adds to the credit of whoever plays; nothing is paid out by that."""
        self.meters[unit].jackpots += amount
        return self._diary.event("JACKPOT", unit, amount=str(amount), **self._diary.guests.anybody().facts)

    def _ticket(self) -> dict[str, str]:
        return {"means": "CASH", "reference": self._diary.reference("T"), **ANONYMOUS}

    def _door(self, unit: str) -> Iterator[SimulatedEvent]:
        yield self._diary.event("MAINTENANCE", unit, outcome="BEGUN")
        yield self._diary.event("DOOR", unit, outcome="OPENED")
        yield self._emptied(unit)
        yield self._diary.event("DOOR", unit, outcome="CLOSED")
        yield self._diary.event("MAINTENANCE", unit, outcome="ENDED")

    def _next_snapshot(self) -> SimulatedEvent:
        self._next = (self._next + 1) % len(self._units)
        return self.snapshot(self._units[self._next])
