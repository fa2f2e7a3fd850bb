"""What oversight knows, for those who ask: complexes, their places, days, tickets, obligations."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID

import asyncpg

from gateway.errors import Unavailable
from gateway.journal.connections import SERVING, Pool, close, open_pool, postgres_needed
from gateway.journal.news import OVERSIGHT_NEWS, News
from gateway.journal.oversight.rows import complex_of, label_of, obligation_of, progress_of, report_of, ticket_of
from gateway.journal.queries import sql
from gateway.journal.settlement import Head
from gateway.oversight.facts import Figure
from gateway.oversight.intervals import Piece
from gateway.oversight.state import FigureOfDay, Obligation, Progress, What
from gateway.oversight.tickets import State, Ticket
from validators.gaming.model import NO_BATCH, Complex

_CONNECTIONS = 2
_POLL_SECONDS = 0.1
PATIENCE = 3.0
MOST_TOLD = 1000
"""At most so many missing ranges and open tickets are told with a place; the pages have all."""


class Ledgers(Protocol):
    """What is needed of the journal."""

    def ledger_of(self, sender: str) -> int:
        """The ledger of a sender."""

    async def head(self, ledger: int) -> Head:
        """The end of a ledger."""


@dataclass(frozen=True, slots=True)
class Place:
    """What was received of a complex: up to `last_batch` everything, and that batch's hash and last event."""

    complex: Complex
    progress: Progress
    last_batch: int
    last_batch_hash: str
    last_event: int
    missing: Sequence[tuple[What, Piece[UUID | None]]]
    open_tickets: Sequence[Ticket]


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day's own figures, and the reported ones where there is a report."""

    received: Mapping[FigureOfDay, Figure]
    reported: Mapping[FigureOfDay, Figure] | None


class OversightReader:
    """Reads what oversight keeps in one PostgreSQL database; an async context manager.

    It connects when first needed. Every method raises Unavailable while PostgreSQL is away.
    """

    def __init__(self, dsn: str, ledgers: Ledgers) -> None:
        self._dsn = dsn
        self._ledgers = ledgers
        self._news = News(dsn, OVERSIGHT_NEWS)
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, SERVING, _CONNECTIONS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._news.stop()
        closing, self._pool = self._pool, None
        if closing is not None:
            await close(closing)

    async def caught_up(self, owner: str, seconds: float = PATIENCE) -> None:
        """Returns when everything that stands in the owner's ledger now was overseen.

        Raises Unavailable where that takes longer than so many seconds.
        """
        ledger = self._ledgers.ledger_of(owner)
        wanted = (await self._ledgers.head(ledger)).seq
        try:
            async with asyncio.timeout(seconds):
                while self._news.length(ledger) < wanted:
                    await self._look(ledger)
                    if self._news.length(ledger) < wanted:
                        await self._news.wait(_POLL_SECONDS)
        except TimeoutError:
            raise Unavailable("oversight does not keep up with the log; is `gateway oversee` at work?") from None

    async def version(self) -> int:
        """The number of the last change of a complex."""
        return int((await self._fetch("register_version"))[0]["version"])

    async def complexes_since(self, version: int) -> list[Complex]:
        """The complexes that changed after a version."""
        return [complex_of(row) for row in await self._fetch("complexes_since", version)]

    async def complexes(self, owner: str, after: str | None, limit: int) -> list[tuple[Complex, Progress]]:
        """Complexes of an owner by identifier, those behind `after`, and how far each of them has come."""
        found = await self._fetch("complexes_of_owner", owner, None, after, limit)
        return [(complex_of(row), progress_of(row)) for row in found]

    async def complex(self, owner: str, name: str) -> tuple[Complex, Progress] | None:
        """One complex of an owner; another's does not exist."""
        found = await self._fetch("complexes_of_owner", owner, name, None, 1)
        return (complex_of(found[0]), progress_of(found[0])) if found else None

    async def place(self, owner: str, name: str) -> Place | None:
        """What was received of a complex of an owner; another's does not exist."""
        known = await self.complex(owner, name)
        if known is None:
            return None
        (row,) = await self._fetch("place_of_complex", name)
        missing = await self._fetch("missing_of_complex", name, MOST_TOLD)
        tickets = await self._fetch("open_tickets_of_complex", name, MOST_TOLD)
        return Place(
            *known,
            row["last_batch"],
            row["sha256"].hex() if row["sha256"] else NO_BATCH,
            row["last_event"],
            [(What(one["what"]), Piece(one["first"], one["last"], label_of(one["ticket"]))) for one in missing],
            [ticket_of(one) for one in tickets],
        )

    async def day(self, owner: str, name: str, day: date) -> DayFigures | None:
        """The figures of a complex of an owner for a local day; another's does not exist."""
        if await self.complex(owner, name) is None:
            return None
        received = {
            (row["unit"], row["kind"], row["hour"]): Figure(row["count"], int(row["amount"]))
            for row in await self._fetch("figures_by_day", [name], [day])
        }
        found = await self._fetch("report_of_day", name, day)
        return DayFigures(received, report_of(found[0], owner).figures if found else None)

    async def tickets(
        self, owner: str, state: State | None, name: str | None, after: UUID | None, limit: int
    ) -> list[Ticket]:
        """Tickets of an owner in the order in which they were opened, those behind `after`."""
        found = await self._fetch("tickets_of_owner", owner, state and state.value, name, after, limit)
        return [ticket_of(row) for row in found]

    async def obligations(self, owner: str, state: State | None, after: UUID | None, limit: int) -> list[Obligation]:
        """Obligations of an owner in the order in which they were opened, those behind `after`."""
        wanted = None if state is None else state is State.OPEN
        return [obligation_of(row) for row in await self._fetch("obligations_of_owner", owner, wanted, after, limit)]

    async def has_ticket(self, owner: str, ticket: UUID) -> bool:
        """Whether this is a ticket of the owner."""
        return bool(await self._fetch("ticket_of_owner", ticket, owner))

    async def has_obligation(self, owner: str, obligation: UUID) -> bool:
        """Whether this is an obligation of the owner."""
        return bool(await self._fetch("obligation_of_owner", obligation, owner))

    async def _look(self, ledger: int) -> None:
        with suppress(Unavailable):
            for row in await self._fetch("oversight_position", ledger):
                self._news.heard(ledger, row["seq"])

    async def _fetch(self, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        if self._pool is None:
            raise Unavailable("the reader of oversight is not running")
        with postgres_needed():
            return await self._pool.fetch(sql(query), *arguments)
