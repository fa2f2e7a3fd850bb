"""The token with which an entity reads its own: made by itself, good for minutes, for one gateway, by one key."""

import base64
import hmac
from datetime import timedelta
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sealing.certificates import fingerprint_of
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.refusals import TokenRefused
from gateway.sealing.tokens import TokenRules, make_bearer, verify_bearer
from tests.sealing.kit import AT, Certificate, leaf, person, root

URL = "http://127.0.0.1:8080"
BIN = "230941821107"
NOW = int(AT.timestamp())
OTHER = Certificate(person(), "p256:other-entity", root())
P384 = Certificate(person(), "p384:entity", root())
ENROLLED = {fingerprint_of(certificate.der): (BIN, certificate.pem) for certificate in (leaf(), leaf("rsa2048"), P384)}


def verified(token: str) -> str:
    return verify_bearer(token, TokenRules((URL,)), AT, ENROLLED.get).identifier


def thumbprint(certificate: Certificate) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(fingerprint_of(certificate.der))).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    made = {"iss": BIN, "aud": URL, "iat": NOW, "exp": NOW + 300} | changes
    return {name: value for name, value in made.items() if value is not None}


def by_pyjwt(
    content: dict[str, Any],
    signer: Certificate | None = None,
    algorithm: str = "ES256",
    header: dict[str, Any] | None = None,
) -> str:
    certificate = signer or leaf()
    named = {"x5t#S256": thumbprint(certificate)} | (header or {})
    return jwt.encode(content, certificate.key_pem, algorithm=algorithm, headers=named)


async def test_what_is_made_here_is_accepted_here() -> None:
    holder = LocalKeyHolder.from_pem(leaf().key_pem, leaf().pem)
    assert verified(await make_bearer(BIN, URL, AT, holder)) == BIN


@pytest.mark.parametrize(
    "token",
    [
        by_pyjwt(claims()),
        by_pyjwt(claims(), leaf("rsa2048"), "RS256"),
        by_pyjwt(claims(iat=NOW - 299, exp=NOW + 1)),
        by_pyjwt(claims(iat=NOW + 29, exp=NOW + 200)),
        by_pyjwt(claims(iat=NOW - 200, exp=NOW - 29)),
        by_pyjwt(claims(iat=NOW + 0.5, exp=NOW + 100.5)),
        by_pyjwt(claims(nbf=NOW, jti="a")),
        by_pyjwt(claims(aud=f"{URL}/")),
        by_pyjwt(claims(), header={"kid": "anything"}),
    ],
)
def test_a_token_by_another_library_is_accepted(token: str) -> None:
    assert verified(token) == BIN


def test_several_addresses_of_the_gateway_may_be_named() -> None:
    rules = TokenRules(("https://a", "https://b"))
    assert verify_bearer(by_pyjwt(claims(aud="https://b")), rules, AT, ENROLLED.get).identifier == BIN


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (by_pyjwt(claims(iss="140742906892")), "issuer"),
        (by_pyjwt(claims(iss=None)), "issuer"),
        (by_pyjwt(claims(aud="http://elsewhere")), "audience"),
        (by_pyjwt(claims(aud=None)), "audience"),
        (by_pyjwt(claims(aud=["http://elsewhere"])), "audience"),
        (by_pyjwt(claims(exp=None)), "times"),
        (by_pyjwt(claims(iat=None)), "times"),
        (by_pyjwt(claims(exp=True)), "times"),
        (by_pyjwt(claims(exp="1e9")), "malformed-or-times"),
        (by_pyjwt(claims(exp=NOW + 301)), "lifetime"),
        (by_pyjwt(claims(exp=NOW)), "lifetime"),
        (by_pyjwt(claims(exp=NOW - 10)), "lifetime"),
        (by_pyjwt(claims(iat=NOW + 31, exp=NOW + 100)), "not-yet-valid"),
        (by_pyjwt(claims(nbf=NOW + 31)), "not-yet-valid"),
        (by_pyjwt(claims(iat=NOW - 300, exp=NOW - 30)), "expired"),
        (by_pyjwt(claims(), OTHER), "unknown-certificate"),
        (by_pyjwt(claims(), OTHER, header={"x5t#S256": thumbprint(leaf())}), "signature"),
        (by_pyjwt(claims(), header={"x5t#S256": thumbprint(leaf("rsa2048"))}), "algorithm"),
        (by_pyjwt(claims(), leaf("rsa2048"), "PS256"), "algorithm"),
        (by_pyjwt(claims(), P384, "ES384"), "algorithm"),
        (by_pyjwt(claims(), header={"x5t#S256": "?"}), "malformed"),
        (by_pyjwt(claims(), header={"typ": "fma-receipt+jws"}), "header"),
        (jwt.encode(claims(), leaf().key_pem, algorithm="ES256"), "certificate-not-named"),
        (jwt.encode(claims(), "", algorithm="none", headers={"x5t#S256": thumbprint(leaf())}), "algorithm"),
        ("", "malformed"),
        ("a.b", "malformed"),
        ("a.b.c.d", "malformed"),
        ("x" * 20_000, "malformed"),
    ],
)
def test_any_other_token_is_refused_by_name(token: str, reason: str) -> None:
    with pytest.raises(TokenRefused) as refusal:
        verified(token)
    assert refusal.value.reason in reason


def test_a_token_keyed_with_the_public_certificate_is_refused() -> None:
    secret = leaf().pem
    head = base64.urlsafe_b64encode(orjson.dumps({"alg": "HS256", "x5t#S256": thumbprint(leaf())})).rstrip(b"=")
    body = base64.urlsafe_b64encode(orjson.dumps(claims())).rstrip(b"=")
    mac = base64.urlsafe_b64encode(hmac.digest(secret, head + b"." + body, "sha256")).rstrip(b"=")
    with pytest.raises(TokenRefused) as refusal:
        verified((head + b"." + body + b"." + mac).decode())
    assert refusal.value.reason == "algorithm"


async def test_a_token_that_asks_for_extensions_is_refused() -> None:
    holder = LocalKeyHolder.from_pem(leaf().key_pem, leaf().pem)
    head = {"alg": "ES256", "x5t#S256": thumbprint(leaf()), "crit": ["b64"], "b64": False}
    text = b".".join(base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=") for part in (head, claims()))
    value = base64.urlsafe_b64encode(holder.sign_now(text)).rstrip(b"=")
    with pytest.raises(TokenRefused) as refusal:
        verified((text + b"." + value).decode())
    assert refusal.value.reason == "header"


@given(text=st.text(max_size=80))
def test_no_text_in_place_of_a_token_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        verified(text)


@given(seconds=st.integers(-1000, 1000), life=st.integers(-10, 400))
def test_a_token_is_good_for_its_minutes_and_half_a_minute_of_wrong_clocks(seconds: int, life: int) -> None:
    token = by_pyjwt(claims(exp=NOW + life))
    good = 0 < life <= 300 and -30 <= seconds < life + 30
    try:
        verify_bearer(token, TokenRules((URL,)), AT + timedelta(seconds=seconds), ENROLLED.get)
    except TokenRefused:
        assert not good
    else:
        assert good
