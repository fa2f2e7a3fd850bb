"""Events become typed models."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
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


KINDS: Mapping[str, type[FM1Event | Rejection]] = {
    "kz.fma.fm1.accepted.v1": FM1Event,
    "kz.fma.message.refused.v1": Rejection,
}


def decode(event: Event) -> FM1Event | Rejection:
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
