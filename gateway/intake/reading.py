"""What an entity reads back: its own messages, receipts and bytes; others' do not exist."""

import asyncio
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from gateway.archive.mounted import MountedArchives
from gateway.intake.authentication import reader_of
from gateway.intake.cursors import make_cursor, read_cursor
from gateway.intake.documentation import MessagePage, ReceiptFacts, add_get, document_of
from gateway.intake.negotiation import JSON, XML_TYPES, choose_media_type
from gateway.intake.occurrence import occurrence_of
from gateway.intake.presenting import receipt_answer
from gateway.intake.refusals import Archived, CursorRefused, NotFound, ParameterRefused
from gateway.intake.services import Services
from gateway.journal import EntryArchived
from gateway.model import Filed
from gateway.sealing.receipts import read_receipt, receipt_facts

JOSE = "application/jose"
_ORIGINAL = {"Content-Type": "application/xml", "Cache-Control": "no-store"}


def reading_router(services: Services) -> APIRouter:
    """The routes below `/v1/messages` and `/v1/receipts` that read."""
    reading = Reading(services)
    router = APIRouter(tags=["reading"])
    notice = document_of("application/xml", "The facts as JSON, or the signed notice as XML")
    add_get(router, "/v1/messages", reading.page, MessagePage, 400, 401, 503)
    add_get(router, "/v1/messages/{message}", reading.message, {"model": ReceiptFacts, **notice}, 401, 404, 503)
    original = document_of("application/xml", "The exact bytes")
    add_get(router, "/v1/messages/{message}/original", reading.original, original, 401, 404, 410, 503)
    receipt = document_of(JOSE, "The receipt as a compact JWS")
    add_get(router, "/v1/receipts/{message}", reading.receipt, receipt, 401, 404, 503)
    return router


class Reading:
    """The handlers of the reading routes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._archives = MountedArchives(services.settings.archives)

    async def message(self, request: Request, message: str) -> Response:
        """One message's receipt: its facts as JSON, or the signed notice with `Accept: application/xml`."""
        filed = await self._own(request, message)
        receipt = read_receipt(filed.jws, self._services.keyset)
        media_type = choose_media_type(request.headers.get("accept", ""), (JSON, *XML_TYPES)) or JSON
        language = occurrence_of(request).language
        return await receipt_answer(receipt, 200, media_type, language, self._services.keys)

    async def receipt(self, request: Request, message: str) -> Response:
        """One message's receipt as the compact JWS, the same bytes for ever."""
        filed = await self._own(request, message)
        return Response(filed.jws, headers={"Content-Type": JOSE, "Cache-Control": "no-store"})

    async def original(self, request: Request, message: str) -> Response:
        """One message's exact bytes as they were received; from an archive where one is mounted.

        A large one is sent part by part, each after it was held against its digest: damage ends the answer short of
        its Content-Length.
        """
        filed = await self._own(request, message)
        try:
            entry = await self._services.journal.by_id(filed.receipt_id, reader_of(request, self._services))
        except EntryArchived:
            digest = read_receipt(filed.jws, self._services.keyset).sha256
            place = (filed.ledger, filed.seq, digest)
            body = await asyncio.to_thread(self._archives.body, *place)
            if body is None:
                raise Archived(message=message) from None
            return Response(body, headers=_ORIGINAL)
        if entry is None:
            raise NotFound
        if entry.parts is None:
            return Response(entry.body, headers=_ORIGINAL)
        pieces = self._services.journal.body(entry)
        return StreamingResponse(pieces, headers={**_ORIGINAL, "Content-Length": str(entry.parts.size)})

    async def page(
        self,
        request: Request,
        after: Annotated[str | None, Query(description="the cursor of the page before")] = None,
        limit: Annotated[int, Query(ge=1, description="at most so many; the gateway may give fewer")] = 20,
    ) -> Response:
        """The messages of the entity in the order in which they were filed, and the way to the next page."""
        sender = reader_of(request, self._services)
        most = self._services.settings.bounds.page_entries
        if limit > most:
            raise ParameterRefused(name="limit", expected=f"1..{most}")
        found = await self._services.journal.page(sender, await self._place(after, sender), limit + 1)
        language = occurrence_of(request).language
        shown = found[:limit]
        further = len(found) > limit
        cursor = {"after": make_cursor(shown[-1].receipt_id), "limit": limit} if further else None
        page = {
            "messages": [receipt_facts(read_receipt(filed.jws, self._services.keyset), language) for filed in shown],
            "next": f"/v1/messages?{urlencode(cursor)}" if cursor else None,
        }
        headers = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store"}
        return Response(orjson.dumps(page), headers=headers, media_type=JSON)

    async def _place(self, after: str | None, sender: str) -> int:
        if after is None:
            return 0
        filed = await self._services.journal.filed(read_cursor(after), sender)
        if filed is None:
            raise CursorRefused
        return filed.seq

    async def _own(self, request: Request, message: str) -> Filed:
        sender = reader_of(request, self._services)
        try:
            filed = await self._services.journal.filed(UUID(message), sender)
        except ValueError as error:
            raise NotFound from error
        if filed is None:
            raise NotFound
        return filed
