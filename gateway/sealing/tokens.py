"""The JWT with which an entity reads its own: made and signed by itself with the key of its enrolled certificate."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import ConfigurationError
from gateway.sealing.certificates import describe
from gateway.sealing.jws import checked_payload, decoded, encoded
from gateway.sealing.keys import KeyHolder, certificate_thumbprint, jose_key, public_key_of
from gateway.sealing.refusals import SealRefused, TokenRefused

LONGEST_LIFE = 300
SKEW = 30
LARGEST_TOKEN = 16_384
LONGEST_ID = 255
ALGORITHMS = ("ES256", "RS256")
_PARTS = 3
_LIFE = timedelta(minutes=4)
_FARTHEST = 2**53
_NOT_FOLLOWED = frozenset({"crit", "b64", "jwk", "jku", "x5u", "zip", "enc"})
"""Header members that ask the reader to take a key, or a way of reading, from the token itself."""

FindCertificate = Callable[[str], tuple[str, bytes] | None]
"""From the lower-case hex SHA-256 of a certificate to the holder's identifier and the certificate's PEM."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must keep to: the gateway's own addresses, and seconds of life and of wrong clocks."""

    audiences: tuple[str, ...]
    longest_life: int = LONGEST_LIFE
    skew: int = SKEW


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who made a token: the identifier, and the lower-case hex SHA-256 of the enrolled certificate it is bound to.

    `token_id` is its `jti`, None where it has none; `spent_until` is when the token holds no more, whatever the clocks.
    """

    identifier: str
    fingerprint: str
    token_id: str | None
    spent_until: datetime


def verify_bearer(token: str, rules: TokenRules, now: datetime, find_certificate: FindCertificate) -> Bearer:
    """Who made the token; TokenRefused names what is wrong.

    The algorithm is that of the enrolled certificate's key, never the token's choice, and no key is taken from the
    token. `aud` is one string or several (RFC 7519, 4.1.3), one of them an address of the gateway. No member may
    stand twice. The certificate must hold at this moment.
    """
    header, claims = _read(token)
    fingerprint = _fingerprint(header)
    enrolled = find_certificate(fingerprint)
    if enrolled is None:
        raise TokenRefused("unknown-certificate")
    identifier, pem = enrolled
    _check_signature(token, header, pem)
    if not holds_at(pem, now):
        raise TokenRefused("certificate-out-of-date")
    if claims.get("iss") != identifier:
        raise TokenRefused("issuer")
    _check_audience(claims.get("aud"), rules.audiences)
    expires = _check_times(claims, now.timestamp(), rules)
    spent_until = datetime.fromtimestamp(expires + rules.skew, UTC)
    return Bearer(identifier, fingerprint, _token_id(claims), spent_until)


async def make_bearer(identifier: str, audience: str, now: datetime, keys: KeyHolder, token_id: str = "") -> str:
    """A token for one's own gateway client, good for four minutes; with a `token_id` it changes something once."""
    header = {
        "alg": keys.algorithm,
        "typ": "JWT",
        "kid": keys.kid,
        "x5t#S256": certificate_thumbprint(keys.certificate),
    }
    claims = {
        "iss": identifier,
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + _LIFE).timestamp()),
        **({"jti": token_id} if token_id else {}),
    }
    signing_input = encoded(orjson.dumps(header)) + b"." + encoded(orjson.dumps(claims))
    return (signing_input + b"." + encoded(await keys.sign(signing_input))).decode("ascii")


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    parts = token.split(".")
    if len(token) > LARGEST_TOKEN or len(parts) != _PARTS:
        raise TokenRefused("malformed")
    try:
        decoded(parts[2])
        header, claims = (_object(decoded(part)) for part in parts[:2])
    except SealRefused as error:
        raise TokenRefused("malformed") from error
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("algorithm")
    if _NOT_FOLLOWED & header.keys() or str(header.get("typ", "JWT")).upper() != "JWT":
        raise TokenRefused("header")
    return header, claims


def _object(text: bytes) -> dict[str, Any]:
    """The JSON object; readers differ in which of two members of one name they take, so neither is."""
    try:
        # orjson says what is JSON and bounds its depth; only the standard library tells of a name that stands twice
        orjson.loads(text)
        content = json.loads(text.decode("utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise TokenRefused("malformed") from error
    if not isinstance(content, dict):
        raise TokenRefused("malformed")
    return content


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TokenRefused("member-twice")
    return members


def _check_audience(named: object, audiences: tuple[str, ...]) -> None:
    several = [named] if isinstance(named, str) else named
    if not isinstance(several, list) or not all(isinstance(each, str) for each in several):
        raise TokenRefused("audience")
    if {each.rstrip("/") for each in several}.isdisjoint(address.rstrip("/") for address in audiences):
        raise TokenRefused("audience")


def _token_id(claims: Mapping[str, Any]) -> str | None:
    if "jti" not in claims:
        return None
    token_id = claims["jti"]
    if not isinstance(token_id, str) or not 0 < len(token_id) <= LONGEST_ID:
        raise TokenRefused("token-id")
    return token_id


def _fingerprint(header: Mapping[str, Any]) -> str:
    thumbprint = header.get("x5t#S256")
    if not isinstance(thumbprint, str):
        raise TokenRefused("certificate-not-named")
    try:
        return decoded(thumbprint).hex()
    except SealRefused as error:
        raise TokenRefused("malformed") from error


def _check_signature(token: str, header: Mapping[str, Any], pem: bytes) -> None:
    try:
        _check_truth(token, header["alg"], pem)
    except SealRefused as refusal:
        raise TokenRefused(refusal.reason) from refusal
    except ConfigurationError as error:
        raise TokenRefused("key") from error


@lru_cache(maxsize=256)
def _check_truth(token: str, algorithm: str, pem: bytes) -> None:
    """Raises SealRefused unless the key signed the token; a true signature stays true, so it is remembered."""
    checked_payload(token, _key_of(pem), algorithm)


@lru_cache(maxsize=1024)
def _key_of(pem: bytes) -> ECKey | RSAKey:
    return jose_key(public_key_of(pem))


@lru_cache(maxsize=1024)
def _validity_of(pem: bytes) -> tuple[datetime, datetime]:
    facts = describe(pem)[0]
    return facts.not_before, facts.not_after


def holds_at(pem: bytes, at: datetime) -> bool:
    """Whether the moment lies in the certificate's interval."""
    since, until = _validity_of(pem)
    return since <= at <= until


def _check_times(claims: Mapping[str, Any], now: float, rules: TokenRules) -> float:
    """The moment at which it expires, in seconds since 1970."""
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if not 0 < expires - issued <= rules.longest_life:
        raise TokenRefused("lifetime")
    if issued > now + rules.skew or ("nbf" in claims and _moment(claims, "nbf") > now + rules.skew):
        raise TokenRefused("not-yet-valid")
    if expires <= now - rules.skew:
        raise TokenRefused("expired")
    return expires


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _FARTHEST:
        raise TokenRefused("times")
    return float(value)
