"""Records for Kafka: the message as JSON under CloudEvents 1.0 headers (binary mode), with a seal.

A record by itself has a detached JWS whose protected header names the topic, the event's id and its type: a record
that was moved to another topic or given another identity does not verify. The items of a message that carries many
share one signature (`gateway.sealing.batches`). The value carries the sha256 of the bytes as they were received.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.model import Judged, Receipt, Record
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
    value = orjson.dumps(payload)
    bound = {"topic": topic, "ce_id": event.id, "ce_type": event.type}
    seal = await sign_detached(value, keys, SEAL_TYPE, bound)
    return Record(topic, key, value, (*event_headers(event), ("seal", seal.encode("ascii"))))


async def records_for(
    judged: Judged, receipt: Receipt, keys: KeyHolder, traceparent: str | None = None
) -> tuple[Record, ...]:
    """The records of a judged message: on its own topic when it is accepted, else one on the topic of rejections.

    A message without items is one record, with the receipt's facts and findings, and its content where it is accepted.
    One with items is a record for each that was accepted, in their order, and one on the topic of rejections where
    some were refused.
    """
    if not judged.judgement.verdict.stands:
        return (await _refusal(receipt, MESSAGE_REFUSED, keys, traceparent),)
    if judged.contents and not judged.numbers:
        return (await _whole(judged, receipt, keys, traceparent),)
    accepted = await segment_records(judged, receipt, keys, traceparent)
    return (*accepted, *await items_refused(receipt, keys, traceparent))


async def segment_records(
    judged: Judged, receipt: Receipt, keys: KeyHolder, traceparent: str | None = None
) -> tuple[Record, ...]:
    """The records of accepted items, all of a message or a segment of them, under one signature."""
    return await seal_records(_items(judged, receipt, traceparent), keys)


async def items_refused(receipt: Receipt, keys: KeyHolder, traceparent: str | None = None) -> tuple[Record, ...]:
    """The record on the topic of rejections of a message that stands, where some of its items were refused."""
    return (await _refusal(receipt, ITEMS_REFUSED, keys, traceparent),) if receipt.items else ()


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


async def _whole(judged: Judged, receipt: Receipt, keys: KeyHolder, traceparent: str | None) -> Record:
    judgement = judged.judgement
    kind = judgement.event_type or f"kz.fma.{receipt.family}.accepted.v1"
    payload = {**_facts(receipt), "message": orjson.Fragment(judged.contents[0])}
    event = CloudEvent(str(receipt.id), kind, receipt.received_at, receipt.document, traceparent=traceparent)
    return await seal_record(judgement.topic, judgement.key or receipt.sender, payload, event, keys)


async def _refusal(receipt: Receipt, kind: str, keys: KeyHolder, traceparent: str | None) -> Record:
    event = CloudEvent(str(receipt.id), kind, receipt.received_at, receipt.document, traceparent=traceparent)
    return await seal_record(REJECTIONS, receipt.sender, _facts(receipt), event, keys)


def _items(judged: Judged, receipt: Receipt, traceparent: str | None) -> list[Unsealed]:
    judgement = judged.judgement
    shared_key = judgement.key or receipt.sender
    series, number = receipt.place
    shared = {
        "receipt": str(receipt.id),
        "sender": receipt.sender,
        "series": series,
        "number": number,
        "sha256": receipt.sha256,
        "received_at": moment_text(receipt.received_at),
        "edition": receipt.edition,
        "codes_digest": receipt.codes_digest,
    }
    identity, start = f"{receipt.id}/", orjson.dumps(shared)[:-1]
    unsealed = []
    keys = judged.keys or (None,) * len(judged.numbers)
    for item, content, own_key in zip(judged.numbers, judged.contents, keys, strict=True):
        key = own_key or shared_key
        event = CloudEvent(f"{identity}{item}", judgement.event_type, receipt.received_at, key, traceparent=traceparent)
        unsealed.append(Unsealed(judgement.topic, key, b"%s,%s" % (start, content[1:]), event))
    return unsealed


def _facts(receipt: Receipt) -> dict[str, Any]:
    return {**sealed_facts(receipt), **found_facts(receipt, plain_findings)}


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
