"""Receipts, checkpoints and records: what is sealed is what was said, and cannot be moved."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import jwt
import orjson
import pytest
from hypothesis import given

from gateway.judging.examination import rendered
from gateway.model import Checkpoint, Receipt, Record, Severity, Verdict
from gateway.sealing.checkpoints import read_checkpoint, seal_checkpoint
from gateway.sealing.jws import KeySet, jwks, sign_compact
from gateway.sealing.receipts import RECEIPT_TYPE, read_receipt, receipt_facts, seal_receipt
from gateway.sealing.records import REJECTIONS, check_record, records_for
from gateway.sealing.refusals import SealRefused
from tests.sealing.facts import MOMENT, finding, holder, judgement, receipt, receipts

KEYS = KeySet.of(holder())
REFUSED = receipt(finding("COD-001"), verdict=Verdict.REFUSED)


@given(original=receipts)
async def test_a_sealed_receipt_is_read_back_whole(original: Receipt) -> None:
    sealed = await seal_receipt(original, holder())
    assert read_receipt(sealed.jws, KEYS) == sealed
    assert await seal_receipt(original, holder()) == sealed


async def test_pyjwt_takes_a_receipt_for_a_token_with_an_issuer_and_a_time() -> None:
    sealed = await seal_receipt(REFUSED, holder())
    key = jwt.PyJWKSet.from_dict(json.loads(json.dumps(jwks(holder()))))[holder().kid]
    earlier = await seal_receipt(replace(REFUSED, received_at=MOMENT - timedelta(days=900)), holder())
    claims = jwt.decode(earlier.jws, key.key, algorithms=["ES256"], issuer="urn:fma-gateway")
    assert claims["findings"][0]["value"] == "121"
    assert jwt.get_unverified_header(sealed.jws)["typ"] == RECEIPT_TYPE
    assert claims["sha256"] == "ab" * 32


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"1", b"{", b'{"id":1}'])
async def test_a_payload_that_is_no_receipt_is_refused_though_truly_sealed(payload: bytes) -> None:
    token = await sign_compact(payload, holder(), RECEIPT_TYPE)
    with pytest.raises(SealRefused) as refusal:
        read_receipt(token, KEYS)
    assert refusal.value.reason == "payload"


async def test_a_checkpoint_is_read_back_and_is_not_taken_for_a_receipt() -> None:
    checkpoint = await seal_checkpoint(Checkpoint(1, 42, b"\x01" * 32, MOMENT), holder())
    assert read_checkpoint(checkpoint.jws, KEYS) == checkpoint
    with pytest.raises(SealRefused) as refusal:
        read_receipt(checkpoint.jws, KEYS)
    assert refusal.value.reason == "type"


@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
async def test_the_facts_tell_every_finding_in_the_readers_language(lang: str) -> None:
    sealed = await seal_receipt(REFUSED, holder())
    facts = receipt_facts(sealed, lang)
    assert list(facts)[:5] == ["id", "verdict", "document", "version", "sender"]
    assert facts["received_at"] == "2026-11-22T16:45:00.123456Z"
    assert facts["receipt"] == sealed.jws
    assert facts["findings"][0]["message"]
    assert facts["findings"][0]["severity"] == "error"
    json.dumps(facts)


async def test_the_record_of_an_accepted_message_goes_to_its_topic_with_the_content() -> None:
    accepted = receipt(finding("COD-001", Severity.WARNING), verdict=Verdict.ACCEPTED_WITH_WARNINGS, document="D" * 36)
    record = (await records_for(rendered(judgement(accepted)), accepted, holder(), traceparent="00-a-b-01"))[0]
    headers = {name: value.decode() for name, value in record.headers}
    assert (record.topic, record.key) == ("fma.fm1.threshold.v1", accepted.sender)
    assert headers.pop("seal").count("..") == 1
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": str(accepted.id),
        "ce_type": "kz.fma.fm1.accepted.v1",
        "ce_source": "urn:fma-gateway",
        "ce_time": "2026-11-22T16:45:00.123456Z",
        "ce_subject": "D" * 36,
        "content-type": "application/json",
        "traceparent": "00-a-b-01",
    }
    value = orjson.loads(record.value)
    assert value["message"] == judgement(accepted).content
    assert value["sha256"] == accepted.sha256
    assert check_record(record.topic, record.headers, record.value, KEYS) == "valid"


async def test_the_record_of_a_refusal_goes_to_the_topic_of_rejections_without_the_content() -> None:
    record = (await records_for(rendered(judgement(REFUSED)), REFUSED, holder()))[0]
    headers = dict(record.headers)
    assert record.topic == REJECTIONS
    assert headers["ce_type"] == b"kz.fma.message.refused.v1"
    assert "ce_subject" not in headers
    assert "message" not in orjson.loads(record.value)
    texts = {name: text.decode() for name, text in record.headers}
    assert check_record(record.topic, texts, record.value, KEYS) == "valid"


async def test_no_header_of_a_record_names_a_person_or_an_entity() -> None:
    record = (await records_for(rendered(judgement(REFUSED)), REFUSED, holder()))[0]
    assert all(REFUSED.sender.encode() not in value for _, value in record.headers)


def without(name: str) -> Callable[[Record], Record]:
    return lambda record: replace(record, headers=tuple(pair for pair in record.headers if pair[0] != name))


def with_header(name: str, value: bytes) -> Callable[[Record], Record]:
    return lambda record: replace(without(name)(record), headers=(*without(name)(record).headers, (name, value)))


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (lambda record: replace(record, value=record.value.replace(b"230941821107", b"230941821108")), "signature"),
        (lambda record: replace(record, topic="fma.fm1.other.v1"), "moved"),
        (with_header("ce_id", b"another"), "moved"),
        (with_header("ce_type", b"kz.fma.fm1.accepted.v1"), "moved"),
        (without("ce_id"), "moved"),
        (without("seal"), "missing"),
        (with_header("seal", b"\xff"), "malformed"),
        (with_header("seal", b"a..b"), "malformed"),
        (lambda record: replace(record, headers=(*record.headers, ("ce_id", b"another"))), "repeated-header"),
    ],
)
async def test_a_record_that_was_changed_or_moved_is_told_apart(
    change: Callable[[Record], Record], answer: str
) -> None:
    record = change((await records_for(rendered(judgement(REFUSED)), REFUSED, holder()))[0])
    assert check_record(record.topic, record.headers, record.value, KEYS) == answer


async def test_a_record_sealed_by_another_key_is_told_apart() -> None:
    record = (await records_for(rendered(judgement(REFUSED)), REFUSED, holder(1)))[0]
    assert check_record(record.topic, record.headers, record.value, KEYS) == "unknown-key"
