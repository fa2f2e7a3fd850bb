"""The JWT with which an entity reads its own: made and signed by itself with the key of its enrolled certificate."""

import math
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import ConfigurationError
from gateway.sealing.jws import checked_payload, decoded, encoded
from gateway.sealing.keys import KeyHolder, certificate_thumbprint, jose_key, public_key_of
from gateway.sealing.refusals import SealRefused, TokenRefused

LONGEST_LIFE = 300
SKEW = 30
LARGEST_TOKEN = 16_384
_PARTS = 3
_UNREADABLE = frozenset({"crit", "b64"})

FindCertificate = Callable[[str], tuple[str, bytes] | None]
"""From the lower-case hex SHA-256 of a certificate to the entity's identifier and the certificate's PEM."""


def verify_bearer(token: str, audience: str | Collection[str], now: datetime, find_certificate: FindCertificate) -> str:
    """The identifier (BIN or IIN) of the entity that made the token; TokenRefused names what is wrong.

    The algorithm is that of the enrolled certificate's key, never the token's choice; `aud` is one string and one of
    the gateway's own addresses; `iat` and `exp` are at most 300 s apart, and 30 s of wrong clocks are allowed for.
    """
    header, claims = _read(token)
    enrolled = find_certificate(_fingerprint(header))
    if enrolled is None:
        raise TokenRefused("unknown-certificate")
    identifier, pem = enrolled
    _check_signature(token, header, pem)
    if claims.get("iss") != identifier:
        raise TokenRefused("issuer")
    addresses = {audience} if isinstance(audience, str) else set(audience)
    named = claims.get("aud")
    if not isinstance(named, str) or named.rstrip("/") not in {address.rstrip("/") for address in addresses}:
        raise TokenRefused("audience")
    _check_times(claims, now.timestamp())
    return identifier


async def make_bearer(identifier: str, audience: str, now: datetime, keys: KeyHolder, seconds: int = 240) -> str:
    """A token for one's own gateway client."""
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
        "exp": int((now + timedelta(seconds=seconds)).timestamp()),
    }
    signing_input = encoded(orjson.dumps(header)) + b"." + encoded(orjson.dumps(claims))
    return (signing_input + b"." + encoded(await keys.sign(signing_input))).decode("ascii")


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    parts = token.split(".")
    if len(token) > LARGEST_TOKEN or len(parts) != _PARTS:
        raise TokenRefused("malformed")
    try:
        decoded(parts[2])
        header, claims = (orjson.loads(decoded(part)) for part in parts[:2])
    except (SealRefused, orjson.JSONDecodeError) as error:
        raise TokenRefused("malformed") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenRefused("malformed")
    if header.get("alg") not in ("ES256", "RS256"):
        raise TokenRefused("algorithm")
    if _UNREADABLE & header.keys() or str(header.get("typ", "JWT")).upper() != "JWT":
        raise TokenRefused("header")
    return header, claims


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


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if not 0 < expires - issued <= LONGEST_LIFE:
        raise TokenRefused("lifetime")
    if issued > now + SKEW or ("nbf" in claims and _moment(claims, "nbf") > now + SKEW):
        raise TokenRefused("not-yet-valid")
    if expires <= now - SKEW:
        raise TokenRefused("expired")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenRefused("times")
    return float(value)
