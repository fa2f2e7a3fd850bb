"""Events become typed models."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import GatewayError
from gateway.model import Event, Severity, Verdict
from validators.fm1.model import FM1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class NotDecodable(GatewayError):
    """An event is not of a kind, or not of a shape, that this version of the SDK knows."""

    code = "not-decodable"


class EventFinding(BaseModel):
    """A finding as it stands in an event: the code of the catalogue and the place, in no language."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Severity
    path: str
    line: int | None = None
    field: str | None = None
    value: str | None = None
    parameters: Mapping[str, str] = {}


class Judged(BaseModel):
    """What every judged message's event says; members that later versions add are kept in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: UUID
    verdict: Verdict
    document: str | None
    version: str | None
    sender: str
    sha256: Sha256
    received_at: datetime
    family: str
    message_type: str
    edition: str
    codes_digest: str
    findings: tuple[EventFinding, ...]


class FM1Event(Judged):
    """An accepted FM-1, its content typed: `message.reporter`, `message.message`, `message.participants` ..."""

    message: FM1


class Rejection(Judged):
    """A message that was judged and refused; why is in the findings, what it said is not in the event."""


class RefusedItem(BaseModel):
    """One item that was refused: its number in its series, its own id, and the hash of its element as it was sent."""

    model_config = ConfigDict(frozen=True)

    number: int
    id: str
    leaf: Sha256
    findings: tuple[EventFinding, ...]


class RefusedItems(Judged):
    """What was refused of an accepted message, item by item; what the items said is not in the event."""

    items: tuple[RefusedItem, ...]


class GamingItem(BaseModel):
    """One event of a hardware and software complex; what its kind has beside these is in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    sequence: int
    id: str
    kind: str
    time: datetime
    unit: str


class GamingEvent(BaseModel):
    """An accepted event of a complex (`series`), from the batch `number` that `sha256` names."""

    model_config = ConfigDict(frozen=True, extra="allow")

    receipt: UUID
    sender: str
    series: str
    number: int
    sha256: Sha256
    received_at: datetime
    edition: str
    codes_digest: str
    item: GamingItem
    findings: tuple[EventFinding, ...]


class IssuedCode(BaseModel):
    """A unique code: of a thing with its identifiers, or of an operation (a GUID of `owner`) with the thing `item`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: str
    item_class: str = Field(alias="class")
    identifiers: Mapping[str, str]
    item: str | None
    operation: str | None
    owner: str


class LuxuryCodeIssued(BaseModel):
    """A unique code was issued to `sender`, in the group that `sha256` names."""

    model_config = ConfigDict(frozen=True, extra="allow")

    receipt: UUID
    sender: str
    sha256: Sha256
    received_at: datetime
    edition: str
    codes_digest: str
    issued: IssuedCode


class GamingTicket(BaseModel):
    """One thing that is wrong with a complex, as it stood at this revision; `detail` depends on the kind."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: UUID
    revision: int
    kind: str = Field(
        description="gap, fork, chain, silence, meter, totals, software, correction or overlap", examples=["gap"]
    )
    complex: str
    owner: str
    state: Literal["open", "closed"]
    opened_at: datetime
    deadline: datetime
    overdue: bool
    closed_at: datetime | None
    changed_at: datetime
    detail: Mapping[str, Any]


class Obligation(BaseModel):
    """Winnings of one player, local day and operation kind for which an FM-1 is or was due; amounts in tenge."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: UUID
    revision: int
    state: Literal["open", "closed"]
    owner: str
    player: str
    day: date
    operation: str
    threshold: Decimal
    total: Decimal
    events: int
    reported: Decimal
    deadline: datetime
    overdue: bool
    opened_at: datetime
    closed_at: datetime | None


Decoded = FM1Event | Rejection | RefusedItems | GamingEvent | GamingTicket | Obligation | LuxuryCodeIssued

KINDS: Mapping[str, type[Decoded]] = {
    "kz.fma.fm1.accepted.v1": FM1Event,
    "kz.fma.message.refused.v1": Rejection,
    "kz.fma.items.refused.v1": RefusedItems,
    "kz.fma.gaming.event.v1": GamingEvent,
    "kz.fma.luxury.code-issued.v1": LuxuryCodeIssued,
    "kz.fma.gaming.ticket.v1": GamingTicket,
    "kz.fma.obligation.v1": Obligation,
}
"""The model of each type of event."""

TOPICS: Mapping[str, tuple[type[Decoded], ...]] = {
    "fma.fm1.threshold.v1": (FM1Event,),
    "fma.fm1.suspicious.v1": (FM1Event,),
    "fma.fm1.list-match.v1": (FM1Event,),
    "fma.fm1.other.v1": (FM1Event,),
    "fma.rejections.v1": (Rejection, RefusedItems),
    "fma.gaming.events.v1": (GamingEvent,),
    "fma.luxury.v1": (LuxuryCodeIssued,),
    "fma.gaming.integrity.v1": (GamingTicket, Obligation),
}
"""The models of the events on each topic."""


def decode(event: Event) -> Decoded:
    """The typed model of an event, chosen by its `ce_type`.

    Raises NotDecodable for an unknown type, and for a value that does not have the type's shape: the text names the
    place and the fields, never their values.
    """
    kind = event.headers.get("ce_type", "none")
    place = f"{event.topic}, partition {event.partition}, offset {event.offset}"
    model = KINDS.get(kind)
    if model is None:
        raise NotDecodable(f"{place}: events of type {kind!r} are not known; known are {', '.join(sorted(KINDS))}")
    try:
        return model.model_validate(event.value)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in each["loc"]) for each in error.errors(include_input=False)})
        raise NotDecodable(f"{place}: not of the shape of {kind}: {', '.join(fields)}") from None
