"""What a gambling organiser reads of oversight: its complexes, what was received of them, tickets, FM-1s due."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from gateway.intake.authentication import reader_of
from gateway.intake.cursors import make_cursor, read_cursor
from gateway.intake.documentation import add_get
from gateway.intake.negotiation import JSON
from gateway.intake.oversight_shapes import (
    ComplexFacts,
    ComplexPage,
    DayFacts,
    ObligationPage,
    PositionFacts,
    TicketPage,
)
from gateway.intake.oversight_telling import COMPLEXES, complex_facts, day_facts, position_facts
from gateway.intake.refusals import CursorRefused, NotFound, ParameterRefused
from gateway.intake.services import Services
from gateway.oversight.tickets import State
from gateway.sealing.derived import obligation_facts, ticket_facts

TICKETS, OBLIGATIONS = "/v1/tickets", "/v1/obligations"

_FORM = re.compile(r"[A-Z0-9][A-Z0-9-]{1,30}[A-Z0-9]")

Named = Annotated[str, Path(alias="complex", description="the complex's identifier")]
After = Annotated[str | None, Query(description="the cursor of the page before")]
Limit = Annotated[int, Query(ge=1, description="at most so many; the gateway may give fewer")]
Wanted = Annotated[str | None, Query(description="open or closed; both where it is not given")]


def oversight_router(services: Services) -> APIRouter:
    """The routes of complexes, tickets and obligations."""
    reading = OversightReading(services)
    router = APIRouter(tags=["oversight"])
    add_get(router, COMPLEXES, reading.complexes, ComplexPage, 400, 401, 503)
    add_get(router, COMPLEXES + "/{complex}", reading.complex, ComplexFacts, 401, 404, 503)
    add_get(router, COMPLEXES + "/{complex}/position", reading.position, PositionFacts, 401, 404, 503)
    add_get(router, COMPLEXES + "/{complex}/days/{day}", reading.day, DayFacts, 400, 401, 404, 503)
    add_get(router, TICKETS, reading.tickets, TicketPage, 400, 401, 404, 503)
    add_get(router, OBLIGATIONS, reading.obligations, ObligationPage, 400, 401, 503)
    return router


class OversightReading:
    """The handlers; each waits until everything that its reader had filed before was overseen."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._oversight = services.oversight

    async def complexes(
        self,
        request: Request,
        after: Annotated[str | None, Query(description="the last complex of the page before")] = None,
        limit: Limit = 20,
    ) -> Response:
        """The complexes of the entity by identifier, as they are registered now."""
        owner = await self._reader(request)
        self._bound(limit)
        if after is not None and not _FORM.fullmatch(after):
            raise CursorRefused
        found = await self._oversight.complexes(owner, after, limit + 1)
        shown = found[:limit]
        following = {"after": shown[-1][0].id} if len(found) > limit else None
        return _page("complexes", [complex_facts(*one) for one in shown], _next(COMPLEXES, limit, following))

    async def complex(self, request: Request, name: Named) -> Response:
        """One complex as it is registered now."""
        known = await self._oversight.complex(await self._reader(request), _named(name))
        if known is None:
            raise NotFound
        return _answer(complex_facts(*known))

    async def position(self, request: Request, name: Named) -> Response:
        """What was received of a complex last: everything up to a batch, its hash, what is missing, open tickets."""
        place = await self._oversight.place(await self._reader(request), _named(name))
        if place is None:
            raise NotFound
        return _answer(position_facts(place))

    async def day(self, request: Request, name: Named, day: str) -> Response:
        """The gateway's figures for a local day of a complex, the reported ones, and where they differ."""
        owner = await self._reader(request)
        wanted = _day(day)
        figures = await self._oversight.day(owner, _named(name), wanted)
        if figures is None:
            raise NotFound
        return _answer(day_facts(name, wanted, figures))

    async def tickets(
        self,
        request: Request,
        state: Wanted = None,
        name: Annotated[str | None, Query(alias="complex", description="of this complex alone")] = None,
        after: After = None,
        limit: Limit = 20,
    ) -> Response:
        """The tickets of the entity's complexes in the order in which they were opened."""
        owner = await self._reader(request)
        self._bound(limit)
        wanted, cursor = _state(state), read_cursor(after) if after else None
        if cursor is not None and not await self._oversight.has_ticket(owner, cursor):
            raise CursorRefused
        found = await self._oversight.tickets(owner, wanted, name and _named(name), cursor, limit + 1)
        shown = found[:limit]
        given = {"state": state, "complex": name, "after": make_cursor(shown[-1].id)} if len(found) > limit else None
        return _page("tickets", [ticket_facts(one) for one in shown], _next(TICKETS, limit, given))

    async def obligations(
        self, request: Request, state: Wanted = None, after: After = None, limit: Limit = 20
    ) -> Response:
        """The FM-1s that were or are due, in the order in which their threshold was reached."""
        owner = await self._reader(request)
        self._bound(limit)
        wanted, cursor = _state(state), read_cursor(after) if after else None
        if cursor is not None and not await self._oversight.has_obligation(owner, cursor):
            raise CursorRefused
        found = await self._oversight.obligations(owner, wanted, cursor, limit + 1)
        shown = found[:limit]
        given = {"state": state, "after": make_cursor(shown[-1].id)} if len(found) > limit else None
        return _page("obligations", [obligation_facts(one) for one in shown], _next(OBLIGATIONS, limit, given))

    async def _reader(self, request: Request) -> str:
        owner = reader_of(request, self._services)
        await self._oversight.caught_up(owner)
        return owner

    def _bound(self, limit: int) -> None:
        most = self._services.settings.bounds.page_entries
        if limit > most:
            raise ParameterRefused(name="limit", expected=f"1..{most}")


def _named(name: str) -> str:
    """The identifier of a complex; nothing of another form exists."""
    if not _FORM.fullmatch(name):
        raise NotFound
    return name


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ParameterRefused(name="day", expected="yyyy-mm-dd") from None
    if day.isoformat() != text:
        raise ParameterRefused(name="day", expected="yyyy-mm-dd")
    return day


def _state(text: str | None) -> State | None:
    try:
        return State(text) if text is not None else None
    except ValueError:
        raise ParameterRefused(name="state", expected="open, closed") from None


def _next(path: str, limit: int, given: Mapping[str, str | None] | None) -> str | None:
    if given is None:
        return None
    query = {name: value for name, value in given.items() if value is not None}
    return f"{path}?{urlencode({**query, 'limit': limit})}"


def _page(name: str, facts: Sequence[Mapping[str, Any]], following: str | None) -> Response:
    return _answer({name: facts, "next": following})


def _answer(facts: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(facts), headers={"Cache-Control": "no-store"}, media_type=JSON)
