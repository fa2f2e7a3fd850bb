"""The end of a gaming day: what a complex tells of it, and where that differs from what the gateway received."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from gateway.client.gaming import Figure
from gateway.local.simulation.model import Fault, Post
from gateway.local.simulation.scribe import Scribe

Place = tuple[str, str, int]
_NOTHING = {"count": 0, "amount": "0"}


def end_of_day(scribe: Scribe, day: date, *, lies: bool) -> Post:
    """A step that files the house's figures of a day, or figures that are not its own."""
    figures = scribe.figures.of(day)
    if lies:
        figures = _falsified(scribe, day, figures)
    differences = _differences(figures, scribe.received.of(day))
    if differences:
        scribe.ticket("totals", "open", day=day.isoformat(), differences=differences)
    return scribe.post("end of day", scribe.series.end_of_day(day, figures))


def _falsified(scribe: Scribe, day: date, figures: list[Figure]) -> list[Figure]:
    """The figures with one count too many in one of them."""
    place = scribe.random.randrange(len(figures))
    true = figures[place]
    where = {"day": day.isoformat(), "unit": true.unit, "kind": true.kind, "hour": true.hour}
    scribe.injected(Fault.LYING_TOTALS, None, **where, count=true.count, told=true.count + 1)
    return [*figures[:place], replace(true, count=true.count + 1), *figures[place + 1 :]]


def _differences(reported: Iterable[Figure], received: Iterable[Figure]) -> list[dict[str, Any]]:
    told, known = _by_place(reported), _by_place(received)
    return [
        {
            **dict(zip(("unit", "kind", "hour"), place, strict=True)),
            "reported": told.get(place, _NOTHING),
            "received": known.get(place, _NOTHING),
        }
        for place in sorted(told.keys() | known.keys())
        if told.get(place) != known.get(place)
    ]


def _by_place(figures: Iterable[Figure]) -> dict[Place, dict[str, Any]]:
    return {
        (figure.unit, figure.kind, figure.hour): {"count": figure.count, "amount": figure.amount} for figure in figures
    }
