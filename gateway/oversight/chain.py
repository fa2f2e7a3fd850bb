"""The chain of hashes from batch to batch, and forks of it."""

from gateway.oversight.facts import Batch, Fork, Repair
from gateway.oversight.state import Working
from gateway.oversight.tickets import Kind, Occasion
from validators.gaming.model import NO_BATCH

CHAIN, FORK = "CHAIN", "FORK"


def link(state: Working, batch: Batch, occasion: Occasion) -> None:
    """Compares a batch that was placed with its neighbours, as far as they are there."""
    _compare(state, batch.complex, batch.number, batch.owner, occasion)
    _compare(state, batch.complex, batch.number + 1, batch.owner, occasion)


def fork(state: Working, found: Fork, most: int, occasion: Occasion) -> None:
    """Tells of a second batch under a number, by its hash; of further ones by their count, once `most` are named."""
    about = (found.complex, Kind.FORK, str(found.number))
    known = state.tickets.find(*about)
    others, count = (known.detail["others"], known.detail["count"]) if known else ([], 0)
    if len(others) < most:
        others = [*others, {"sha256": found.sha256, "receipt": found.origin.receipt}]
    detail = {"batch": found.number, "count": count + 1, "others": others}
    state.tickets.raise_for(about, found.owner, detail, occasion)


def repair(state: Working, made: Repair, occasion: Occasion) -> None:
    """Closes what a signed repair mends: a fork that is known, or a break of the chain by the right hash."""
    kind = Kind.FORK if made.repairs == FORK else Kind.CHAIN
    if kind is Kind.CHAIN:
        key = (made.complex, made.number, made.previous)
        if key not in state.repairs:
            state.repairs.add(key)
            state.changes.repairs.append(key)
    ticket = state.tickets.find(made.complex, kind, str(made.number))
    if ticket is not None and (kind is Kind.FORK or ticket.detail["expected"] == made.previous):
        state.tickets.close(ticket, occasion, repair=made.origin.receipt)


def _compare(state: Working, complex_id: str, number: int, owner: str, occasion: Occasion) -> None:
    batch = state.batches.get((complex_id, number))
    before = state.batches.get((complex_id, number - 1))
    expected = NO_BATCH if number == 1 else before.sha256 if before else None
    if batch is None or expected is None or batch.previous == expected:
        return
    if (complex_id, number, expected) not in state.repairs:
        detail = {"batch": number, "previous": batch.previous, "expected": expected}
        state.tickets.raise_for((complex_id, Kind.CHAIN, str(number)), owner, detail, occasion)
