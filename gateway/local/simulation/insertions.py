"""Faults inside a batch: events that can't be, meters that lie, clocks that jump; and winnings that need an FM-1."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from gateway.client.gaming import LEGAL_TIME, rfc3339
from gateway.local.messages import MOMENT, Reporter, Scenario, build_fm1
from gateway.local.simulation.deliveries import FaultMaker, place_within
from gateway.local.simulation.halls import software_digest
from gateway.local.simulation.model import ExpectedObligation, Fault, SimulatedEvent, Step
from gateway.local.simulation.players import Player
from gateway.local.simulation.scribe import Scribe
from gateway.local.simulation.series import signed

BAD_EVENTS_A_BATCH = 4
PRIZE = 2_400_000
PARTS = (420_000, 390_000, 380_000)
"""Together above the threshold of every operation kind of gambling, one by one below it."""


@dataclass(frozen=True, slots=True)
class More:
    """One more event: its kind, its attributes, `unit` where it is not the server; why it is refused, if it is."""

    kind: str
    facts: Mapping[str, object]
    unit: str | None = None
    cause: str = ""


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
        More("COIN-FLIP", {}, cause="unknown kind"),
        More("BUY-IN", {**cash, **young}, cause="under age"),
        More("BUY-IN", {**cash, "amount": "-5000"}, cause="negative amount"),
        More("BUY-IN", cash, "DESK-77", cause="unknown unit"),
        More("BUY-IN", {**cash, **person, "player": wrong_digit}, cause="wrong check digit"),
        More("METERS", dict.fromkeys(METERS, 0), cause="unit of another kind"),
        More("BUY-IN", {"means": "CASH"}, cause="attribute missing"),
        More("HEARTBEAT", {"amount": "5"}, cause="attribute of another kind"),
        More("HEARTBEAT", {"time": "1900-01-01T00:00:00.000Z"}, cause="time before 2000"),
        More("BUY-IN", {**cash, "means": "BARTER"}, cause="unknown means"),
        More("BUY-IN", {**cash, "amount": "5000,00"}, cause="malformed amount"),
        More("CANCEL", {**_ORIGINAL, "original_sequence": 2**53 - 1}, cause="correction of what is to come"),
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
        More("HEARTBEAT", {"time": back}, cause="clock fell back"),
        More("HEARTBEAT", {"time": ahead}, cause="clock ran ahead"),
    ]
    return _refused(scribe, events, Fault.CLOCK_JUMP, jumps)


def _refused(scribe: Scribe, events: list[SimulatedEvent], fault: Fault, bad: Sequence[More]) -> Iterator[Step]:
    """The batch is filed with bad events among its good ones; they alone must be refused."""
    inserted = _insert(scribe, events, bad)
    scribe.series.number(events)
    batch = scribe.write(events)
    refused = {event["sequence"]: more.cause for event, more in zip(inserted, bad, strict=True)}
    scribe.injected(fault, batch.number, events=refused)
    yield scribe.file(batch, refused)


def _false_meter(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    lie = scribe.play.machines.lie() if scribe.play.machines is not None else None
    if lie is None:
        return _honest(scribe, events)
    events.append(lie)
    return _filed(scribe, events, Fault.FALSE_METER, "meter", lie, unit=lie["unit"])


def _no_original(scribe: Scribe, events: list[SimulatedEvent], _occasion: int) -> Iterator[Step]:
    """Something is cancelled that never happened: the sequence is that of an event of another identity."""
    facts = {"original": scribe.diary.guid(), "original_sequence": 1, "reason": "Отмена"}
    (event,) = _insert(scribe, events, [More("CANCEL", facts)])
    return _filed(scribe, events, Fault.NO_ORIGINAL, "correction", event)


def _unknown_software(scribe: Scribe, events: list[SimulatedEvent], occasion: int) -> Iterator[Step]:
    digest = software_digest(f"nobody registered this, {occasion}")
    (event,) = _insert(scribe, events, [More("SOFTWARE-HASH", {"hash": digest})])
    return _filed(scribe, events, Fault.UNKNOWN_SOFTWARE, "software", event, hash=digest)


def _filed(
    scribe: Scribe, events: list[SimulatedEvent], fault: Fault, kind: str, event: SimulatedEvent, **detail: str
) -> Iterator[Step]:
    """The batch is filed whole, and the event must open a ticket."""
    scribe.series.number(events)
    batch = scribe.write(events)
    scribe.injected(fault, batch.number, sequence=event["sequence"], **detail)
    scribe.ticket(kind, "open", sequence=event["sequence"], **detail)
    yield scribe.file(batch)


def _honest(scribe: Scribe, events: list[SimulatedEvent]) -> Iterator[Step]:
    scribe.series.number(events)
    yield scribe.file(scribe.write(events))


def _winnings(scribe: Scribe, events: list[SimulatedEvent], occasion: int) -> Iterator[Step]:
    """One large prize; every second time the FM-1 follows at once."""
    return _paid(scribe, events, occasion, Fault.WINNINGS, (PRIZE,))


def _winnings_in_parts(scribe: Scribe, events: list[SimulatedEvent], occasion: int) -> Iterator[Step]:
    """Parts of a large prize, the last of them in the next batch; every second time the FM-1 comes before that one."""
    return _paid(scribe, events, occasion, Fault.WINNINGS_IN_PARTS, PARTS)


def _paid(
    scribe: Scribe, events: list[SimulatedEvent], occasion: int, fault: Fault, amounts: tuple[int, ...]
) -> Iterator[Step]:
    winner, reported = scribe.diary.guests.citizen(), bool(occasion % 2)
    pay = PAYMENTS[scribe.house.state.kind]
    *now, later = (pay(scribe, amount, winner) for amount in amounts)
    if now:
        events += now
        scribe.carried.append(later)
    else:
        events.append(later)
    scribe.series.number(events)
    batch = scribe.write(events)
    paid_at = datetime.fromisoformat(later["time"]).astimezone(LEGAL_TIME)
    operation, total = OPERATIONS[scribe.house.state.kind], sum(amounts)
    scribe.injected(fault, batch.number, player=winner.identity, total=str(total), reported=reported)
    scribe.account.obligations.append(
        ExpectedObligation(
            scribe.house.owner.identifier,
            winner.identity,
            paid_at.date(),
            operation,
            str(total),
            "closed" if reported else "open",
        )
    )
    yield scribe.file(batch)
    if reported:
        yield scribe.post("FM-1", fm1_of(scribe, winner, operation, total, paid_at))


def fm1_of(scribe: Scribe, winner: Player, operation: str, total: int, paid_at: datetime) -> bytes:
    """The FM-1 that reports what somebody won in a day."""
    owner = scribe.house.owner
    person = "Participants/Participant/"
    message = build_fm1(
        Scenario.CASINO_WINNINGS,
        Reporter(owner.identifier, owner.kind, owner.name),
        now=scribe.diary.now,
        random=Random(scribe.random.random()),  # noqa: S311 - made-up people, no secret
        changes={
            "MessageInformation/ViewOperationId": operation,
            "MessageInformation/AmountCurrency": str(total),
            "MessageInformation/AmountCurrencyTenge": str(total),
            "MessageInformation/TransactionDate": paid_at.strftime(MOMENT),
            person + "IndividualIssue": winner.identity,
            person + "AdditionalPersonInfo/AdditionalInformationAc/DateBirth": winner.born.strftime("%d.%m.%Y"),
        },
    )
    return signed(owner, message)


def _cash_out(scribe: Scribe, amount: int, winner: Player) -> SimulatedEvent:
    unit = scribe.house.units("DESK")[0].id
    return scribe.diary.event("CASH-OUT", unit, amount=str(amount), means="CASH", **winner.facts)


def _bet_won(scribe: Scribe, amount: int, winner: Player) -> SimulatedEvent:
    unit = scribe.house.units("TERMINAL")[0].id
    bet = {"reference": scribe.diary.reference("B"), "outcome": "WON", "means": "CASH"}
    return scribe.diary.event("BET-SETTLED", unit, amount=str(amount), **bet, **winner.facts)


def _lottery_paid(scribe: Scribe, amount: int, winner: Player) -> SimulatedEvent:
    unit = scribe.house.units("TERMINAL")[0].id
    ticket = {"reference": scribe.diary.reference("L"), "means": "CASH"}
    return scribe.diary.event("LOTTERY-PAID", unit, amount=str(amount), **ticket, **winner.facts)


PAYMENTS: Mapping[str, Callable[[Scribe, int, Player], SimulatedEvent]] = {
    "092": _lottery_paid,
    "093": _cash_out,
    "094": _cash_out,
    "095": _bet_won,
    "096": _bet_won,
}
OPERATIONS = {"092": "0131", "093": "0121", "094": "0121", "095": "0111", "096": "0111"}
"""The operation kind of winnings paid in cash, by the kind of the house."""


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
    Fault.WINNINGS: _winnings,
    Fault.WINNINGS_IN_PARTS: _winnings_in_parts,
}
