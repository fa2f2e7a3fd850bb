"""Gaps and overlaps: which numbers of batches and events did not come, and which came twice."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from uuid import UUID

from gateway.oversight.facts import Batch
from gateway.oversight.intervals import Intervals, Piece, holes, without
from gateway.oversight.state import Filed, Progress, What, Working
from gateway.oversight.tickets import Kind, Occasion, Ticket

Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a batch's events fell: sequences below the highest known that came late, and those that had come before.

    Both ascend.
    """

    late: tuple[Run, ...]
    again: tuple[Run, ...]

    def fresh(self, sequence: int) -> bool:
        """Whether an event of this sequence comes for the first time."""
        at = bisect_right(self.again, sequence, key=itemgetter(0)) - 1
        return at < 0 or sequence > self.again[at][1]


def place(state: Working, batch: Batch, most: int, occasion: Occasion) -> Placed:
    """Puts a batch and its events in their places: closes gaps, opens those that are certain now.

    A ticket names at most `most` ranges.
    """
    progress = state.progress.get(batch.complex) or Progress(batch.owner)
    if batch.begins:
        filed = Filed(batch.origin.seq, batch.sha256, batch.previous, *batch.whole)
        state.batches[batch.complex, batch.number] = filed
        state.changes.batches.append((batch.complex, batch.number, filed, batch.tally.identities))
    else:
        state.changes.slices.append((batch.complex, batch.number, batch.first, batch.tally.identities))
    sequence = _Sequence(state, batch, most, occasion)
    top_batch = sequence.place_batch(progress.top_batch)
    placed, top_event = sequence.place_events(progress.top_event)
    if placed.again:
        sequence.overlap(placed.again)
    sequence.find_gaps()
    received = progress.received_batches + int(batch.begins)
    state.progress[batch.complex] = Progress(
        progress.owner, top_batch, top_event, received, progress.heard_at, progress.clock_ms
    )
    state.changes.progress.add(batch.complex)
    return placed


@dataclass(slots=True)
class _Sequence:
    """One batch on its way to its place."""

    state: Working
    batch: Batch
    most: int
    occasion: Occasion

    def place_batch(self, top: int) -> int:
        """Takes the batch's number out of what is absent, or opens the gap below it; returns the new highest."""
        number, absent = self.batch.number, self.state.absent_of(self.batch.complex, What.BATCH)
        if number > top + 1:
            absent.add(top + 1, number - 1, self._open(What.BATCH, [(top + 1, number - 1)]))
        elif number <= top:
            self._arrived(What.BATCH, absent.cut(number, number))
        return max(top, number)

    def place_events(self, top: int) -> tuple[Placed, int]:
        """Takes the events that came out of what is absent; returns where they fell, and the new highest."""
        absent = self.state.absent_of(self.batch.complex, What.EVENT)
        late: list[Piece[UUID | None]] = []
        again: list[Run] = []
        for first, last in self.batch.arrived:
            if first <= top:
                known = (first, min(last, top))
                pieces = absent.cut(*known)
                late += pieces
                again += without(known, pieces)
            absent.add(top + 1, first - 1, None)
            top = max(top, last)
        absent.add(top + 1, self.batch.last, None)
        self._arrived(What.EVENT, late)
        return Placed(tuple((one.first, one.last) for one in late), tuple(again)), max(top, self.batch.last)

    def overlap(self, again: Sequence[Run]) -> None:
        """Tells of events whose sequence another batch had used: the first `most` ranges, and how many they are."""
        about = (self.batch.complex, Kind.OVERLAP, str(self.batch.number))
        known = self.state.tickets.find(*about)
        told, count = (known.detail["sequences"], known.detail["count"]) if known else ([], 0)
        ranges = _extended(told, again, self.most)
        detail = {"batch": self.batch.number, "count": count + _count(again), "sequences": ranges}
        self.state.tickets.raise_for(about, self.batch.owner, detail, self.occasion)

    def find_gaps(self) -> None:
        """Opens a ticket for each stretch of which it is certain now that its events are missing."""
        absent = self.state.absent_of(self.batch.complex, What.EVENT)
        for zone in self._certain():
            unknown = [piece for run in zone for piece in absent.within(*run) if piece.label is None]
            for start in range(0, len(unknown), self.most):
                missing = [(piece.first, piece.last) for piece in unknown[start : start + self.most]]
                ticket = self._open(What.EVENT, missing)
                for first, last in missing:
                    absent.cut(first, last)
                    absent.add(first, last, ticket)

    def _certain(self) -> Iterator[list[Run]]:
        """Inside the batch, and between it and a neighbour that is there."""
        batch, batches = self.batch, self.state.batches
        yield holes(batch.arrived, batch.first, batch.last)
        before = batches.get((batch.complex, batch.number - 1))
        if batch.begins and (before is not None or batch.number == 1):
            yield [(before.last + 1 if before else 1, batch.first - 1)]
        after = batches.get((batch.complex, batch.number + 1))
        if batch.ends and after is not None:
            yield [(batch.last + 1, after.first - 1)]

    def _open(self, what: What, missing: list[Run]) -> UUID:
        first, last = missing[0][0], missing[-1][1]
        about = (self.batch.complex, Kind.GAP, f"{what}/{first}-{last}")
        detail = _gap(what, first, last, missing, _count(missing))
        return self.state.tickets.raise_for(about, self.batch.owner, detail, self.occasion).id

    def _arrived(self, what: What, pieces: Iterable[Piece[UUID | None]]) -> None:
        """Takes what came out of its tickets; one of which everything came is closed."""
        by_ticket: dict[UUID, list[Piece[UUID | None]]] = {}
        for piece in pieces:
            if piece.label is not None:
                by_ticket.setdefault(piece.label, []).append(piece)
        for label, came in by_ticket.items():
            ticket = self.state.tickets.by_id(label)
            if ticket is None:
                continue
            self._lessen(ticket, what, came)

    def _lessen(self, ticket: Ticket, what: What, came: Sequence[Piece[UUID | None]]) -> None:
        """Takes numbers that came out of a ticket; where that would make too many ranges, out of their count alone."""
        told = [(first, last) for first, last in ticket.detail["missing"]]
        left = Intervals(Piece(first, last, None) for first, last in told)
        for piece in came:
            left.cut(piece.first, piece.last)
        count = ticket.detail["count"] - _count((piece.first, piece.last) for piece in came)
        missing = [(piece.first, piece.last) for piece in left] if len(left) <= self.most else told
        detail = _gap(what, ticket.detail["first"], ticket.detail["last"], missing if count else [], count)
        if count:
            self.state.tickets.revise(ticket, detail, self.occasion)
        else:
            self.state.tickets.close(ticket, self.occasion, **detail)


def _gap(what: What, first: int, last: int, missing: Iterable[Run], count: int) -> dict[str, object]:
    ranges = [list(run) for run in missing]
    return {"what": what.value, "first": first, "last": last, "count": count, "missing": ranges}


def _extended(ranges: Iterable[Sequence[int]], further: Iterable[Run], most: int) -> list[list[int]]:
    """Ranges and those that follow them, joined where there is no hole between; at most so many."""
    joined = [list(one) for one in ranges]
    for first, last in further:
        if joined and joined[-1][1] + 1 == first:
            joined[-1][1] = last
        elif len(joined) < most:
            joined.append([first, last])
    return joined


def _count(ranges: Iterable[Run]) -> int:
    return sum(last - first + 1 for first, last in ranges)
