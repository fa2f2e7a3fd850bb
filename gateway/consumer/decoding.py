"""Events become typed models."""

import datetime as dt
from collections.abc import Mapping
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
    received_at: dt.datetime
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
    time: dt.datetime
    unit: str


class Itemised(BaseModel):
    """What every item's event says of the message that carried it: the `number` of its `series`, with that `sha256`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    receipt: UUID
    sender: str
    series: str
    number: int
    sha256: Sha256
    received_at: dt.datetime
    edition: str
    codes_digest: str
    findings: tuple[EventFinding, ...]


class GamingEvent(Itemised):
    """An accepted event of a complex (`series`)."""

    item: GamingItem


class OperationItem(BaseModel):
    """An operation of a dealer; what its kind has beside these is in `model_extra`. Amounts are texts, exact."""

    model_config = ConfigDict(frozen=True, extra="allow")

    sequence: int
    id: str
    kind: str
    date: dt.date
    price: str | None = None
    cash: str | None = None
    currency: str = "398"
    price_tenge: str | None = None
    original: str | None = None
    original_sequence: int | None = None
    replaced_kind: str | None = None
    reason: str | None = None


class MetalsItem(OperationItem):
    """An operation with an article of precious metal or stone; WITHDRAW has none of these."""

    article: str | None = None
    metal: str | None = None
    fineness: str | None = None
    grams: str | None = None
    party_kind: str | None = None
    party: str | None = None


class MetalsOperation(Itemised):
    """An accepted operation of a dealer in precious metals, stones and jewellery."""

    item: MetalsItem


class LuxuryItem(OperationItem):
    """An operation with a luxury good; WITHDRAW has none of these but, it may be, the code."""

    item_class: str | None = Field(None, alias="class")
    item_code: str | None = None
    operation_code: str | None = None
    seller_kind: str | None = None
    seller: str | None = None
    buyer_kind: str | None = None
    buyer: str | None = None


class LuxuryOperation(Itemised):
    """An accepted operation with a luxury good; the record's key is the code of the thing where it has one."""

    item: LuxuryItem


class NilReport(Judged):
    """A dealer's word that there was no operation in a period, which `series` tells."""

    message: Mapping[str, Any]


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
    received_at: dt.datetime
    edition: str
    codes_digest: str
    issued: IssuedCode


class NamedOperation(BaseModel):
    """An operation by its name: who filed it, its number in his series, its GUID."""

    model_config = ConfigDict(frozen=True, extra="allow")

    filer: str
    sequence: int
    id: str


class ChainFinding(BaseModel):
    """What does not hold in the chain of a thing at one operation, as it stood at this revision."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: UUID
    revision: int
    kind: str = Field(
        description="owner: the seller is not the last known buyer; price: far from the last one; new: a second time",
        examples=["owner"],
    )
    item: str
    operation: NamedOperation
    state: Literal["open", "closed"]
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    changed_at: dt.datetime
    detail: Mapping[str, Any]


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
    opened_at: dt.datetime
    deadline: dt.datetime
    overdue: bool
    closed_at: dt.datetime | None
    changed_at: dt.datetime
    detail: Mapping[str, Any]


class Obligation(BaseModel):
    """What was paid to or dealt with one party (`player`), for which an FM-1 is or was due; amounts in tenge."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: UUID
    revision: int
    state: Literal["open", "closed"]
    owner: str
    player: str
    day: dt.date
    operation: str
    matter: str = ""
    threshold: Decimal
    total: Decimal
    events: int
    reported: Decimal
    deadline: dt.datetime
    overdue: bool
    opened_at: dt.datetime
    closed_at: dt.datetime | None


Decoded = (
    FM1Event
    | Rejection
    | RefusedItems
    | GamingEvent
    | GamingTicket
    | Obligation
    | MetalsOperation
    | NilReport
    | LuxuryOperation
    | LuxuryCodeIssued
    | ChainFinding
)

KINDS: Mapping[str, type[Decoded]] = {
    "kz.fma.fm1.accepted.v1": FM1Event,
    "kz.fma.message.refused.v1": Rejection,
    "kz.fma.items.refused.v1": RefusedItems,
    "kz.fma.gaming.event.v1": GamingEvent,
    "kz.fma.precious-metals.operation.v1": MetalsOperation,
    "kz.fma.precious-metals.nil.v1": NilReport,
    "kz.fma.luxury.operation.v1": LuxuryOperation,
    "kz.fma.luxury.nil.v1": NilReport,
    "kz.fma.luxury.code-issued.v1": LuxuryCodeIssued,
    "kz.fma.luxury.finding.v1": ChainFinding,
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
    "fma.precious-metals.v1": (MetalsOperation, NilReport),
    "fma.luxury.v1": (LuxuryCodeIssued, LuxuryOperation, NilReport, ChainFinding),
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
