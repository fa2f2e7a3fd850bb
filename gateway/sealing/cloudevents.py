"""The attributes of CloudEvents 1.0 (binary mode) as the headers of a Kafka record."""

from dataclasses import dataclass
from datetime import datetime

from gateway.sealing.receipts import ISSUER, moment_text

Headers = tuple[tuple[str, bytes], ...]


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
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_type", event.type.encode()),
        ("ce_source", event.source.encode()),
        ("ce_time", moment_text(event.time).encode()),
        ("content-type", b"application/json"),
    ]
    if event.subject is not None:
        headers.append(("ce_subject", event.subject.encode()))
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent.encode()))
    return tuple(headers)
