"""Records for Kafka: the message as JSON under CloudEvents 1.0 headers (binary mode), with a seal.

A record by itself has a detached JWS whose protected header names the topic, the event's id and its type: a record
that was moved to another topic or given another identity does not verify. The items of a message that carries many
share one signature (`gateway.sealing.batches`). The value carries the sha256 of the bytes as they were received.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.model import Judgement, Receipt, Record
from gateway.sealing.batches import SEAL_PATH, Unsealed, check_batch_seal, record_leaf, seal_records
from gateway.sealing.cloudevents import CloudEvent, event_headers
from gateway.sealing.jws import KeySet, sign_detached, verify_detached
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import found_facts, moment_text, plain_findings, sealed_facts
from gateway.sealing.refusals import SealRefused

SEAL_TYPE = "fma-record+jws"
REJECTIONS = "fma.rejections.v1"
MESSAGE_REFUSED = "kz.fma.message.refused.v1"
ITEMS_REFUSED = "kz.fma.items.refused.v1"
VALID = "valid"
_BOUND = ("topic", "ce_id", "ce_type")


async def seal_record(topic: str, key: str, payload: Mapping[str, Any], event: CloudEvent, keys: KeyHolder) -> Record:
    """The record of one event, its payload as JSON and its seal among the headers."""
    value = orjson.dumps(payload, default=_plain)
    bound = {"topic": topic, "ce_id": event.id, "ce_type": event.type}
    seal = await sign_detached(value, keys, SEAL_TYPE, bound)
    return Record(topic, key, value, (*event_headers(event), ("seal", seal.encode("ascii"))))


async def records_for(
    judgement: Judgement, receipt: Receipt, keys: KeyHolder, traceparent: str | None = None
) -> tuple[Record, ...]:
    """The records of a judged message: on its own topic when it is accepted, else one on the topic of rejections.

    A message without items is one record; one with items is a record for each that was accepted, in their order, and
    one on the topic of rejections where some were refused.
    """
    if judgement.items and judgement.verdict.stands:
        accepted = await seal_records(_items(judgement, receipt, traceparent), keys)
        if not receipt.items:
            return accepted
        return (*accepted, await _record(receipt, REJECTIONS, ITEMS_REFUSED, keys, traceparent))
    return (await record_for(judgement, receipt, keys, traceparent),)


async def record_for(judgement: Judgement, receipt: Receipt, keys: KeyHolder, traceparent: str | None = None) -> Record:
    """The record of a judged message as a whole.

    The value has the receipt's facts and findings; the message's content only when it is accepted.
    """
    if not judgement.verdict.stands:
        return await _record(receipt, REJECTIONS, MESSAGE_REFUSED, keys, traceparent)
    kind = judgement.event_type or f"kz.fma.{receipt.family}.accepted.v1"
    payload = {**_facts(receipt), "message": dict(judgement.content)}
    event = CloudEvent(str(receipt.id), kind, receipt.received_at, receipt.document, traceparent=traceparent)
    return await seal_record(judgement.topic, judgement.key or receipt.sender, payload, event, keys)


def check_record(
    topic: str, headers: Iterable[tuple[str, bytes]] | Mapping[str, str], value: bytes, keys: KeySet
) -> str:
    """`valid`, or the slug of what is wrong with a record's seal: `missing`, `moved`, `signature`, `unknown-key` ..."""
    try:
        texts = headers if isinstance(headers, Mapping) else _texts(headers)
        seal = texts.get("seal")
        if seal is None:
            return "missing"
        here = {"topic": topic, "ce_id": texts.get("ce_id"), "ce_type": texts.get("ce_type")}
        if SEAL_PATH in texts:
            leaf = record_leaf(topic, here["ce_id"] or "", here["ce_type"] or "", value)
            check_batch_seal(seal, texts[SEAL_PATH], leaf, keys)
            return VALID
        header = verify_detached(seal, value, keys, SEAL_TYPE, frozenset(_BOUND))
    except SealRefused as refusal:
        return refusal.reason
    return VALID if all(header[name] == here[name] for name in _BOUND) else "moved"


def _items(judgement: Judgement, receipt: Receipt, traceparent: str | None) -> list[Unsealed]:
    key = judgement.key or receipt.sender
    shared = {
        "receipt": str(receipt.id),
        "sender": receipt.sender,
        "series": judgement.series.name if judgement.series else None,
        "number": judgement.series.number if judgement.series else None,
        "sha256": receipt.sha256,
        "received_at": moment_text(receipt.received_at),
        "edition": receipt.edition,
        "codes_digest": receipt.codes_digest,
    }
    start = orjson.dumps(shared)[:-1]
    unsealed = []
    for item in judgement.items:
        if not item.accepted:
            continue
        inner = orjson.dumps({"item": item.content, "findings": plain_findings(item.findings)}, default=_plain)
        event = CloudEvent(
            f"{receipt.id}/{item.number}", judgement.event_type, receipt.received_at, key, traceparent=traceparent
        )
        unsealed.append(Unsealed(judgement.topic, key, b"%s,%s" % (start, inner[1:]), event))
    return unsealed


async def _record(receipt: Receipt, topic: str, kind: str, keys: KeyHolder, traceparent: str | None) -> Record:
    event = CloudEvent(str(receipt.id), kind, receipt.received_at, receipt.document, traceparent=traceparent)
    return await seal_record(topic, receipt.sender, _facts(receipt), event, keys)


def _facts(receipt: Receipt) -> dict[str, Any]:
    return {**sealed_facts(receipt), **found_facts(receipt, plain_findings)}


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


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
