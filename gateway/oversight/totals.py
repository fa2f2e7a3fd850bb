"""The figures of each local day by unit, kind and hour, and those that a complex reports for it."""

from collections.abc import Mapping
from typing import Any

from gateway.oversight.facts import NOTHING_COUNTED, Batch, DayReport, Figure
from gateway.oversight.state import DayKey, FigureOfDay, Working
from gateway.oversight.tickets import Kind, Occasion
from validators.totals import written


def count(state: Working, batch: Batch, most: int, occasion: Occasion) -> None:
    """Adds the figures of a batch; compares the days that were reported already again."""
    added = state.changes.figures
    for (day, unit, kind, hour), figure in batch.tally.figures.items():
        key = (batch.complex, day, unit, kind, hour)
        added[key] = added[key].plus(figure) if key in added else figure
        known = state.days.setdefault((batch.complex, day), {})
        known[unit, kind, hour] = known.get((unit, kind, hour), NOTHING_COUNTED).plus(figure)
    for day in sorted({key[0] for key in batch.tally.figures}):
        if (batch.complex, day) in state.reports:
            _compare(state, (batch.complex, day), batch.owner, most, occasion)


def report(state: Working, made: DayReport, most: int, occasion: Occasion) -> None:
    """Takes a report in; it stands in for an earlier one of the day."""
    key = (made.complex, made.day)
    state.reports[key] = state.changes.reports[key] = made
    state.days.setdefault(key, {})
    _compare(state, key, made.owner, most, occasion)


def differences(reported: Mapping[FigureOfDay, Figure], received: Mapping[FigureOfDay, Figure]) -> list[dict[str, Any]]:
    """Where two sides of a day differ: unit, kind, hour, and what each of them has."""
    found = []
    for key in sorted(reported.keys() | received.keys()):
        theirs, ours = reported.get(key, NOTHING_COUNTED), received.get(key, NOTHING_COUNTED)
        if theirs != ours:
            unit, kind, hour = key
            place = {"unit": unit, "kind": kind, "hour": hour}
            found.append({**place, "reported": told(theirs), "received": told(ours)})
    return found


def told(figure: Figure) -> dict[str, Any]:
    """A figure as plain data."""
    return {"count": figure.count, "amount": written(figure.amount)}


def _compare(state: Working, key: DayKey, owner: str, most: int, occasion: Occasion) -> None:
    complex_id, day = key
    found = differences(state.reports[key].figures, state.days[key])
    about = (complex_id, Kind.TOTALS, day.isoformat())
    known = state.tickets.find(*about)
    if found:
        detail = {"day": day.isoformat(), "count": len(found), "differences": found[:most]}
        state.tickets.raise_for(about, owner, detail, occasion)
    elif known is not None:
        state.tickets.close(known, occasion)
