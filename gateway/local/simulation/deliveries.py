"""Faults of delivery: batches that come late, twice, never, with the wrong link or the wrong numbers."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.client.gaming import Action, Repairs
from gateway.local.simulation.model import Fault, SimulatedEvent, Step, Wait
from gateway.local.simulation.scribe import Scribe
from gateway.local.simulation.series import Batch

FaultMaker = Callable[[Scribe, list[SimulatedEvent], int], Iterator[Step]]
"""Steps in place of the honest one, from the events of a batch and the how-manieth time the fault is injected."""

SHORT_HEARTBEAT_SECONDS = 1
WRONG_HASH = hashlib.sha256(b"not the batch before").hexdigest()


def release(scribe: Scribe) -> Iterator[Step]:
    """Delayed batches go out behind the one that overtook them; dropped ones never do."""
    held, scribe.held = scribe.held, []
    for fault, batch in held:
        numbers = {"first": batch.number, "last": batch.number}
        scribe.injected(fault, batch.number, events=len(batch.events))
        if fault is Fault.DROP:
            for event in batch.events:
                scribe.figures.add(event)
            scribe.ticket("gap", "open", what="batch", **numbers)
            continue
        scribe.ticket("gap", "closed", what="batch", **numbers)
        yield scribe.file(batch)


def _held_for(fault: Fault) -> FaultMaker:
    def hold(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
        scribe.series.number(events)
        scribe.held.append((fault, scribe.write(events)))
        return iter(())

    return hold


def _duplicate(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    batch = _written(scribe, events)
    scribe.injected(Fault.DUPLICATE, batch.number)
    yield scribe.file(batch)
    yield scribe.post(f"batch {batch.number} again", batch.body, 200)


def _fork(scribe: Scribe, events: list[SimulatedEvent], occasion: int) -> Iterator[Step]:
    """The other batch has the last event changed; every second time a repair says that it was a mistake."""
    batch = _written(scribe, events)
    yield scribe.file(batch)
    other = [*batch.events[:-1], {**batch.events[-1], "id": scribe.diary.guid()}]
    fork = scribe.series.rewritten(batch.number, batch.previous, other)
    repaired = bool(occasion % 2)
    scribe.injected(Fault.FORK, batch.number, repaired=repaired, sha256=fork.digest)
    scribe.ticket("fork", "closed" if repaired else "open", batch=batch.number, others=[{"sha256": fork.digest}])
    yield scribe.post(f"another batch {batch.number}", fork.body, 409)
    if repaired:
        yield scribe.post(
            f"repair of the fork at batch {batch.number}", scribe.series.chain_repair(batch.number, Repairs.FORK, None)
        )


def _wrong_hash(scribe: Scribe, events: list[SimulatedEvent], occasion: int) -> Iterator[Step]:
    """Every second time a repair names the right hash."""
    right = scribe.series.head
    scribe.series.number(events)
    batch = scribe.write(events, WRONG_HASH)
    repaired = bool(occasion % 2)
    scribe.injected(Fault.WRONG_HASH, batch.number, repaired=repaired)
    link = {"previous": WRONG_HASH, "expected": right}
    scribe.ticket("chain", "closed" if repaired else "open", batch=batch.number, **link)
    yield scribe.file(batch)
    if repaired:
        yield scribe.post(
            f"repair of the chain at batch {batch.number}",
            scribe.series.chain_repair(batch.number, Repairs.CHAIN, right),
        )


def _overlap(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    """The batch begins with the sequence that the one before it ended with, given to a heart-beat."""
    twice = scribe.series.last
    moment = datetime.fromisoformat(events[0]["time"])
    events.insert(0, scribe.diary.event_at(moment, "HEARTBEAT", scribe.play.server.unit))
    scribe.series.number(events, start=twice)
    batch = scribe.write(events)
    scribe.injected(Fault.OVERLAP, batch.number, sequence=twice)
    scribe.ticket("overlap", "open", batch=batch.number, sequences=[[twice, twice]])
    yield scribe.file(batch)


def _lost_event(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    place = place_within(events)
    scribe.series.number(events, skip=place)
    batch = scribe.write(events)
    lost = events[place]["sequence"] - 1
    scribe.injected(Fault.LOST_EVENT, batch.number, sequence=lost)
    scribe.ticket("gap", "open", what="event", first=lost, last=lost)
    yield scribe.file(batch)


def _bad_signature(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    """The batch is changed after it was signed; then it is sent as it was signed."""
    batch = _written(scribe, events)
    scribe.injected(Fault.BAD_SIGNATURE, batch.number)
    yield scribe.post(f"batch {batch.number}, changed after it was signed", tampered(batch.body), 401)
    yield scribe.file(batch)


def _silence(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    """The house promises a quick heart-beat, keeps still, comes back, and takes the promise back."""
    state = scribe.house.state
    quick = replace(state, heartbeat_seconds=SHORT_HEARTBEAT_SECONDS)
    batch = _written(scribe, events)
    scribe.injected(Fault.SILENCE, batch.number, seconds=scribe.course.silence_seconds)
    scribe.ticket("silence", "closed")
    yield scribe.post("change of the heart-beat", scribe.series.registration(Action.CHANGE, quick))
    yield Wait(scribe.house.id, scribe.diary.now, scribe.course.silence_seconds)
    yield scribe.file(batch)
    yield scribe.post("change of the heart-beat", scribe.series.registration(Action.CHANGE, state))


def place_within(events: list[SimulatedEvent]) -> int:
    """A place in the middle, not between a mistake and its correction."""
    place = len(events) // 2
    while "original" in events[place]:
        place += 1
    return place


def tampered(body: bytes) -> bytes:
    """The message with one digit of its first GUID changed."""
    encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = body.decode(encoding)
    return re.sub("<Version>(.)", lambda found: f"<Version>{_other(found[1])}", text, count=1).encode(encoding)


def _other(digit: str) -> str:
    return "0" if digit != "0" else "1"


def _written(scribe: Scribe, events: list[SimulatedEvent]) -> Batch:
    scribe.series.number(events)
    return scribe.write(events)


DELIVERY_FAULTS: Mapping[Fault, FaultMaker] = {
    Fault.DROP: _held_for(Fault.DROP),
    Fault.DELAY: _held_for(Fault.DELAY),
    Fault.DUPLICATE: _duplicate,
    Fault.FORK: _fork,
    Fault.WRONG_HASH: _wrong_hash,
    Fault.OVERLAP: _overlap,
    Fault.LOST_EVENT: _lost_event,
    Fault.BAD_SIGNATURE: _bad_signature,
    Fault.SILENCE: _silence,
}
