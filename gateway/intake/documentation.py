"""The shapes of the answers, for the OpenAPI document alone: the routes make their JSON themselves."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.intake.problems import MEDIA_TYPE, problem_book

UNAUTHORIZED = 401
PURPOSE = {
    "name": "Purpose",
    "in": "header",
    "required": True,
    "description": "why; 5 to 300 characters of UTF-8, percent-encoded where they are not ASCII",
    "schema": {"type": "string"},
}


class Shape(BaseModel):
    """An answer whose members may grow in later versions."""

    model_config = ConfigDict(extra="allow")


class ProblemDetails(Shape):
    """A problem by RFC 9457."""

    type: str = Field(examples=["urn:fma-gateway:problem:hostile"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="the occurrence; the operator finds it in the log by this")
    code: str = Field(description="stable, never reused")
    reason: str | None = Field(None, description="a slug that narrows the code down")
    line: int | None = Field(None, description="where in the XML, counted from 1")
    retry_after: int | None = Field(None, description="seconds")
    parts: dict[str, str] | None = Field(None, description="of /readyz: the state of each part")


class FindingFacts(Shape):
    """One thing found in a message."""

    code: str = Field(description="of the catalogue of findings; stable, never reused")
    severity: str = Field(description="error refuses, warning accepts and flags")
    path: str = Field(description="XPath")
    line: int | None
    field: str | None = Field(description="form field number such as 3.10")
    value: str | None
    parameters: dict[str, str]
    message: str = Field(description="in the language of Accept-Language")


class RefusedItemFacts(Shape):
    """One item that was refused."""

    number: int = Field(description="in its series")
    id: str
    leaf: str = Field(description="RFC 9162 leaf hash of its element in Exclusive C14N, lower-case hex")
    findings: list[FindingFacts]


class VerdictFacts(Shape):
    """The verdict on a message; `series` and `items` are there where messages of its kind are numbered."""

    verdict: str = Field(examples=["accepted", "accepted with warnings", "refused", "undetermined"])
    document: str | None = Field(description="DocumentUniqueIdentifier")
    version: str | None
    sha256: str = Field(description="of the exact bytes received, lower-case hex")
    family: str
    message_type: str
    edition: str = Field(description="the edition of Order No. 13 that judged")
    codes_digest: str
    findings: list[FindingFacts]
    series: dict[str, Any] | None = Field(None, description="name, number, and what messages of that kind say beside")
    items: list[RefusedItemFacts] | None = Field(None, description="those of its items that were refused")


class ReceiptFacts(VerdictFacts):
    """The facts of a receipt, and the receipt itself."""

    id: str
    sender: str = Field(description="BIN, or IIN")
    received_at: str = Field(description="RFC 3339, UTC")
    receipt: str = Field(description="compact JWS over these facts")
    day: dict[str, Any] | None = Field(
        None,
        description="in the answer 201 to an EndOfDay alone, outside of the receipt: href, and what it answers "
        "(complex, day, figures, reported, differences); href alone while oversight does not keep up",
    )


class MessagePage(Shape):
    """One page of one's own messages."""

    messages: list[ReceiptFacts]
    next: str | None = Field(description="the next page; null on the last one")


class TimestampFacts(Shape):
    """The word of a time-stamping service (RFC 3161) that a checkpoint was there at a moment."""

    seq: int
    stamped_at: str
    checkpoint: str | None = Field(description="the compact JWS whose SHA-256 was stamped")
    token: str = Field(description="TimeStampResp in DER, base64")


class CheckpointFacts(Shape):
    """How long a ledger is and what its chain value is there."""

    ledger: int
    seq: int
    chain: str = Field(description="lower-case hex")
    made_at: str
    checkpoint: str = Field(description="compact JWS over these facts")
    cosignatures: list[str] = Field(description="of each witness the newest co-signature, compact JWS; maybe older")
    timestamp: TimestampFacts | None = Field(description="the newest one; maybe of an older checkpoint")


class LeafList(Shape):
    """The leaf hashes of entries that follow each other."""

    ledger: int
    after: int = Field(description="the entry before the first of them")
    leaves: list[str] = Field(description="lower-case hex")


class CosignatureBody(Shape):
    """The word of a witness."""

    cosignature: str = Field(description="compact JWS, typ fma-cosignature+jws")


class CosignatureFacts(Shape):
    """What a witness said of a checkpoint."""

    ledger: int
    seq: int
    chain: str = Field(description="lower-case hex")
    seen_at: str
    witness: str = Field(description="kid of its key")


class KeySetDocument(Shape):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]


class Interval(Shape):
    """From when until when something holds; the last day is the one before `valid_to`."""

    valid_from: str | None
    valid_to: str | None


class EntryFacts(Interval):
    """One code of a table."""

    code: str
    key: dict[str, str]
    name: str | None = Field(None, description="in the language asked for")
    names: dict[str, str] | None = Field(None, description="in all languages, where none was asked for")
    attributes: dict[str, str]
    provenance: str


class CodeFacts(EntryFacts):
    """One code, and where it comes from."""

    table: str
    edition: str
    digest: str
    complete: bool = Field(description="whether an unknown code is an error")


class TableSummary(Shape):
    """What a code table is."""

    table: str
    edition: str
    digest: str
    title: str | dict[str, str]
    complete: bool = Field(description="whether an unknown code is an error")
    rows: int
    sha256: str
    provenance: str


class TableFacts(TableSummary):
    """A code table with its codes."""

    entries: list[EntryFacts]


class EditionFacts(Interval):
    """An edition of the code tables."""

    edition: str
    family: str
    open_ended: bool
    digest: str
    tables: list[TableSummary]


class EditionList(Shape):
    """All editions of the code tables."""

    editions: list[EditionFacts]


class SchemaFacts(Shape):
    """One published schema file."""

    family: str
    edition: str
    file: str
    sha256: str
    href: str


class SchemaList(Shape):
    """All published schema files."""

    schemas: list[SchemaFacts]


class LimitFacts(Shape):
    """What a message, a request and a page may be."""

    message: dict[str, int]
    request: dict[str, float]


class Alive(Shape):
    """The process answers."""

    status: str


class Readiness(Alive):
    """The state of each part."""

    parts: dict[str, str]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses for these statuses, each naming the codes that come with it."""
    kinds = problem_book().kinds.values()
    return {
        status: {
            "description": "Problem: " + ", ".join(kind.code for kind in kinds if kind.status == status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in statuses
    }


def add_get(
    router: APIRouter,
    path: str,
    handler: Callable[..., Awaitable[Response]],
    answer: type[Shape] | dict[str, Any],
    *mistakes: int,
    who: str = "entity",
) -> None:
    """A GET route that makes its own response; `answer` and the problems of status `mistakes` are documented.

    Every route may also fail with 500; one that can answer 401 is documented as needing the bearer token of `who`.
    """
    told = {"model": answer} if isinstance(answer, type) else answer
    router.add_api_route(
        path,
        handler,
        methods=["GET"],
        response_model=None,
        responses={200: told, **problems(*mistakes, 500)},
        openapi_extra=needing(who) if UNAUTHORIZED in mistakes else None,
    )


def needing(who: str) -> dict[str, Any]:
    """What OpenAPI tells of a route that needs the token of an `entity`, a `witness`, or a `person` with a purpose."""
    return {"security": [{who: []}], **({"parameters": [PURPOSE]} if who == "person" else {})}


def add_post(
    router: APIRouter,
    path: str,
    handler: Callable[..., Awaitable[Response]],
    shapes: tuple[type[Shape], type[BaseModel]],
    *mistakes: int,
    secured: bool = True,
) -> None:
    """A POST route that reads and makes its own JSON; `shapes` are those of the body and of the answer.

    Where it is `secured` it needs the bearer token; it answers 201 for what is new, 200 for what had been
    done before.
    """
    asked, told = shapes
    schema = asked.model_json_schema(by_alias=True)
    router.add_api_route(
        path,
        handler,
        methods=["POST"],
        response_model=None,
        responses={200: {"model": told}, 201: {"model": told}, **problems(*mistakes, 500)},
        openapi_extra={
            **({"security": [{"entity": []}]} if secured else {}),
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        },
    )


def document_of(media_type: str, what: str) -> dict[str, Any]:
    """The documentation of an answer that is not JSON."""
    return {"description": what, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}
