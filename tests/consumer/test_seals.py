from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest

from gateway.bus.checkpoints import CHECKPOINTS_TOPIC
from gateway.consumer import fetch_keys, load_keys
from gateway.consumer.seals import seal_of
from gateway.errors import ConfigurationError, Unavailable
from gateway.model import Checkpoint, Record
from gateway.relay import checkpoint_record
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.jws import sign_detached
from gateway.sealing.keys import public_jwk
from gateway.sealing.records import SEAL_TYPE
from tests.bus.kit import KEYS, KEYSET, NOON, make_keys, sealed

JWKS = {"keys": [dict(public_jwk(KEYS))]}


async def checkpoint(seq: int = 5) -> Record:
    return checkpoint_record(await seal_checkpoint(Checkpoint(0, seq, bytes(32), NOON), KEYS))


def seal(record: Record) -> str:
    return seal_of(record.topic, record.headers, record.value, KEYSET)


async def test_a_checkpoint_is_sealed_by_the_jws_that_it_holds() -> None:
    assert seal(await checkpoint()) == "valid"


async def test_a_checkpoint_is_believed_on_its_own_topic_alone() -> None:
    assert seal(replace(await checkpoint(), topic="fma.fm1.threshold.v1")) == "missing"
    assert seal(replace(await sealed(CHECKPOINTS_TOPIC, 1), topic=CHECKPOINTS_TOPIC)) == "missing"


async def test_a_checkpoint_that_says_other_than_its_jws_is_broken() -> None:
    record = await checkpoint()
    facts = orjson.loads(record.value)
    assert seal(replace(record, value=orjson.dumps({**facts, "chain": "11" * 32}))) == "checkpoint"
    assert seal(replace(record, value=orjson.dumps({**facts, "jws": facts["jws"][:-4] + "AAAA"}))) == "signature"
    assert seal(replace(record, value=b"[]")) == "not-json"
    assert seal(replace(record, headers=(await checkpoint(6)).headers)) == "moved"


async def test_a_sealed_value_that_is_no_json_object_says_so() -> None:
    value = b"[1]"
    bound = {"topic": "t", "ce_id": "1", "ce_type": "x"}
    made = await sign_detached(value, KEYS, SEAL_TYPE, bound)
    headers = [
        ("ce_id", b"1"),
        ("ce_type", b"x"),
        ("seal", made.encode()),
    ]
    assert seal_of("t", headers, value, KEYSET) == "not-json"


async def test_keys_come_from_a_file_an_object_or_text(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(orjson.dumps(JWKS))
    record = await sealed("t", 1)
    for source in (file, JWKS, orjson.dumps(JWKS), orjson.dumps(JWKS).decode()):
        assert seal_of("t", record.headers, record.value, load_keys(source)) == "valid"


def test_a_missing_file_and_a_file_without_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.json can't be read"):
        load_keys(tmp_path / "none.json")
    (tmp_path / "empty.json").write_bytes(b"{}")
    with pytest.raises(ConfigurationError):
        load_keys(tmp_path / "empty.json")


def client(answer: httpx.Response | Exception) -> httpx.AsyncClient:
    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.AsyncClient(transport=httpx.MockTransport(handle))


async def test_keys_come_from_a_url() -> None:
    async with client(httpx.Response(200, json=JWKS)) as http:
        keys = await fetch_keys("https://gateway.example/.well-known/jwks.json", http)
    assert KEYS.kid in keys
    assert make_keys().kid not in keys


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(503), Unavailable),
        (httpx.ConnectError("no"), Unavailable),
        (httpx.Response(200, text="<html>"), ConfigurationError),
        (httpx.Response(200, content=b" " * (2 << 20)), ConfigurationError),
    ],
    ids=["503", "no connection", "no JWKS", "too long"],
)
async def test_a_url_without_keys_is_refused(answer: httpx.Response | Exception, error: type[Exception]) -> None:
    async with client(answer) as http:
        with pytest.raises(error):
            await fetch_keys("https://gateway.example/jwks.json", http)
