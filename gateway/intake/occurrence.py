"""One request as the edge knows it: its id, its trace, its language, and what the log will say of it."""

import re
import secrets
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope
from uuid_utils import uuid7

from gateway.intake.negotiation import choose_language

KEY = "gateway.occurrence"
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class Occurrence:
    """One request: its id (UUIDv7), `traceparent` and language; what is learnt on the way is filled in."""

    id: str
    traceparent: str
    language: str
    route: str = "unknown"
    digest: str | None = None
    problem: str | None = None
    verdict: str | None = None

    @property
    def instance(self) -> str:
        """The URI of the occurrence."""
        return f"urn:uuid:{self.id}"


def begin(scope: Scope, default_language: str) -> Occurrence:
    """The occurrence of a request that has just come in, also kept in its scope."""
    traceparent = accept_language = ""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            traceparent = value.decode("latin-1")
        elif name == b"accept-language":
            accept_language = (
                f"{accept_language},{value.decode('latin-1')}" if accept_language else value.decode("latin-1")
            )
    occurrence = Occurrence(
        str(uuid7()),
        traceparent if _TRACEPARENT.fullmatch(traceparent) else new_traceparent(),
        choose_language(accept_language, default_language),
    )
    scope[KEY] = occurrence
    return occurrence


def occurrence_of(connection: HTTPConnection) -> Occurrence:
    """The occurrence that belongs to a request."""
    occurrence: Occurrence = connection.scope[KEY]
    return occurrence


def new_traceparent() -> str:
    """A fresh W3C trace context, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
