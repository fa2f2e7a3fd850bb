"""The working set of a run, loaded: a handful of statements, however many entries the run has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from gateway.journal.connections import Connection
from gateway.journal.oversight.dealings import load_things
from gateway.journal.oversight.identities import identities_of
from gateway.journal.oversight.rows import (
    complex_of,
    filed_batch_of,
    label_of,
    mark_of,
    obligation_of,
    progress_of,
    report_of,
    reported_of,
    ticket_of,
)
from gateway.journal.queries import sql
from gateway.journal.rows import columns
from gateway.oversight.facts import Correction, Fact, Figure
from gateway.oversight.intervals import Piece
from gateway.oversight.needs import Needs, absent_wanted, marks_wanted, meter_subjects, stretches
from gateway.oversight.parameters import DueRules, Parameters
from gateway.oversight.state import Absent, Marks, What, Working
from gateway.oversight.tickets import Kind, TicketBook

MOST_EXPIRING = 1000


class Loader:
    """Loads working sets of one ledger through a connection."""

    def __init__(self, connection: Connection, ledger: int, parameters: Parameters, rules: DueRules) -> None:
        self._connection = connection
        self._ledger = ledger
        self._parameters = parameters
        self._rules = rules

    def empty(self) -> Working:
        """A working set with nothing in it."""
        return Working(TicketBook(self._parameters.deadline_hours))

    async def for_facts(self, facts: Sequence[Fact]) -> Working:
        """What these facts can touch."""
        needs, state = Needs(facts), self.empty()
        if not facts:
            return state
        await self._complexes(needs, state)
        await self._notices(needs, state)
        state.things = await load_things(self._connection, needs.deals())
        await self._obligations(needs, state)
        if state.complexes or needs.complexes():
            await self._neighbours(needs, state)
            await self._days(needs, state)
            await self._marks(needs, state)
            await self._corrections(needs, state)
            await self._absent(needs, state)
            await self._tickets(needs, state)
        return state

    async def for_tick(self, since: datetime, factor: float, now: datetime) -> Working:
        """The complexes that may be silent, and what may be overdue; of each at most MOST_EXPIRING."""
        state = self.empty()
        for row in await self._fetch("silent_complexes", self._ledger, since, factor, now, MOST_EXPIRING):
            self._take_complex(row, state)
        for row in await self._fetch("tickets_expiring", self._ledger, now, MOST_EXPIRING):
            state.tickets.held(ticket_of(row))
        for row in await self._fetch("obligations_expiring", self._ledger, now, MOST_EXPIRING):
            known = obligation_of(row)
            state.obligations[known.id] = known
        return state

    async def _complexes(self, needs: Needs, state: Working) -> None:
        for row in await self._fetch("complexes_by_id", needs.complexes()):
            self._take_complex(row, state)

    def _take_complex(self, row: asyncpg.Record, state: Working) -> None:
        state.complexes[row["id"]] = complex_of(row)
        state.progress[row["id"]] = progress_of(row)

    async def _notices(self, needs: Needs, state: Working) -> None:
        documents = needs.documents()
        if documents:
            for row in await self._fetch("notices_of_documents", *columns(documents, 2)):
                state.notices[row["owner"], row["document"]] = reported_of(row)

    async def _obligations(self, needs: Needs, state: Working) -> None:
        wanted = needs.obligations(state, self._rules)
        if wanted:
            for row in await self._fetch("obligations_by_id", wanted):
                known = obligation_of(row)
                state.obligations[known.id] = known

    async def _neighbours(self, needs: Needs, state: Working) -> None:
        links = columns(needs.links(), 2)
        for row in await self._fetch("batches_by_number", *links):
            state.batches[row["complex"], row["number"]] = filed_batch_of(row)
        for row in await self._fetch("repairs_by_number", *links):
            state.repairs.add((row["complex"], row["number"], row["previous"]))

    async def _days(self, needs: Needs, state: Working) -> None:
        for row in await self._fetch("reports_by_day", *columns(needs.days(), 2)):
            owner = state.complexes[row["complex"]].owner
            state.reports[row["complex"], row["day"]] = report_of(row, owner)
        reported = needs.reported(state)
        if reported:
            state.days.update({key: {} for key in reported})
            for row in await self._fetch("figures_by_day", *columns(reported, 2)):
                figure = Figure(row["count"], int(row["amount"]))
                state.days[row["complex"], row["day"]][row["unit"], row["kind"], row["hour"]] = figure

    async def _marks(self, needs: Needs, state: Working) -> None:
        wanted = marks_wanted(needs, state)
        if not wanted:
            return
        marks: dict[tuple[str, str], list[Any]] = {}
        for row in await self._fetch("marks_around", *columns(wanted, 4)):
            marks.setdefault((row["complex"], row["unit"]), []).append(mark_of(row))
        state.marks = {key: Marks(found) for key, found in marks.items()}
        between = columns(list(stretches(needs, state)), 4)
        for row in await self._fetch("sums_between", *between):
            held = state.moved.setdefault((row["complex"], row["unit"]), {})
            held[row["sequence"]] = tuple(map(int, row["sums"].split(",")))

    async def _corrections(self, needs: Needs, state: Working) -> None:
        for row in await self._fetch("corrections_waiting_for", *columns(needs.arrivals(), 3)):
            one = Correction(row["sequence"], row["original"], row["original_sequence"])
            state.waiting.setdefault(row["complex"], {})[one.sequence] = one
        originals = needs.originals()
        if originals:
            state.identities.update(await identities_of(self._connection, originals))

    async def _absent(self, needs: Needs, state: Working) -> None:
        pieces: dict[tuple[str, What], list[Piece[Any]]] = {}
        for row in await self._fetch("absent_between", *columns(absent_wanted(needs, state), 4)):
            piece = Piece(row["first"], row["last"], label_of(row["ticket"]))
            pieces.setdefault((row["complex"], What(row["what"])), []).append(piece)
        state.load_absent(pieces)
        labels = sorted({label for absent in state.absent.values() for label in _labels(absent)})
        if labels:
            self._hold(state, await self._fetch("tickets_by_id", labels))

    async def _tickets(self, needs: Needs, state: Working) -> None:
        subjects = sorted({*needs.subjects(), *meter_subjects(state)})
        self._hold(state, await self._fetch("open_tickets_about", *columns(subjects, 3)))
        registrations = needs.registrations()
        if registrations:
            self._hold(state, await self._fetch("open_tickets_of_kind", registrations, Kind.SOFTWARE.value))

    def _hold(self, state: Working, rows: Sequence[asyncpg.Record]) -> None:
        for row in rows:
            state.tickets.held(ticket_of(row))

    async def _fetch(self, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        found: Sequence[asyncpg.Record] = await self._connection.fetch(sql(query), *arguments)
        return found


def _labels(absent: Absent) -> set[Any]:
    return {piece.label for piece in absent if piece.label is not None}
