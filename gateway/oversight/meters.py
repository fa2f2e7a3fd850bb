"""Meters of machines: they never fall unless they were set back, and move as the events between two snapshots say."""

from collections.abc import Iterable

from gateway.oversight.facts import Amounts, Batch, Mark
from gateway.oversight.parameters import Meter
from gateway.oversight.sequence import Placed
from gateway.oversight.state import Marks, What, Working
from gateway.oversight.tallying import plus
from gateway.oversight.tickets import Kind, Occasion
from validators.totals import written


def check(state: Working, batch: Batch, placed: Placed, meters: tuple[Meter, ...], occasion: Occasion) -> None:
    """Takes in what a batch says about meters, and judges every stretch between two marks that it changed."""
    for moved in batch.tally.moved:
        if placed.fresh(moved.sequence):
            key = (batch.complex, moved.unit)
            state.moved.setdefault(key, {})[moved.sequence] = moved.sums
            state.changes.moved[*key, moved.sequence] = moved.sums
    added = [mark for mark in batch.tally.marks if placed.fresh(mark.sequence) and _added(state, batch, mark)]
    judge = _Stretches(state, batch, meters, occasion)
    for unit, ends in _ends(state, batch.complex, added, placed).items():
        for end in sorted(ends):
            judge.until(unit, end)


def _added(state: Working, batch: Batch, mark: Mark) -> bool:
    new = state.marks.setdefault((batch.complex, mark.unit), Marks()).add(mark)
    if new:
        state.changes.marks.append((batch.complex, mark))
    return new


def _ends(state: Working, complex_id: str, added: Iterable[Mark], placed: Placed) -> dict[str, set[int]]:
    """The marks at which a stretch ends that is new, shorter than before, or has got events that came late."""
    ends: dict[str, set[int]] = {}
    for mark in added:
        after = state.marks[complex_id, mark.unit].after(mark.sequence)
        ends.setdefault(mark.unit, set()).update({mark.sequence, after.sequence} if after else {mark.sequence})
    if placed.late:
        for (owner, unit), marks in state.marks.items():
            if owner == complex_id:
                found = (marks.after(last) for _, last in placed.late)
                ends.setdefault(unit, set()).update(mark.sequence for mark in found if mark)
    return ends


class _Stretches:
    """Judges stretches of one complex."""

    def __init__(self, state: Working, batch: Batch, meters: tuple[Meter, ...], occasion: Occasion) -> None:
        self._state = state
        self._complex, self._owner = batch.complex, batch.owner
        self._absent = state.absent_of(batch.complex, What.EVENT)
        self._meters = meters
        self._occasion = occasion

    def until(self, unit: str, sequence: int) -> None:
        """Judges the stretch that ends with this mark; its deltas only when no event in it is missing."""
        marks = self._state.marks[self._complex, unit]
        end, start = marks.at(sequence), marks.before(sequence)
        whole = not self._absent.touches(start.sequence + 1 if start else 1, sequence)
        sums = self._take_sums(unit, start, sequence) if whole else None
        self._tell(unit, start, end, self._faults(start, end, sums))

    def _faults(self, start: Mark | None, end: Mark, sums: Amounts | None) -> list[dict[str, str]]:
        if start is None or start.meters is None or end.meters is None:
            return []
        faults = []
        for place, meter in enumerate(self._meters):
            before, after = start.meters[place], end.meters[place]
            told = {"meter": meter.name, "before": str(before), "after": str(after)}
            if after < before:
                faults.append({"fault": "fell", **told})
            elif sums is not None and abs((after - before) * 100 - sums[place]) > meter.tolerance * 100:
                faults.append({"fault": "delta", **told, "events": written(sums[place])})
        return faults

    def _take_sums(self, unit: str, start: Mark | None, end: int) -> Amounts:
        """The sums between two marks; they are not needed again, since nothing more can come between."""
        held = self._state.moved.get((self._complex, unit), {})
        begin = start.sequence if start else 0
        total: Amounts = (0,) * len(self._meters)
        for sequence in [one for one in held if begin < one < end]:
            total = plus(total, held.pop(sequence))
            self._state.changes.moved.pop((self._complex, unit, sequence), None)
        self._state.changes.settled.append((self._complex, unit, begin, end))
        return total

    def _tell(self, unit: str, start: Mark | None, end: Mark, faults: list[dict[str, str]]) -> None:
        about = (self._complex, Kind.METER, f"{unit}/{end.sequence}")
        known = self._state.tickets.find(*about)
        if faults:
            since = start.sequence if start else None
            detail = {"unit": unit, "from": since, "to": end.sequence, "faults": faults}
            self._state.tickets.raise_for(about, self._owner, detail, self._occasion)
        elif known is not None:
            self._state.tickets.close(known, self._occasion)
