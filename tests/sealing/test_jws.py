"""Seals: made around a key that may live anywhere, read by other libraries, refused by name."""

import base64
import json
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.jwk import KeySet as JoserfcKeySet

from gateway.errors import ConfigurationError
from gateway.sealing.jws import KeySet, jwks, sign_compact, sign_detached, verify_compact, verify_detached
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.refusals import SealRefused
from tests.sealing.facts import holder
from tests.sealing.kit import leaf

TYPE = "fma-test+jws"


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


async def resealed(header: dict[str, Any] | bytes, payload: bytes = b"{}") -> str:
    """A token with any header, truly signed by the gateway's key."""
    first = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = f"{encoded(first)}.{encoded(payload)}"
    return f"{signing_input}.{encoded(await holder().sign(signing_input.encode()))}"


async def good_header() -> dict[str, Any]:
    token = await sign_compact(b"{}", holder(), TYPE)
    header: dict[str, Any] = jwt.get_unverified_header(token)
    return header


@given(payload=st.binary(max_size=500))
async def test_what_is_sealed_is_read_back(payload: bytes) -> None:
    keys = KeySet.of(holder())
    if payload:
        assert verify_compact(await sign_compact(payload, holder(), TYPE), keys, TYPE) == payload
    verify_detached(await sign_detached(payload, holder(), TYPE), payload, keys, TYPE)


async def test_the_same_payload_seals_to_the_same_bytes() -> None:
    assert await sign_compact(b"{}", holder(), TYPE) == await sign_compact(b"{}", holder(), TYPE)


async def test_rsa_keys_seal_too() -> None:
    signer = LocalKeyHolder.from_pem(leaf("rsa2048").key_pem, leaf("rsa2048").pem)
    token = await sign_compact(b"{}", signer, TYPE)
    assert signer.algorithm == "RS256"
    assert verify_compact(token, KeySet.from_jwks(orjson.dumps(jwks(signer))), TYPE) == b"{}"


async def test_pyjwt_and_joserfc_verify_with_the_published_keys() -> None:
    token = await sign_compact(b'{"a":1}', holder(), TYPE)
    published = json.loads(json.dumps(jwks(holder(1), holder())))
    key = jwt.PyJWKSet.from_dict(published)[holder().kid]
    assert jwt.PyJWS().decode(token, key.key, algorithms=["ES256"]) == b'{"a":1}'
    imported = JoserfcKeySet.import_key_set(published)
    assert joserfc_jws.deserialize_compact(token, imported, ["ES256"]).payload == b'{"a":1}'


async def test_pyjwt_verifies_a_detached_seal() -> None:
    seal = await sign_detached(b"value", holder(), TYPE)
    first, middle, last = seal.split(".")
    assert middle == ""
    whole = f"{first}.{encoded(b'value')}.{last}"
    key = jwt.PyJWKSet.from_dict(json.loads(json.dumps(jwks(holder()))))[holder().kid]
    assert jwt.PyJWS().decode(whole, key.key, algorithms=["ES256"]) == b"value"


def test_the_published_key_carries_its_certificate() -> None:
    (published,) = jwks(holder())["keys"]
    assert published["kid"] == holder().kid
    assert published["alg"] == "ES256"
    assert published["use"] == "sig"
    assert "d" not in published
    chain = published["x5c"]
    assert isinstance(chain, list)
    assert len(chain) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"alg": "none"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"alg": "ES384"}, "algorithm"),
        ({"alg": "RS256"}, "algorithm"),
        ({"alg": 1}, "malformed"),
        ({"kid": "another"}, "unknown-key"),
        ({"kid": None}, "malformed"),
        ({"typ": "fma-receipt+jws"}, "type"),
        ({"crit": ["b64"], "b64": False}, "malformed"),
        ({"crit": "b64"}, "header"),
        ({"jwk": "x"}, "header"),
    ],
)
async def test_a_header_that_is_not_the_gateways_is_refused_though_its_key_signed_it(
    change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SealRefused) as refusal:
        verify_compact(await resealed(await good_header() | change), KeySet.of(holder()), TYPE)
    assert refusal.value.reason == reason


async def test_a_header_without_a_member_is_refused() -> None:
    for member in ("alg", "kid", "typ", "x5t#S256"):
        header = await good_header()
        del header[member]
        with pytest.raises(SealRefused):
            verify_compact(await resealed(header), KeySet.of(holder()), TYPE)


@pytest.mark.parametrize("header", [b"", b"[]", b"null", b"{", b"\xff"])
async def test_a_header_that_is_no_object_is_refused(header: bytes) -> None:
    with pytest.raises(SealRefused) as refusal:
        verify_compact(await resealed(header), KeySet.of(holder()), TYPE)
    assert refusal.value.reason == "malformed"


async def test_a_seal_by_an_unknown_key_or_with_another_value_is_refused() -> None:
    token = await sign_compact(b"{}", holder(1), TYPE)
    with pytest.raises(SealRefused) as refusal:
        verify_compact(token, KeySet.of(holder()), TYPE)
    assert refusal.value.reason == "unknown-key"
    first, second, last = (await sign_compact(b"{}", holder(), TYPE)).split(".")
    for broken in (f"{first}.{second}.{last[::-1]}", f"{first}.{encoded(b'[]')}.{last}"):
        with pytest.raises(SealRefused):
            verify_compact(broken, KeySet.of(holder()), TYPE)


@given(text=st.text(max_size=60))
def test_no_text_in_place_of_a_seal_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(SealRefused):
        verify_compact(text, KeySet.of(holder()), TYPE)
    with pytest.raises(SealRefused):
        verify_detached(text, b"", KeySet.of(holder()), TYPE)


async def test_a_whole_seal_is_not_taken_for_a_detached_one_nor_the_reverse() -> None:
    keys = KeySet.of(holder())
    with pytest.raises(SealRefused):
        verify_detached(await sign_compact(b"{}", holder(), TYPE), b"{}", keys, TYPE)
    with pytest.raises(SealRefused):
        verify_compact(await sign_detached(b"", holder(), TYPE), keys, TYPE)


async def test_what_a_detached_seal_is_bound_to_must_be_asked_for_exactly() -> None:
    keys = KeySet.of(holder())
    seal = await sign_detached(b"v", holder(), TYPE, {"topic": "a"})
    assert verify_detached(seal, b"v", keys, TYPE, frozenset({"topic"}))["topic"] == "a"
    for bound in (frozenset[str](), frozenset({"topic", "ce_id"})):
        with pytest.raises(SealRefused):
            verify_detached(seal, b"v", keys, TYPE, bound)


async def test_payloads_of_megabytes_are_sealed_and_read() -> None:
    payload = b"x" * (4 << 20)
    assert verify_compact(await sign_compact(payload, holder(), TYPE), KeySet.of(holder()), TYPE) == payload


@pytest.mark.parametrize(
    "document",
    [b"", b"{}", b"[]", b'{"keys":[{}]}', b'{"keys":[{"kty":"oct","k":"AA"}]}', b'{"keys":1}', b'{"keys":["a"]}'],
)
def test_what_is_no_set_of_keys_cannot_be_loaded(document: bytes) -> None:
    with pytest.raises(ConfigurationError):
        KeySet.from_jwks(document)


def test_a_published_key_whose_name_is_not_its_thumbprint_cannot_be_loaded() -> None:
    published = json.loads(json.dumps(jwks(holder())))
    published["keys"][0]["kid"] = "another"
    with pytest.raises(ConfigurationError):
        KeySet.from_jwks(published)


def test_a_set_of_keys_knows_what_it_holds() -> None:
    keys = KeySet.of(holder(), holder(1))
    assert len(keys) == 2
    assert holder(1).kid in keys
    assert holder(2).kid not in keys
