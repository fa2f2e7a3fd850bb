"""What single events give away: software that is not registered, corrections of events that do not exist."""

from collections.abc import Iterable, Mapping

from gateway.oversight.facts import Batch, Correction, Fact
from gateway.oversight.state import What, Working
from gateway.oversight.tickets import Kind, Occasion
from validators.gaming.model import Complex


def software(state: Working, batch: Batch, registered: Complex, occasion: Occasion) -> None:
    """Tells of reported hashes that are not registered, with the first event that reported each."""
    for sequence, unit, digest in batch.tally.software:
        if digest not in registered.software:
            about = (batch.complex, Kind.SOFTWARE, f"{unit}/{digest}")
            known = state.tickets.find(*about)
            first = min(sequence, known.detail["sequence"]) if known else sequence
            detail = {"unit": unit, "hash": digest, "sequence": first}
            state.tickets.raise_for(about, batch.owner, detail, occasion)


def registered(state: Working, now: Complex, occasion: Occasion) -> None:
    """Closes what was told of hashes that are registered now."""
    for ticket in state.tickets.open_of(now.id, Kind.SOFTWARE):
        if ticket.detail["hash"] in now.software:
            state.tickets.close(ticket, occasion)


def corrections(state: Working, batch: Batch, occasion: Occasion) -> None:
    """Tells of corrections whose original is no accepted event; one that is absent yet is waited for."""
    absent = state.absent_of(batch.complex, What.EVENT)
    waiting = state.waiting.setdefault(batch.complex, {})
    wanted = [one.original_sequence for one in (*waiting.values(), *batch.tally.corrections)]
    own = batch.tally.identities.among(wanted)
    for one in [one for one in waiting.values() if not absent.touches(one.original_sequence, one.original_sequence)]:
        del waiting[one.sequence]
        if state.changes.waiting.pop((batch.complex, one.sequence), None) is None:
            state.changes.decided.append((batch.complex, one.sequence))
        _decide(state, batch, one, own, occasion)
    for one in batch.tally.corrections:
        if absent.touches(one.original_sequence, one.original_sequence):
            waiting[one.sequence] = state.changes.waiting[batch.complex, one.sequence] = one
        else:
            _decide(state, batch, one, own, occasion)


def originals(facts: Iterable[Fact]) -> frozenset[tuple[str, int]]:
    """The events that corrections among these facts name."""
    batches = (fact for fact in facts if isinstance(fact, Batch))
    return frozenset((batch.complex, one.original_sequence) for batch in batches for one in batch.tally.corrections)


def remember(state: Working, batch: Batch, named: Iterable[tuple[str, int]]) -> None:
    """Keeps the ids of a batch's events that later corrections name at hand."""
    wanted = (sequence for complex_id, sequence in named if complex_id == batch.complex)
    for sequence, identity in batch.tally.identities.among(wanted).items():
        state.identities[batch.complex, sequence] = identity


def _decide(state: Working, batch: Batch, one: Correction, own: Mapping[int, str], occasion: Occasion) -> None:
    """Tells of a correction that names no accepted event; `own` are the ids of the batch's events that are named."""
    known = own.get(one.original_sequence) or state.identities.get((batch.complex, one.original_sequence))
    if known != one.original:
        detail = {"sequence": one.sequence, "original": one.original, "original_sequence": one.original_sequence}
        about = (batch.complex, Kind.CORRECTION, str(one.sequence))
        state.tickets.raise_for(about, batch.owner, detail, occasion)
