"""What a record's seal is worth, whichever way records of its topic are sealed."""

from collections.abc import Iterable
from typing import Any

import orjson

from gateway.bus.checkpoints import CHECKPOINT_EVENT, CHECKPOINTS_TOPIC
from gateway.model import Checkpoint
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.jws import KeySet
from gateway.sealing.records import check_record
from gateway.sealing.refusals import SealRefused

VALID = "valid"
NOT_JSON = "not-json"


def seal_of(topic: str, headers: Iterable[tuple[str, bytes]], value: bytes, keys: KeySet) -> str:
    """`valid`, or the slug of what is wrong: those of `check_record`, `not-json`, `checkpoint`.

    A checkpoint's seal is the JWS that it holds, and it is believed on the topic of checkpoints alone.
    """
    headers = list(headers)
    if topic == CHECKPOINTS_TOPIC:
        return _checkpoint_seal(dict(headers), value, keys)
    seal = check_record(topic, headers, value, keys)
    if seal == VALID and content_of(value) is None:
        return NOT_JSON
    return seal


def content_of(value: bytes) -> dict[str, Any] | None:
    """The JSON object that a value is, None when it is none."""
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def _checkpoint_seal(headers: dict[str, bytes], value: bytes, keys: KeySet) -> str:
    content = content_of(value)
    if content is None:
        return NOT_JSON
    if not isinstance(jws := content.get("jws"), str):
        return "missing"
    try:
        sealed = read_checkpoint(jws, keys)
    except SealRefused as refusal:
        return refusal.reason
    expected = f"checkpoint-{sealed.ledger}-{sealed.seq}".encode()
    if headers.get("ce_type") != CHECKPOINT_EVENT.encode() or headers.get("ce_id") != expected:
        return "moved"
    return VALID if _says_the_same(sealed, content) else "checkpoint"


def _says_the_same(sealed: Checkpoint, content: dict[str, Any]) -> bool:
    return (content.get("ledger"), content.get("seq"), content.get("chain")) == (
        sealed.ledger,
        sealed.seq,
        sealed.chain.hex(),
    )
