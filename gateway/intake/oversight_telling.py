"""Complexes, their places and days as JSON."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from gateway.journal import DayFigures, Place
from gateway.oversight.facts import Figure
from gateway.oversight.state import FigureOfDay, Progress
from gateway.oversight.totals import differences, told
from gateway.sealing.derived import ticket_facts
from gateway.sealing.receipts import moment_text
from validators.gaming.model import Complex

COMPLEXES = "/v1/gaming/complexes"


def complex_facts(one: Complex, progress: Progress) -> dict[str, Any]:
    """A complex as it is registered, and when it was heard last."""
    return {
        "id": one.id,
        "owner": one.owner,
        "state": one.state.value,
        "kind": one.kind,
        "name": one.name,
        "premises": one.premises,
        "heartbeat_seconds": one.heartbeat_seconds,
        "certificate": one.certificate,
        "units": [{"id": name, "kind": kind} for name, kind in one.units.items()],
        "software": sorted(one.software),
        "received_batches": progress.received_batches,
        "heard_at": _heard(progress),
    }


def position_facts(place: Place) -> dict[str, Any]:
    """What was received of a complex."""
    progress = place.progress
    return {
        "complex": place.complex.id,
        "state": place.complex.state.value,
        "last_batch": place.last_batch,
        "last_batch_hash": place.last_batch_hash,
        "last_event": place.last_event,
        "highest_batch": progress.top_batch,
        "highest_event": progress.top_event,
        "received_batches": progress.received_batches,
        "missing": [
            {"what": what.value, "first": piece.first, "last": piece.last, "ticket": str(piece.label)}
            for what, piece in place.missing
        ],
        "open_tickets": [ticket_facts(ticket) for ticket in place.open_tickets],
        "clock_difference_ms": progress.clock_ms,
        "heard_at": _heard(progress),
    }


def day_path(name: str, day: date) -> str:
    """Where the two sides of a day are read."""
    return f"{COMPLEXES}/{name}/days/{day.isoformat()}"


def day_facts(name: str, day: date, figures: DayFigures) -> dict[str, Any]:
    """The two sides of a day."""
    reported = figures.reported
    return {
        "complex": name,
        "day": day.isoformat(),
        "figures": _figures(figures.received),
        "reported": None if reported is None else _figures(reported),
        "differences": [] if reported is None else differences(reported, figures.received),
    }


def _figures(figures: Mapping[FigureOfDay, Figure]) -> list[dict[str, Any]]:
    return [
        {"unit": unit, "kind": kind, "hour": hour, **told(figure)}
        for (unit, kind, hour), figure in sorted(figures.items())
    ]


def _heard(progress: Progress) -> str | None:
    return None if progress.heard_at is None else moment_text(progress.heard_at)
