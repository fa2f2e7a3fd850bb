"""Tokens that try to be believed, as a table (token_attacks.toml), and what no table of JSON texts can hold."""

import base64
import hmac
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.sealing.certificates import fingerprint_of
from gateway.sealing.refusals import TokenRefused
from gateway.sealing.tokens import LARGEST_TOKEN, Bearer, TokenRules, verify_bearer
from tests.sealing.kit import AT, DAY, Certificate, key, leaf, person, raw_signature, root

URL = "http://127.0.0.1:8080"
BIN = "230941821107"
OTHER = Certificate(person(), "p256:other-entity", root())
ENROLLED = {fingerprint_of(each.der): (BIN, each.pem) for each in (leaf(), leaf("rsa2048"))}
TABLE = tomllib.loads(Path(__file__).with_name("token_attacks.toml").read_text("utf-8"))
CASES: dict[str, dict[str, str]] = TABLE["case"]


SECRETS = {"hmac-pem": leaf().pem, "hmac-der": leaf().der, "hmac-empty": b""}
FIXED = {"none": b"", "zeros": bytes(64)}


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def thumbprint(certificate: Certificate) -> str:
    return encoded(bytes.fromhex(fingerprint_of(certificate.der)))


def filled(text: str) -> str:
    now = int(AT.timestamp())
    text = re.sub(r"\$N([+-]\d+)", lambda found: str(now + int(found[1])), text)
    for mark, value in {
        "$N": str(now),
        "$T": thumbprint(leaf()),
        "$R": thumbprint(leaf("rsa2048")),
        "$O": thumbprint(OTHER),
        "$U": URL,
        "$B": BIN,
    }.items():
        text = text.replace(mark, value)
    return text


def signature(how: str, message: bytes) -> bytes:
    if how in SECRETS:
        return hmac.digest(SECRETS[how], message, "sha256")
    if how in FIXED:
        return FIXED[how]
    if how == "der":
        signer: Any = key(leaf().key)
        return bytes(signer.sign(message, ec.ECDSA(hashes.SHA256())))
    return raw_signature({"own": leaf().key, "rsa": leaf("rsa2048").key, "other": OTHER.key}[how], message)


def token_of(header: str, claims: str, sign: str = "own") -> str:
    text = f"{encoded(filled(header).encode())}.{encoded(filled(claims).encode())}"
    return f"{text}.{encoded(signature(sign, text.encode()))}"


def verified(token: str) -> Bearer:
    return verify_bearer(token, TokenRules((URL,)), AT, ENROLLED.get)


def refused(token: str) -> str:
    with pytest.raises(TokenRefused) as refusal:
        verified(token)
    return refusal.value.reason


@pytest.mark.parametrize("name", CASES)
def test_each_token_of_the_table_is_accepted_or_refused_by_name(name: str) -> None:
    case = {**TABLE["usual"], **CASES[name]}
    token = token_of(case["header"], case["claims"], case["sign"])
    if "reason" in case:
        assert refused(token) in case["reason"].split("|")
    else:
        assert verified(token).identifier == BIN


def test_what_was_signed_stands_for_itself_alone() -> None:
    header, claims, _ = token_of(**TABLE["usual"]).split(".")
    other = encoded(filled('{"iss":"$B","aud":"$U","iat":$N,"exp":$N+299}').encode())
    value = token_of(**TABLE["usual"]).split(".")[2]
    assert refused(f"{header}.{other}.{value}") == "signature"
    assert refused(f"{header}.{claims}.{value[:-2]}") in ("signature", "malformed")


@pytest.mark.parametrize("change", [lambda part: f"{part}=", lambda part: f"{part}\n", lambda part: f"{part[:-1]}+"])
def test_base64_of_another_form_is_refused(change: Any) -> None:
    parts = token_of(**TABLE["usual"]).split(".")
    for place in range(3):
        changed = [change(part) if at == place else part for at, part in enumerate(parts)]
        assert refused(".".join(changed)) in ("malformed", "signature")


def test_a_json_text_in_another_encoding_is_refused() -> None:
    claims = encoded(filled(TABLE["usual"]["claims"]).encode("utf-16"))
    header = encoded(filled(TABLE["usual"]["header"]).encode())
    text = f"{header}.{claims}"
    assert refused(f"{text}.{encoded(signature('own', text.encode()))}") == "malformed"


@pytest.mark.parametrize("depth", [1_500, 5_000])
def test_a_text_as_deep_as_it_is_long_costs_nothing_but_a_refusal(depth: int) -> None:
    claims = '{"iss":"$B","aud":"$U","iat":$N,"exp":$N+300,"x":' + "[" * depth + "]" * depth + "}"
    token = token_of(TABLE["usual"]["header"], claims)
    assert len(token) <= LARGEST_TOKEN
    assert refused(token) == "malformed"


def test_a_token_longer_than_any_is_refused_unread() -> None:
    claims = filled(TABLE["usual"]["claims"])[:-1] + ',"x":"' + "a" * LARGEST_TOKEN + '"}'
    assert refused(token_of(TABLE["usual"]["header"], claims)) == "malformed"


def test_a_token_by_a_certificate_out_of_its_time_is_refused() -> None:
    rules = TokenRules((URL,))
    for moment in (leaf().until + DAY, leaf().since - DAY):
        now = int(moment.timestamp())
        claims = f'{{"iss":"{BIN}","aud":"{URL}","iat":{now},"exp":{now + 300}}}'
        with pytest.raises(TokenRefused) as refusal:
            verify_bearer(token_of(TABLE["usual"]["header"], claims), rules, moment, ENROLLED.get)
        assert refusal.value.reason == "certificate-out-of-date"


def test_how_far_clocks_may_differ_is_a_setting() -> None:
    token = token_of(**TABLE["usual"])
    late = AT + timedelta(seconds=310)
    assert verify_bearer(token, TokenRules((URL,), skew=11), late, ENROLLED.get).identifier == BIN
    with pytest.raises(TokenRefused) as refusal:
        verify_bearer(token, TokenRules((URL,), skew=10), late, ENROLLED.get)
    assert refusal.value.reason == "expired"


def test_a_bearer_tells_to_which_certificate_it_is_bound_and_until_when_its_id_counts() -> None:
    case = {**TABLE["usual"], **CASES["with-an-id"]}
    bearer = verified(token_of(case["header"], case["claims"]))
    assert bearer == Bearer(BIN, fingerprint_of(leaf().der), "a", AT + timedelta(seconds=330))
