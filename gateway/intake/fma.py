"""What the FMA's people read and change over HTTP, each by the right of their role, and every time written down."""

from collections.abc import Awaitable, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from gateway.intake.admission import Admission
from gateway.intake.cursors import make_cursor, read_cursor
from gateway.intake.documentation import MessagePage, ReceiptFacts, add_get, document_of, needing, problems
from gateway.intake.facts import timestamp_facts
from gateway.intake.fma_shapes import AuditPage, EntityFacts, EntityList, audit_facts, entity_facts
from gateway.intake.negotiation import JSON
from gateway.intake.occurrence import occurrence_of
from gateway.intake.originals import Originals
from gateway.intake.oversight_shapes import TicketPage
from gateway.intake.refusals import CursorRefused, NotFound, ParameterRefused
from gateway.intake.services import Services
from gateway.journal import Actor, Directory, EntityUnknown
from gateway.journal.audit import AUDIT_LEDGER
from gateway.model import Entity, Filed
from gateway.sealing.derived import ticket_facts
from gateway.sealing.receipts import read_receipt, receipt_facts

FMA = "/v1/fma"
MESSAGES, TICKETS, ENTITIES = f"{FMA}/messages", f"{FMA}/tickets", f"{FMA}/entities"
METRICS, AUDIT = f"{FMA}/metrics", f"{FMA}/audit"
MESSAGE, ORIGINAL = f"{MESSAGES}/{{message}}", f"{MESSAGES}/{{message}}/original"
SUSPEND, RESUME = f"{ENTITIES}/{{entity}}/suspend", f"{ENTITIES}/{{entity}}/resume"
_OWN = {"Cache-Control": "no-store"}

Named = Annotated[str, Query(min_length=12, max_length=12, description="the entity's BIN or IIN")]
InPath = Annotated[str, Path(alias="entity", description="the entity's BIN or IIN")]
After = Annotated[str | None, Query(description="the cursor of the page before")]
Limit = Annotated[int, Query(ge=1, description="at most so many; the gateway may give fewer")]


def fma_router(services: Services) -> APIRouter:
    """The routes below `/v1/fma`."""
    fma = Fma(services)
    router = APIRouter(tags=["FMA"])
    mistakes = (400, 401, 403, 503)
    add_get(router, MESSAGES, fma.messages, MessagePage, *mistakes, who="person")
    add_get(router, MESSAGE, fma.message, ReceiptFacts, *mistakes, 404, who="person")
    original = document_of("application/xml", "The exact bytes")
    add_get(router, ORIGINAL, fma.original, original, *mistakes, 404, who="person")
    add_get(router, TICKETS, fma.tickets, TicketPage, *mistakes, who="person")
    add_get(router, ENTITIES, fma.entities, EntityList, *mistakes, who="person")
    metrics = document_of("text/plain", "The metrics of this process, for Prometheus")
    add_get(router, METRICS, fma.metrics, metrics, *mistakes, who="person")
    add_get(router, AUDIT, fma.audit, AuditPage, *mistakes, who="person")
    for path, handler in ((SUSPEND, fma.suspend), (RESUME, fma.resume)):
        router.add_api_route(
            path,
            handler,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": EntityFacts}, **problems(*mistakes, 404, 500)},
            openapi_extra=needing("person"),
        )
    return router


class Fma:
    """The handlers; each lets nobody in before it is written down who asks for what, and why."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._admission = Admission(services)
        self._originals = Originals(services)

    async def messages(self, request: Request, sender: Named, after: After = None, limit: Limit = 20) -> Response:
        """The messages of an entity in the order in which they were filed."""
        asked = {"after": after, "limit": limit}
        await self._admission.to_read(request, f"GET {MESSAGES}", "messages listed", sender, asked)
        self._bound(limit)
        entries = await self._services.journal.page(sender, await self._place(after, sender), limit + 1)
        shown = entries[:limit]
        language = occurrence_of(request).language
        facts = [receipt_facts(read_receipt(entry.jws, self._services.keyset), language) for entry in shown]
        query = {"sender": sender, "after": make_cursor(shown[-1].receipt_id), "limit": limit} if shown else {}
        following = f"{MESSAGES}?{urlencode(query)}" if len(entries) > limit else None
        return _json({"messages": facts, "next": following})

    async def message(self, request: Request, message: str) -> Response:
        """The facts of one message, whoever filed it."""
        await self._admission.to_read(request, f"GET {MESSAGE}", "message read", message)
        filed = await self._filed(message)
        language = occurrence_of(request).language
        return _json(receipt_facts(read_receipt(filed.jws, self._services.keyset), language))

    async def original(self, request: Request, message: str) -> Response:
        """One message's exact bytes as they were received."""
        await self._admission.to_read(request, f"GET {ORIGINAL}", "original read", message)
        filed = await self._filed(message)
        return await self._originals.answer(filed, read_receipt(filed.jws, self._services.keyset).sender)

    async def tickets(self, request: Request, owner: Named, after: After = None, limit: Limit = 20) -> Response:
        """The tickets of an organiser's complexes in the order in which they were opened, as far as oversight is."""
        asked = {"after": after, "limit": limit}
        await self._admission.to_read(request, f"GET {TICKETS}", "tickets listed", owner, asked)
        self._bound(limit)
        oversight, cursor = self._services.oversight, read_cursor(after) if after else None
        if cursor is not None and not await oversight.has_ticket(owner, cursor):
            raise CursorRefused
        found = await oversight.tickets(owner, None, None, cursor, limit + 1)
        shown = found[:limit]
        query = {"owner": owner, "after": make_cursor(shown[-1].id), "limit": limit} if shown else {}
        following = f"{TICKETS}?{urlencode(query)}" if len(found) > limit else None
        return _json({"tickets": [ticket_facts(one) for one in shown], "next": following})

    async def entities(
        self,
        request: Request,
        after: Annotated[str, Query(max_length=12, description="the last identifier of the page before")] = "",
        limit: Limit = 20,
    ) -> Response:
        """Who is enrolled, by identifier."""
        asked = {"after": after, "limit": limit}
        actor = await self._admission.to_read(request, f"GET {ENTITIES}", "entities listed", "all", asked)
        self._bound(limit)
        async with self._directory(actor) as directory:
            found = await directory.page(after, limit + 1)
        shown = found[:limit]
        query = {"after": shown[-1].identifier, "limit": limit} if shown else {}
        following = f"{ENTITIES}?{urlencode(query)}" if len(found) > limit else None
        return _json({"entities": [entity_facts(entity) for entity in shown], "next": following})

    async def suspend(self, request: Request, identifier: InPath) -> Response:
        """Lets an entity file no more; it may still read its own."""
        actor = await self._admission.to_change(request, f"POST {SUSPEND}", "entity suspended", identifier)
        async with self._directory(actor) as directory:
            return _entity(await _known(directory.suspend(identifier, self._services.clock())))

    async def resume(self, request: Request, identifier: InPath) -> Response:
        """Lets a suspended entity file again."""
        actor = await self._admission.to_change(request, f"POST {RESUME}", "entity active", identifier)
        async with self._directory(actor) as directory:
            return _entity(await _known(directory.resume(identifier, self._services.clock())))

    async def metrics(self, request: Request) -> Response:
        """The metrics of the process that answers."""
        await self._admission.to_read(request, f"GET {METRICS}", "metrics read", "this process")
        content = generate_latest(self._services.metrics.registry)
        return Response(content, headers={**_OWN, "Content-Type": CONTENT_TYPE_LATEST})

    async def audit(
        self,
        request: Request,
        after: Annotated[int, Query(ge=0, le=2**62, description="the place of the last entry before the page")] = 0,
        limit: Limit = 50,
        actor: Annotated[str | None, Query(description="of this person alone")] = None,
        subject: Annotated[str | None, Query(description="about this entity, message, person or certificate")] = None,
    ) -> Response:
        """The audit log in its order, and the newest checkpoint that seals it."""
        asked = {"after": after, "limit": limit, "actor": actor, "subject": subject}
        await self._admission.to_read(request, f"GET {AUDIT}", "audit log read", "audit log", asked)
        self._bound(limit)
        log = self._services.identity.audit
        entries, checkpoint = await log.page(after, limit, actor, subject), await log.latest_checkpoint()
        told = [audit_facts(entry) for entry in entries]
        words, stamp = await log.newest_cosignatures(), await self._services.timestamps.newest(AUDIT_LEDGER)
        seals = {
            "checkpoint": checkpoint.jws if checkpoint else None,
            "cosignatures": [word.jws for word in words],
            "timestamp": timestamp_facts(stamp),
        }
        return _json({"entries": told, **seals})

    def _directory(self, actor: Actor) -> Directory:
        return Directory(self._services.settings.database_url, actor)

    def _bound(self, limit: int) -> None:
        most = self._services.settings.bounds.page_entries
        if limit > most:
            raise ParameterRefused(name="limit", expected=f"1..{most}")

    async def _filed(self, message: str) -> Filed:
        try:
            filed = await self._services.journal.filed_by_anybody(UUID(message))
        except ValueError as error:
            raise NotFound from error
        if filed is None:
            raise NotFound
        return filed

    async def _place(self, after: str | None, sender: str) -> int:
        if after is None:
            return 0
        filed = await self._services.journal.filed(read_cursor(after), sender)
        if filed is None:
            raise CursorRefused
        return filed.seq


async def _known(change: Awaitable[Entity]) -> Entity:
    try:
        return await change
    except EntityUnknown as error:
        raise NotFound from error


def _entity(entity: Entity) -> Response:
    return _json(entity_facts(entity))


def _json(facts: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(facts), headers=_OWN, media_type=JSON)
