"""One pass over the accepted events of a batch: every figure that oversight needs of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from gateway.oversight.facts import (
    Amounts,
    Correction,
    Figure,
    FigureKey,
    Mark,
    Moved,
    PaymentKey,
    Tally,
)
from gateway.oversight.identities import Packing
from gateway.oversight.parameters import DueRules, Parameters
from validators.values import LEGAL_ZONE

Content = Mapping[str, Any]

METERS = "METERS"
RESETS = frozenset({"METER-ROLLOVER", "RAM-CLEAR"})
CORRECTIONS = frozenset({"REPLACE", "CANCEL"})
SOFTWARE = "SOFTWARE-HASH"
_SECONDS = len("yyyy-mm-ddThh:mm")
_ZONE = len("yyyy-mm-ddThh:mm:ss.mmm")


class Tallier:
    """Tallies batches by these parameters."""

    def __init__(self, parameters: Parameters, rules: DueRules) -> None:
        self.meters = tuple(meter.name for meter in parameters.meters)
        self.payments = rules.kinds
        self.movers: dict[str, list[tuple[int, str]]] = {}
        for place, meter in enumerate(parameters.meters):
            for kind, attribute in meter.events.items():
                self.movers.setdefault(kind, []).append((place, attribute))
        self.special = CORRECTIONS | RESETS | {METERS, SOFTWARE}

    def tally(self, events: Sequence[Content], arrived: Sequence[tuple[int, int]]) -> Tally:
        """The tally of events in ascending order; `arrived` tells behind which of them sequences are missing."""
        tallying = _Tallying(self, arrived)
        tallying.take(events)
        return tallying.done()


class _Tallying:
    """A tally on its way."""

    def __init__(self, by: Tallier, arrived: Sequence[tuple[int, int]]) -> None:
        self._by = by
        self._figures: dict[FigureKey, list[int]] = {}
        self._payments: dict[PaymentKey, list[int]] = {}
        self._movements = _Movements(len(by.meters), [last for _, last in arrived])
        self._marks: list[Mark] = []
        self._corrections: list[Correction] = []
        self._software: list[tuple[int, str, str]] = []
        self._identities = Packing()

    def take(self, events: Iterable[Content]) -> None:
        """Takes the next events in."""
        figures, payments, by = self._figures, self._payments, self._by
        for event in events:
            kind, unit = event["kind"], event["unit"]
            day, hour = local_hour(event["time"])
            amount = hundredths(event["amount"]) if "amount" in event else 0
            figure = figures.setdefault((day, unit, kind, hour), [0, 0])
            figure[0] += 1
            figure[1] += amount
            if kind in by.payments and (player := player_of(event)) and "means" in event:
                paid = payments.setdefault((kind, event["means"], player, day), [0, 0])
                paid[0] += 1
                paid[1] += amount
            if kind in by.movers:
                self._movements.move(event, by.movers[kind])
            elif kind in by.special:
                self._take_special(event, kind)
            self._identities.add(event["sequence"], event["id"])

    def done(self) -> Tally:
        """What all of them come to."""
        return Tally(
            {key: Figure(*figure) for key, figure in self._figures.items()},
            {key: Figure(*paid) for key, paid in self._payments.items()},
            self._marks,
            self._movements.all(),
            self._corrections,
            self._software,
            self._identities.packed(),
        )

    def _take_special(self, event: Content, kind: str) -> None:
        unit, sequence = event["unit"], event["sequence"]
        if kind == METERS:
            meters = tuple(int(event[name]) for name in self._by.meters)
            self._marks.append(Mark(unit, sequence, meters))
            self._movements.cut(unit)
        elif kind in RESETS:
            self._marks.append(Mark(unit, sequence, None))
            self._movements.cut(unit)
        elif kind in CORRECTIONS:
            self._corrections.append(Correction(sequence, str(event["original"]).upper(), event["original_sequence"]))
        else:
            self._software.append((sequence, unit, event["hash"]))


class _Movements:
    """Sums by unit, begun anew behind a mark of the unit and behind a sequence that did not come."""

    def __init__(self, meters: int, ends: Sequence[int]) -> None:
        self._none = [0] * meters
        self._ends = ends
        self._run = 0
        self._open: dict[str, tuple[int, list[int]]] = {}
        self._closed: list[Moved] = []

    def move(self, event: Content, moved: Sequence[tuple[int, str]]) -> None:
        sequence, unit = event["sequence"], event["unit"]
        while self._run < len(self._ends) and sequence > self._ends[self._run]:
            self._run += 1
            self._cut_all()
        held = self._open.get(unit)
        if held is None:
            held = self._open[unit] = (sequence, list(self._none))
        for place, attribute in moved:
            value = event.get(attribute)
            if value is not None:
                held[1][place] += hundredths(value)

    def cut(self, unit: str) -> None:
        held = self._open.pop(unit, None)
        if held is not None:
            self._closed.append(Moved(unit, held[0], tuple(held[1])))

    def all(self) -> list[Moved]:
        self._cut_all()
        return self._closed

    def _cut_all(self) -> None:
        for unit in tuple(self._open):
            self.cut(unit)


def plus(one: Amounts, other: Amounts) -> Amounts:
    """Two rows of amounts, added one by one."""
    return tuple(first + second for first, second in zip(one, other, strict=True))


def hundredths(value: str | int) -> int:
    """An amount that was judged, in hundredths."""
    if isinstance(value, int):
        return value * 100
    whole, _, rest = value.partition(".")
    return int(whole) * 100 + (int(rest.ljust(2, "0")) if rest else 0)


def player_of(event: Content) -> str | None:
    """By what an FM-1 would name the player: the IIN, or the number of the foreign document; None without a name."""
    return event.get("player") or event.get("document")


def local_hour(text: str) -> tuple[date, int]:
    """The legal day and hour of a moment as it was sent."""
    return _local_hour(text[:_SECONDS], text[_ZONE:])


@lru_cache(maxsize=8192)
def _local_hour(minute: str, zone: str) -> tuple[date, int]:
    moment = datetime.fromisoformat(f"{minute}:00{zone}").astimezone(LEGAL_ZONE)
    return moment.date(), moment.hour
