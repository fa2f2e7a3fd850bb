"""Faults inside a batch: events that can't be, meters that lie, clocks that jump."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.client.gaming import rfc3339
from gateway.local.simulation.deliveries import FaultMaker, place_within
from gateway.local.simulation.halls import software_digest
from gateway.local.simulation.model import Fault, RefusedEvent, SimulatedEvent, Step
from gateway.local.simulation.scribe import Scribe

BAD_EVENTS_A_BATCH = 4


@dataclass(frozen=True, slots=True)
class More:
    """One more event: its kind, its attributes, `unit` where it is not the server.

    Where it must be refused, `cause` says why in words and `code` is that of the finding.
    """

    kind: str
    facts: Mapping[str, object]
    unit: str | None = None
    cause: str = ""
    code: str = ""


METERS = ("coin_in", "coin_out", "jackpots", "hand_pays", "drop", "games")
_ORIGINAL = {"original": "00000000-0000-4000-8000-000000000000", "reason": "Отмена"}


def _bad_events(scribe: Scribe) -> Sequence[More]:
    today = scribe.diary.now.date()
    person = scribe.diary.guests.citizen().facts
    wrong_digit = person["player"][:-1] + str((int(person["player"][-1]) + 1) % 10)
    young = {
        "player_kind": "FOREIGN",
        "document": "A00000001",
        "country": "KG",
        "birth_date": today.replace(year=today.year - 20, day=1).isoformat(),
    }
    cash = {"amount": "5000", "means": "CASH"}
    return (
        More("COIN-FLIP", {}, cause="unknown kind", code="COD-001"),
        More("BUY-IN", {**cash, **young}, cause="under age", code="GAM-033"),
        More("BUY-IN", {**cash, "amount": "-5000"}, cause="negative amount", code="XML-023"),
        More("BUY-IN", cash, "DESK-77", cause="unknown unit", code="GAM-023"),
        More("BUY-IN", {**cash, **person, "player": wrong_digit}, cause="wrong check digit", code="GAM-032"),
        More("METERS", dict.fromkeys(METERS, 0), cause="unit of another kind", code="GAM-024"),
        More("BUY-IN", {"means": "CASH"}, cause="attribute missing", code="GAM-020"),
        More("HEARTBEAT", {"amount": "5"}, cause="attribute of another kind", code="GAM-021"),
        More("HEARTBEAT", {"time": "1900-01-01T00:00:00.000Z"}, cause="time before 2000", code="GAM-030"),
        More("BUY-IN", {**cash, "means": "BARTER"}, cause="unknown means", code="COD-001"),
        More("BUY-IN", {**cash, "amount": "5000,00"}, cause="malformed amount", code="XML-023"),
        More(
            "CANCEL",
            {**_ORIGINAL, "original_sequence": 2**53 - 1},
            cause="correction of what is to come",
            code="GAM-034",
        ),
    )


def _bad_event(scribe: Scribe, events: list[SimulatedEvent], occasion: int) -> Iterator[Step]:
    """Some of the many ways to be wrong, other ones each time."""
    ways = _bad_events(scribe)
    start = occasion * BAD_EVENTS_A_BATCH
    chosen = [ways[(start + place) % len(ways)] for place in range(BAD_EVENTS_A_BATCH)]
    return _refused(scribe, events, Fault.BAD_EVENT, chosen)


def _clock_jump(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    """The clock falls back two hours for one event and runs two days ahead for another; nobody says so."""
    now = scribe.diary.now
    back, ahead = rfc3339(now - timedelta(hours=2)), rfc3339(now + timedelta(days=2))
    jumps = [
        More("HEARTBEAT", {"time": back}, cause="clock fell back", code="GAM-029"),
        More("HEARTBEAT", {"time": ahead}, cause="clock ran ahead", code="GAM-028"),
    ]
    return _refused(scribe, events, Fault.CLOCK_JUMP, jumps)


def _refused(scribe: Scribe, events: list[SimulatedEvent], fault: Fault, bad: Sequence[More]) -> Iterator[Step]:
    """The batch is filed with bad events among its good ones; they alone must be refused."""
    inserted = _insert(scribe, events, bad)
    scribe.series.number(events)
    batch = scribe.write(events)
    refused = [
        RefusedEvent(scribe.house.id, batch.number, event["sequence"], more.cause, more.code)
        for event, more in zip(inserted, bad, strict=True)
    ]
    scribe.injected(fault, batch.number, events={event.sequence: event.cause for event in refused})
    yield scribe.file(batch, refused)


def _false_meter(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    lie = scribe.play.machines.lie() if scribe.play.machines is not None else None
    if lie is None:
        return _honest(scribe, events)
    events.append(lie)
    return _noticed(scribe, events, Fault.FALSE_METER, lie)


def _no_original(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    """Something is cancelled that never happened: the sequence is that of an event of another identity."""
    facts = {"original": scribe.diary.guid(), "original_sequence": 1, "reason": "Отмена"}
    (event,) = _insert(scribe, events, [More("CANCEL", facts)])
    return _noticed(scribe, events, Fault.NO_ORIGINAL, event)


def _unknown_software(scribe: Scribe, events: list[SimulatedEvent], occasion: int) -> Iterator[Step]:
    digest = software_digest(f"nobody registered this, {occasion}")
    (event,) = _insert(scribe, events, [More("SOFTWARE-HASH", {"hash": digest})])
    return _noticed(scribe, events, Fault.UNKNOWN_SOFTWARE, event)


_TICKETS: Mapping[Fault, tuple[str, Mapping[str, str]]] = {
    Fault.FALSE_METER: ("meter", {"unit": "unit", "to": "sequence"}),
    Fault.NO_ORIGINAL: (
        "correction",
        {"sequence": "sequence", "original": "original", "original_sequence": "original_sequence"},
    ),
    Fault.UNKNOWN_SOFTWARE: ("software", {"unit": "unit", "hash": "hash", "sequence": "sequence"}),
}
"""The ticket that an event of such a fault opens, and what its detail takes from the event."""


def _noticed(scribe: Scribe, events: list[SimulatedEvent], fault: Fault, event: SimulatedEvent) -> Iterator[Step]:
    """The batch is filed whole, and the event must open a ticket."""
    scribe.series.number(events)
    batch = scribe.write(events)
    kind, members = _TICKETS[fault]
    scribe.injected(fault, batch.number, sequence=event["sequence"])
    scribe.ticket(kind, "open", **{name: event[member] for name, member in members.items()})
    yield scribe.file(batch)


def _honest(scribe: Scribe, events: list[SimulatedEvent]) -> Iterator[Step]:
    scribe.series.number(events)
    yield scribe.file(scribe.write(events))


def _insert(scribe: Scribe, events: list[SimulatedEvent], more: Sequence[More]) -> list[SimulatedEvent]:
    """More events in the middle of a batch, at the moment of the one before them."""
    place = place_within(events)
    moment = datetime.fromisoformat(events[max(place - 1, 0)]["time"])
    server = scribe.play.server.unit
    inserted = [{**scribe.diary.event_at(moment, one.kind, one.unit or server), **one.facts} for one in more]
    events[place:place] = inserted
    return inserted


INSERTION_FAULTS: Mapping[Fault, FaultMaker] = {
    Fault.FALSE_METER: _false_meter,
    Fault.CLOCK_JUMP: _clock_jump,
    Fault.BAD_EVENT: _bad_event,
    Fault.NO_ORIGINAL: _no_original,
    Fault.UNKNOWN_SOFTWARE: _unknown_software,
}
