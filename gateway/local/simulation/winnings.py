"""Winnings for which an FM-1 is due, at once or in parts, and the FM-1s that are filed about some of them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from gateway.local.messages import DAY, MOMENT, Reporter, Scenario, build_fm1
from gateway.local.simulation.deliveries import FaultMaker
from gateway.local.simulation.model import ExpectedObligation, Fault, SimulatedEvent, Step
from gateway.local.simulation.players import Player
from gateway.local.simulation.scribe import Scribe
from gateway.local.simulation.series import signed
from validators.values import LEGAL_ZONE

PRIZE = 2_400_000
PARTS = (420_000, 390_000, 380_000)
"""Together above the threshold of every operation kind of gambling, one by one below it."""


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
    paid_at = datetime.fromisoformat(later["time"]).astimezone(LEGAL_ZONE)
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
        random=scribe.random,
        changes={
            "MessageInformation/ViewOperationId": operation,
            "MessageInformation/AmountCurrency": str(total),
            "MessageInformation/AmountCurrencyTenge": str(total),
            "MessageInformation/TransactionDate": paid_at.strftime(MOMENT),
            person + "IndividualIssue": winner.identity,
            person + "AdditionalPersonInfo/AdditionalInformationAc/DateBirth": winner.born.strftime(DAY),
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


WINNING_FAULTS: Mapping[Fault, FaultMaker] = {
    Fault.WINNINGS: _winnings,
    Fault.WINNINGS_IN_PARTS: _winnings_in_parts,
}
