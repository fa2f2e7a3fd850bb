"""Records for Kafka: the message as JSON under CloudEvents 1.0 headers (binary mode), with a detached seal.

The seal's protected header names the topic, the event's id and its type: a record that was moved to another topic or
given another identity does not verify. The value carries the sha256 of the bytes as they were received.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.model import Judged, Receipt, Record
from gateway.sealing.jws import KeySet, sign_detached, verify_detached
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import ISSUER, finding_facts, moment_text, sealed_facts
from gateway.sealing.refusals import SealRefused

SEAL_TYPE = "fma-record+jws"
REJECTIONS = "fma.rejections.v1"
VALID = "valid"
_BOUND = ("topic", "ce_id", "ce_type")


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The attributes of an event that stand in the record's headers; none of them is personal data."""

    id: str
    type: str
    time: datetime
    subject: str | None = None
    source: str = ISSUER
    traceparent: str | None = None


async def seal_record(topic: str, key: str, payload: Mapping[str, Any], event: CloudEvent, keys: KeyHolder) -> Record:
    """The record of one event, its payload as JSON and its seal among the headers."""
    value = orjson.dumps(payload)
    bound = {"topic": topic, "ce_id": event.id, "ce_type": event.type}
    seal = await sign_detached(value, keys, SEAL_TYPE, bound)
    headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", event.id),
        ("ce_type", event.type),
        ("ce_source", event.source),
        ("ce_time", moment_text(event.time)),
        ("content-type", "application/json"),
        ("seal", seal),
    ]
    if event.subject is not None:
        headers.append(("ce_subject", event.subject))
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent))
    return Record(topic, key, value, tuple((name, text.encode("utf-8")) for name, text in headers))


async def record_for(judged: Judged, receipt: Receipt, keys: KeyHolder, traceparent: str | None = None) -> Record:
    """The record of a judged message: on its own topic when it is accepted, else on the topic of rejections.

    The value has the receipt's facts and findings; the message's content only when it is accepted.
    """
    judgement = judged.judgement
    accepted = judgement.verdict.stands
    findings = [finding_facts(finding) for finding in receipt.findings]
    payload = {**sealed_facts(receipt), "findings": findings}
    if accepted:
        payload["message"] = orjson.Fragment(judged.contents[0])
    event = CloudEvent(
        id=str(receipt.id),
        type=f"kz.fma.{receipt.family}.accepted.v1" if accepted else "kz.fma.message.refused.v1",
        time=receipt.received_at,
        subject=receipt.document,
        traceparent=traceparent,
    )
    return await seal_record(judgement.topic if accepted else REJECTIONS, receipt.sender, payload, event, keys)


def check_record(
    topic: str, headers: Iterable[tuple[str, bytes]] | Mapping[str, str], value: bytes, keys: KeySet
) -> str:
    """`valid`, or the slug of what is wrong with a record's seal: `missing`, `moved`, `signature`, `unknown-key` ..."""
    try:
        texts = headers if isinstance(headers, Mapping) else _texts(headers)
        seal = texts.get("seal")
        if seal is None:
            return "missing"
        header = verify_detached(seal, value, keys, SEAL_TYPE, frozenset(_BOUND))
    except SealRefused as refusal:
        return refusal.reason
    here = {"topic": topic, "ce_id": texts.get("ce_id"), "ce_type": texts.get("ce_type")}
    return VALID if all(header[name] == here[name] for name in _BOUND) else "moved"


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in headers:
        if name in texts:
            raise SealRefused("repeated-header")
        try:
            texts[name] = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SealRefused("malformed") from error
    return texts
