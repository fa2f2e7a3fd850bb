"""Complexes of which nothing is heard any more."""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.oversight.facts import Batch, OfComplex
from gateway.oversight.state import Working
from gateway.oversight.tickets import Kind, Occasion
from validators.gaming.model import Complex, ComplexState

_MILLISECOND = timedelta(milliseconds=1)


def heard(state: Working, fact: OfComplex, occasion: Occasion) -> None:
    """Takes note that a complex spoke, and of how far its clock is from ours."""
    progress = state.progress[fact.complex]
    at = fact.origin.at
    if progress.heard_at is None or at >= progress.heard_at:
        clock = (at - fact.made_at) // _MILLISECOND if isinstance(fact, Batch) else progress.clock_ms
        state.progress[fact.complex] = replace(progress, heard_at=at, clock_ms=clock)
        state.changes.progress.add(fact.complex)
    known = state.tickets.find(fact.complex, Kind.SILENCE, "")
    if known is not None:
        state.tickets.close(known, occasion)


def find(state: Working, factor: float, since: datetime, occasion: Occasion) -> None:
    """Tells of active complexes that are silent for too long, counted from `since` (when listening began) on."""
    for one in state.complexes.values():
        progress = state.progress.get(one.id)
        if one.state is not ComplexState.ACTIVE or progress is None or progress.heard_at is None:
            continue
        if occasion.at > silent_from(one, progress.heard_at, factor, since):
            about = (one.id, Kind.SILENCE, "")
            if state.tickets.find(*about) is None:
                detail = {"heard_at": progress.heard_at.isoformat(), "heartbeat_seconds": one.heartbeat_seconds}
                state.tickets.raise_for(about, one.owner, detail, occasion)


def silent_from(one: Complex, heard_at: datetime, factor: float, since: datetime) -> datetime:
    """The moment from which a complex counts as silent."""
    return max(heard_at, since) + timedelta(seconds=one.heartbeat_seconds * factor)
