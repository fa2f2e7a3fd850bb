"""What of the past a run of entries can touch: asked for in two steps, since neighbours tell how far to look.

Everything here is by complex and as narrow as the run, so that it does not matter how much lies behind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

from gateway.oversight.facts import Batch, DayReport, Dealings, Fact, Fork, Notice, Registration, Repair
from gateway.oversight.identities import places
from gateway.oversight.obligations import About, abouts_of, abouts_of_deal, winnings_of
from gateway.oversight.parameters import DueRules
from gateway.oversight.remarks import originals
from gateway.oversight.state import Document, Marks, What, Working
from gateway.oversight.tickets import Kind, TicketKey
from validators.gaming.model import Complex
from validators.operations.deals import Deal

K = TypeVar("K")
Range = tuple[str, What, int, int]
UnitRange = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Needs:
    """The facts of a run, sorted by what they are."""

    facts: Sequence[Fact]

    @property
    def batches(self) -> list[Batch]:
        """The batches of the run in their order."""
        return [fact for fact in self.facts if isinstance(fact, Batch)]

    def complexes(self) -> list[str]:
        """The complexes that the run is about."""
        return sorted({fact.complex for fact in self.facts if not isinstance(fact, Notice | Dealings)})

    def deals(self) -> list[Deal]:
        """The operations of dealers that the run reports."""
        return [deal for fact in self.facts if isinstance(fact, Dealings) for deal in fact.deals]

    def links(self) -> list[tuple[str, int]]:
        """The batches, and the neighbours with which they are compared."""
        near = {(one.complex, one.number + step) for one in self.batches for step in (-1, 0, 1)}
        return sorted(near)

    def days(self) -> list[tuple[str, date]]:
        """The local days of which figures change, or are reported."""
        days = {(one.complex, key[0]) for one in self.batches for key in one.tally.figures}
        return sorted(days | self._reports())

    def reported(self, state: Working) -> list[tuple[str, date]]:
        """The days of the run of which a report is at hand, or comes in it."""
        coming = self._reports()
        return sorted(key for key in self.days() if key in state.reports or key in coming)

    def documents(self) -> list[Document]:
        """The FM-1s of the run."""
        return sorted({(fact.owner, fact.document) for fact in self.facts if isinstance(fact, Notice)})

    def obligations(self, state: Working, rules: DueRules) -> list[UUID]:
        """The obligations that winnings, FM-1s and operations of dealers of the run are about, or what they replace."""
        abouts = [*self._abouts(state.complexes, rules)]
        for (owner, _), says in state.notices.items():
            abouts += abouts_of(owner, says, rules)
        for deal in self.deals():
            original = state.things.deals.get(deal.corrects) if deal.corrects is not None else None
            abouts += abouts_of_deal(deal, rules)
            abouts += abouts_of_deal(original, rules) if original is not None else ()
        return sorted({about.id for about in abouts})

    def originals(self) -> list[tuple[str, int]]:
        """The events of earlier runs that corrections of this one name."""
        named = originals(self.facts)
        own: set[tuple[str, int]] = set()
        for one in self.batches:
            wanted = [sequence for complex_id, sequence in named if complex_id == one.complex]
            own.update((one.complex, sequence) for sequence in places(one.tally.identities.runs, wanted))
        return sorted(named - own)

    def arrivals(self) -> list[tuple[str, int, int]]:
        """The ranges of events of the batches."""
        return [(one.complex, one.first, one.last) for one in self.batches]

    def subjects(self) -> Iterator[TicketKey]:
        """The tickets that the run can open anew, bring up to date or close, but those of gaps and meters."""
        for fact in self.facts:
            if isinstance(fact, Notice | Dealings):
                continue
            yield fact.complex, Kind.SILENCE, ""
            if isinstance(fact, Batch):
                yield from ((fact.complex, Kind.CHAIN, str(fact.number + step)) for step in (0, 1))
                yield fact.complex, Kind.OVERLAP, str(fact.number)
                yield from ((fact.complex, Kind.TOTALS, key[0].isoformat()) for key in fact.tally.figures)
                yield from (
                    (fact.complex, Kind.SOFTWARE, f"{unit}/{digest}") for _, unit, digest in fact.tally.software
                )
            elif isinstance(fact, DayReport):
                yield fact.complex, Kind.TOTALS, fact.day.isoformat()
            elif isinstance(fact, Repair | Fork):
                yield from ((fact.complex, kind, str(fact.number)) for kind in (Kind.CHAIN, Kind.FORK))

    def registrations(self) -> list[str]:
        """The complexes that are registered anew."""
        return sorted({fact.complex for fact in self.facts if isinstance(fact, Registration)})

    def _reports(self) -> set[tuple[str, date]]:
        return {(fact.complex, fact.day) for fact in self.facts if isinstance(fact, DayReport)}

    def _abouts(self, complexes: Mapping[str, Complex], rules: DueRules) -> Iterator[About]:
        for fact in self.facts:
            if isinstance(fact, Notice):
                yield from abouts_of(fact.owner, fact.reported, rules)
            elif isinstance(fact, Batch) and fact.complex in complexes:
                kind = complexes[fact.complex].kind
                yield from (about for about, _ in winnings_of(fact, kind, rules))


def marks_wanted(needs: Needs, state: Working) -> list[UnitRange]:
    """Around which event sequences the marks of which units are looked at.

    Those of the units that were read; and where events came late, those of all units of the complex.
    """
    wanted: dict[tuple[str, str], tuple[int, int]] = {}
    late = _late(needs, state)
    for batch in needs.batches:
        for mark in batch.tally.marks:
            _widen(wanted, (batch.complex, mark.unit), mark.sequence, mark.sequence)
        if batch.complex in late:
            for unit in state.complexes[batch.complex].units:
                _widen(wanted, (batch.complex, unit), batch.first, batch.last)
    return [(*key, first, last) for key, (first, last) in wanted.items()]


def absent_wanted(needs: Needs, state: Working) -> list[Range]:
    """Which absent numbers are looked at: the places of batches and events, the joints, what lies between marks."""
    spans: dict[str, tuple[int, int]] = {}
    points: set[Range] = set()
    for batch in needs.batches:
        points.add((batch.complex, What.BATCH, batch.number, batch.number))
        before = state.batches.get((batch.complex, batch.number - 1))
        after = state.batches.get((batch.complex, batch.number + 1))
        first, last = batch.first, batch.last
        if batch.begins:
            first = min(first, before.last + 1 if before else first if batch.number > 1 else 1)
        if batch.ends and after is not None:
            last = max(last, after.first - 1)
        _widen(spans, batch.complex, first, last)
        for one in batch.tally.corrections:
            points.add((batch.complex, What.EVENT, one.original_sequence, one.original_sequence))
    for complex_id, _, first, last in stretches(needs, state):
        _widen(spans, complex_id, first, last)
    points |= {(complex_id, What.EVENT, first, last) for complex_id, (first, last) in spans.items()}
    return sorted(points)


def stretches(needs: Needs, state: Working) -> Iterator[UnitRange]:
    """Between the first and the last mark that are at hand of a unit, and from the beginning where none is earlier."""
    added: dict[tuple[str, str], list[int]] = {}
    for batch in needs.batches:
        for mark in batch.tally.marks:
            added.setdefault((batch.complex, mark.unit), []).append(mark.sequence)
    for key in state.marks.keys() | added.keys():
        known = state.marks.get(key, Marks())
        sequences = [*known.sequences, *added.get(key, [])]
        begins = added.get(key, sequences)
        first = min(sequences) if known.before(min(begins)) else 1
        yield (*key, first, max(sequences))


def meter_subjects(state: Working) -> Iterator[TicketKey]:
    """The tickets about the stretches that end with the marks at hand."""
    for (complex_id, unit), marks in state.marks.items():
        yield from ((complex_id, Kind.METER, f"{unit}/{sequence}") for sequence in marks.sequences)


def _late(needs: Needs, state: Working) -> frozenset[str]:
    """The complexes of which events come below the highest that came before."""
    late: set[str] = set()
    tops = {name: progress.top_event for name, progress in state.progress.items()}
    for batch in needs.batches:
        if batch.complex in tops:
            if batch.first <= tops[batch.complex]:
                late.add(batch.complex)
            tops[batch.complex] = max(tops[batch.complex], batch.last)
    return frozenset(late)


def _widen(spans: dict[K, tuple[int, int]], key: K, first: int, last: int) -> None:
    known = spans.get(key, (first, last))
    spans[key] = (min(known[0], first), max(known[1], last))
