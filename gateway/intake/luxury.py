"""Unique codes over HTTP: asked for and reserved by entities, checked by anybody."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.errors import GatewayError
from gateway.intake.authentication import changer_of, reader_of
from gateway.intake.bodies import read_body
from gateway.intake.documentation import Shape, add_get, add_post, document_of
from gateway.intake.luxury_shapes import (
    BlockFacts,
    BlockList,
    BlockRequest,
    CodeAnswer,
    CodeRequest,
    CodeStanding,
    GrantedCode,
    ReturnedCodes,
    ReturnRequest,
    block_facts,
    granted_facts,
    operation_facts,
)
from gateway.intake.negotiation import JSON
from gateway.intake.occurrence import occurrence_of
from gateway.intake.problems import problem_for
from gateway.intake.refusals import JsonRefused, NotFound, ParameterRefused
from gateway.intake.services import Services
from gateway.intake.turns import address_of
from gateway.journal.luxury_rows import CodeState
from gateway.luxury.desk import Granted
from gateway.luxury.labels import LABEL_TYPES, label
from gateway.pipeline import SenderNotEnrolled, standing
from validators.identifiers import is_guid
from validators.luxury.unique_codes import CodeKind

CODES = "/v1/luxury/codes"
BLOCKS = "/v1/luxury/blocks"
MOST_REQUESTS = 500
MOST_BYTES = 1 << 20
MOST_BLOCK = 1_000
LONGEST_DAYS = 90
USUAL_DAYS = 30
_CREATED, _OK = 201, 200
_KINDS = {"item": CodeKind.ITEM, "operation": CodeKind.OPERATION}
_OWN = {"Cache-Control": "no-store"}


def luxury_router(luxury: "Luxury") -> APIRouter:
    """The routes below `/v1/luxury`."""
    router = APIRouter(tags=["unique codes"])
    mistakes = (400, 401, 403, 409, 413, 422, 503)
    add_post(router, CODES, luxury.issue, (CodeRequest, CodeAnswer), *mistakes)
    add_get(router, f"{CODES}/{{code}}", luxury.check, CodeStanding, 429, 503)
    printed = document_of(LABEL_TYPES["pdf"], "The label: QR code, code and class in three languages")
    add_get(router, f"{CODES}/{{code}}/label", luxury.label, printed, 400, 401, 404, 429, 503)
    add_post(router, f"{CODES}/{{code}}/use", luxury.use, (CodeRequest, GrantedCode), *mistakes)
    add_post(router, BLOCKS, luxury.reserve, (BlockRequest, BlockFacts), *mistakes)
    add_get(router, BLOCKS, luxury.blocks, BlockList, 401, 503)
    add_get(router, f"{BLOCKS}/{{block}}", luxury.block, BlockFacts, 401, 404, 503)
    add_post(router, f"{BLOCKS}/{{block}}/return", luxury.give_back, (ReturnRequest, ReturnedCodes), *mistakes)
    return router


class Luxury:
    """The handlers of the routes of unique codes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._desk = services.desk

    async def issue(self, request: Request) -> Response:
        """The code of a thing, or of an operation with a thing: the same thing, or operation, has the same for ever.

        With `requests`, up to 500 of them: `results` answers each, and one that is refused does not hold up the others.
        """
        occurrence_of(request).route = CODES
        owner = await self._active(request)
        body = await self._object(request)
        members = body.get("requests")
        if members is None:
            granted = await self._desk.issue(owner, body)
            return self._granted(request, granted)
        if not isinstance(members, list) or not 0 < len(members) <= MOST_REQUESTS:
            raise ParameterRefused(name="requests", expected=f"1..{MOST_REQUESTS}")
        if len(body) > 1 or not all(isinstance(member, dict) for member in members):
            raise JsonRefused(expected='{"requests": [{...}, ...]}')
        results = await self._desk.issue_all(owner, members)
        return _json({"results": [self._result(request, result) for result in results]})

    async def check_in_path(self, request: Request) -> Response:
        """The same as `check`, the code taken from the path of the request."""
        path: str = request.scope["path"]
        return await self.check(request, path[len(CODES) + 1 :])

    async def check(self, request: Request, code: str) -> Response:
        """Whether a code exists, its class and state; with a bearer token also one's own operations with the thing.

        A code that is mistyped is answered like one that was never issued.
        """
        occurrence_of(request).route = f"{CODES}/{{code}}"
        self._count(request)
        owner = reader_of(request, self._services) if "authorization" in request.headers else None
        row = await self._desk.check(code)
        facts: dict[str, Any] = {
            "exists": row is not None,
            "class": row and row.item_class,
            "state": row and self._desk.state(row).value,
        }
        if owner is not None:
            operations = await self._desk.operations_of(row.code if row else "", owner)
            facts["operations"] = [operation_facts(each) for each in operations]
        return _json(facts)

    async def label(
        self,
        request: Request,
        code: str,
        form: Annotated[Literal["svg", "pdf"], Query(alias="format", description="of the file")] = "svg",
    ) -> Response:
        """The label of an issued code, to be printed: a QR code that is verified off line, the code, its class."""
        self._count(request)
        reader_of(request, self._services)
        row = await self._desk.check(code)
        if row is None or self._desk.state(row) is not CodeState.ISSUED:
            raise NotFound
        content = label(await self._desk.sealed(row), row, self._desk.tables, self._url(), form)
        return Response(content, headers={**_OWN, "Content-Type": LABEL_TYPES[form]})

    async def use(self, request: Request, code: str) -> Response:
        """Gives a reserved code to the thing or the operation for which it was used off line; again is harmless."""
        owner = await self._active(request)
        return self._granted(request, await self._desk.use(owner, code, await self._object(request)))

    async def reserve(self, request: Request) -> Response:
        """Reserves a block of codes for use off line; the same `block` again is the same request."""
        owner = await self._active(request)
        body = await self._object(request, BlockRequest)
        kind = _KINDS.get(str(body.get("kind", "item")))
        if kind is None:
            raise ParameterRefused(name="kind", expected=" | ".join(_KINDS))
        size = _number(body, "count", 1, MOST_BLOCK)
        days = _number({"days": USUAL_DAYS, **body}, "days", 1, LONGEST_DAYS)
        named = _guid(body["block"], "block") if "block" in body else uuid4()
        block = await self._desk.reserve(owner, named, kind, size, days)
        return _json(block_facts(*await self._desk.block(owner, block.id), self._desk), _CREATED)

    async def blocks(self, request: Request) -> Response:
        """One's own newest blocks, at most 100."""
        owner = reader_of(request, self._services)
        return _json({"blocks": [block_facts(block, None, self._desk) for block in await self._desk.blocks(owner)]})

    async def block(self, request: Request, block: str) -> Response:
        """One of one's own blocks with the state of each code."""
        owner = reader_of(request, self._services)
        return _json(block_facts(*await self._desk.block(owner, _place(block)), self._desk))

    async def give_back(self, request: Request, block: str) -> Response:
        """Returns codes of a block that were not used: those that are named, or all of them."""
        owner = await self._active(request)
        codes = (await self._object(request, ReturnRequest)).get("codes")
        if codes is not None and not (isinstance(codes, list) and all(isinstance(code, str) for code in codes)):
            raise JsonRefused(expected='{"codes": ["...", ...]}')
        return _json({"returned": await self._desk.give_back(owner, _place(block), codes)})

    def _granted(self, request: Request, granted: Granted) -> Response:
        facts = granted_facts(granted, self._desk, occurrence_of(request).language)
        return _json(facts, _OK if granted.repeated else _CREATED)

    def _result(self, request: Request, result: Granted | GatewayError) -> dict[str, Any]:
        occurrence = occurrence_of(request)
        if isinstance(result, Granted):
            status = _OK if result.repeated else _CREATED
            return {"status": status, **granted_facts(result, self._desk, occurrence.language)}
        seconds = self._services.settings.bounds.retry_after_seconds
        return problem_for(result, occurrence.instance, occurrence.language, seconds).body()

    async def _active(self, request: Request) -> str:
        owner = await changer_of(request, self._services)
        entity = self._services.senders.by_identifier(owner)
        if entity is None:
            raise SenderNotEnrolled("the entity is no longer enrolled")
        return standing(entity).identifier

    def _count(self, request: Request) -> None:
        self._services.check_quota(address_of(request))

    def _url(self) -> str:
        return self._services.settings.public_urls[0].rstrip("/")

    async def _object(self, request: Request, shape: type[Shape] | None = None) -> Mapping[str, Any]:
        """The object in the body; with a shape it has no other members than those."""
        bounds = self._services.settings.bounds
        with self._services.bytes_gate.hold_for(address_of(request)) as held:
            body = await read_body(request, min(bounds.body_bytes, MOST_BYTES), bounds.body_seconds, held)
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise JsonRefused(expected=str(error)) from error
        if not isinstance(content, dict):
            raise JsonRefused(expected="{...}")
        if shape is not None and not content.keys() <= shape.model_fields.keys():
            raise JsonRefused(expected=", ".join(shape.model_fields))
        return content


def _json(facts: Mapping[str, Any], status: int = _OK) -> Response:
    return Response(orjson.dumps(facts), status, headers=_OWN, media_type=JSON)


def _number(body: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ParameterRefused(name=name, expected=f"{least}..{most}")
    return value


def _guid(value: object, name: str) -> UUID:
    text = str(value).upper()
    if not is_guid(text):
        raise ParameterRefused(name=name, expected="GUID")
    return UUID(text)


def _place(block: str) -> UUID:
    if not is_guid(block.upper()):
        raise NotFound
    return UUID(block)
