"""The attributes of CloudEvents 1.0 (binary mode) as the headers of a Kafka record."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from gateway.sealing.receipts import ISSUER, moment_text

Headers = tuple[tuple[str, bytes], ...]

_SPECVERSION = ("ce_specversion", b"1.0")
_JSON = ("content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The attributes of an event that stand in the record's headers; none of them is personal data."""

    id: str
    type: str
    time: datetime
    subject: str | None = None
    source: str = ISSUER
    traceparent: str | None = None


def event_headers(event: CloudEvent) -> Headers:
    """The headers of an event, all but its seal."""
    headers = (_SPECVERSION, ("ce_id", event.id.encode()), *_told(event.type, event.source, event.time), _JSON)
    if event.subject is not None:
        headers = (*headers, ("ce_subject", event.subject.encode()))
    if event.traceparent is not None:
        headers = (*headers, _trace(event.traceparent))
    return headers


@lru_cache(maxsize=64)
def _told(kind: str, source: str, time: datetime) -> Headers:
    """What the events of a batch have in common, made once for all of them."""
    return (
        ("ce_type", kind.encode()),
        ("ce_source", source.encode()),
        ("ce_time", moment_text(time).encode()),
    )


@lru_cache(maxsize=64)
def _trace(traceparent: str) -> tuple[str, bytes]:
    return ("traceparent", traceparent.encode())
