"""The JSON of unique codes: shapes for the OpenAPI document, and the facts that are answered."""

from typing import Any

from pydantic import Field, RootModel

from gateway.intake.documentation import FindingFacts, ProblemDetails, Shape
from gateway.journal.luxury_rows import Block, CodeRow
from gateway.luxury.desk import Desk, Granted
from gateway.sealing.receipts import moment_text, told_findings
from validators.luxury.unique_codes import UniqueCode
from validators.values import local

KIND_NAMES = {"T": "item", "D": "operation"}


class CodeRequest(Shape):
    """A thing by its class and identifiers, or an operation by its GUID with the code of its thing."""

    class_: str | None = Field(None, alias="class", description="a code of the table luxury_classes")
    vin: str | None = Field(None, description="this and the following: those that the table luxury_identifiers lists")
    registration: str | None = None
    hull: str | None = None
    tail: str | None = None
    cadastral: str | None = None
    certificate: str | None = None
    maker: str | None = None
    serial: str | None = None
    operation: str | None = Field(None, description="GUID, made by the entity")
    item: str | None = Field(None, description="the code of the operation's thing")
    requests: list[dict[str, Any]] | None = Field(
        None, min_length=1, max_length=500, description="such objects instead of one; each is answered by itself"
    )


class GrantedCode(Shape):
    """A code that was given out."""

    code: str
    shown: str = Field(description="in groups, for people")
    class_: str = Field(alias="class")
    state: str
    issued_on: str = Field(description="the day in Asia/Almaty")
    item: str | None = Field(description="of an operation: the code of its thing")
    operation: str | None = Field(description="of an operation: its GUID")
    token: str = Field(description="compact JWS over code, class and day")
    findings: list[FindingFacts] = Field(description="warnings")


class CodeResults(Shape):
    """What came of each of `requests`, in their order: a code that was given out, or a problem."""

    results: list[GrantedCode | ProblemDetails] = Field(description="each has its `status`")


class CodeAnswer(RootModel[GrantedCode | CodeResults]):
    """A code that was given out, or what came of each of `requests`."""


class OperationFacts(Shape):
    """One of one's own operations with a thing."""

    code: str
    operation: str
    issued_at: str


class CodeStanding(Shape):
    """Whether a code exists."""

    exists: bool
    class_: str | None = Field(alias="class")
    state: str | None = Field(description="issued, reserved, returned, expired")
    operations: list[OperationFacts] | None = Field(None, description="with a bearer token: one's own")


class BlockRequest(Shape):
    """How many codes are to be reserved, of which kind, for how long."""

    count: int = Field(ge=1, le=1_000)
    kind: str = Field("item", description="item or operation")
    days: int = Field(30, ge=1, le=90)
    block: str | None = Field(None, description="GUID of the request, so that it can be repeated")


class BlockFacts(Shape):
    """A block of reserved codes."""

    block: str
    kind: str
    count: int
    reserved_at: str
    expires_at: str
    codes: list[dict[str, str]] | None = Field(None, description="code, shown and state of each")


class BlockList(Shape):
    """One's own newest blocks."""

    blocks: list[BlockFacts]


class ReturnRequest(Shape):
    """Which codes are returned; all that are still reserved where it is left out."""

    codes: list[str] | None = None


class ReturnedCodes(Shape):
    """The codes that were returned by this request."""

    returned: list[str]


def granted_facts(granted: Granted, desk: Desk, language: str) -> dict[str, Any]:
    """The answer for a code that was given out."""
    row = granted.row
    return {
        "code": row.code,
        "shown": UniqueCode(row.code).grouped,
        "class": row.item_class,
        "state": desk.state(row).value,
        "issued_on": local(row.at).date().isoformat(),
        "item": row.item,
        "operation": str(row.operation).upper() if row.operation else None,
        "token": granted.jws,
        "findings": told_findings(granted.findings, language),
    }


def operation_facts(row: CodeRow) -> dict[str, Any]:
    """One operation of a thing as its owner sees it."""
    return {"code": row.code, "operation": str(row.operation).upper(), "issued_at": moment_text(row.at)}


def block_facts(block: Block, codes: list[CodeRow] | None, desk: Desk) -> dict[str, Any]:
    """A block, with its codes where they are given."""
    facts = {
        "block": str(block.id).upper(),
        "kind": KIND_NAMES[block.kind],
        "count": block.size,
        "reserved_at": moment_text(block.reserved_at),
        "expires_at": moment_text(block.expires_at),
    }
    if codes is None:
        return facts
    shown = [{"code": row.code, "shown": UniqueCode(row.code).grouped, "state": desk.state(row).value} for row in codes]
    return {**facts, "codes": shown}
