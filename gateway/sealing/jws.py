"""JSON Web Signatures (RFC 7515): compact, and compact with a detached payload (appendix F).

The text is put together here around `KeyHolder.sign`, so that a key may live anywhere; reading goes through joserfc.
Every JWS has a `typ` of its own, so that one kind of seal can never be taken for another.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import ConfigurationError
from gateway.sealing.keys import (
    JoseAlgorithm,
    KeyHolder,
    algorithm_of,
    certificate_thumbprint,
    jose_key,
    public_jwk,
    public_key_of,
)
from gateway.sealing.refusals import SealRefused, SealUndetermined

LARGEST_HEADER = 4096
_PARTS = 3
_NONE: Mapping[str, datetime] = MappingProxyType({})
_MEMBERS = frozenset({"alg", "kid", "typ", "x5t#S256"})
_ALGORITHMS: tuple[JoseAlgorithm, ...] = ("ES256", "RS256")


class _Registry(jws.JWSRegistry):
    """joserfc's rules without its sizes: bodies were limited when they came in."""

    max_header_length = LARGEST_HEADER
    max_payload_length = 1 << 26


_REGISTRIES = {name: _Registry(algorithms=[name], strict_check_header=False) for name in _ALGORITHMS}


class KeySet:
    """The public keys whose seals are believed, by `kid`; every key is good for its one algorithm alone."""

    def __init__(self, keys: Mapping[str, ECKey | RSAKey], compromised: Mapping[str, datetime] = _NONE) -> None:
        self._keys = dict(keys)
        self._compromised = dict(compromised)

    @classmethod
    def from_jwks(cls, document: bytes | str | Mapping[str, Any]) -> "KeySet":
        """The keys of a JWKS; ConfigurationError when it is not one, or a `kid` is not the key's thumbprint."""
        try:
            content = document if isinstance(document, Mapping) else orjson.loads(document)
            keys = {key.thumbprint(): (key, member) for member in content["keys"] for key in [_key_of_jwk(member)]}
            revoked = {kid: _revoked_at(member) for kid, (_, member) in keys.items() if "revoked" in member}
        except (ValueError, KeyError, TypeError, OverflowError, JoseError) as error:
            raise ConfigurationError("this is not a JSON Web Key Set of P-256 or RSA keys") from error
        return cls({kid: key for kid, (key, _) in keys.items()}, revoked)

    @classmethod
    def from_certificates(cls, pems: Iterable[bytes]) -> "KeySet":
        """The key of the first certificate of each PEM text."""
        return cls(_keys_of(pems))

    @classmethod
    def of(cls, *holders: KeyHolder) -> "KeySet":
        """The public sides of key holders."""
        return cls.from_certificates(holder.certificate for holder in holders)

    def with_certificates(self, pems: Iterable[bytes], compromised: Mapping[str, datetime] = _NONE) -> "KeySet":
        """These keys, those of the certificates, and which of all are in other hands since when."""
        return KeySet({**self._keys, **_keys_of(pems)}, {**self._compromised, **compromised})

    def learn(self, pems: Iterable[bytes]) -> None:
        """Believes these certificates' keys too, from now on."""
        self._keys.update(_keys_of(pems))

    def regardless(self) -> "KeySet":
        """The same keys, for readers that judge by themselves what a compromised one sealed."""
        return KeySet(self._keys)

    def compromised_at(self, kid: str) -> datetime | None:
        """Since when the key is in other hands; None where it is not."""
        return self._compromised.get(kid)

    @property
    def kids(self) -> frozenset[str]:
        """The `kid` of every key."""
        return frozenset(self._keys)

    def __contains__(self, kid: object) -> bool:
        return kid in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def check(self, token: str, header: Mapping[str, Any], payload: bytes | None) -> bytes:
        """The payload that the token truly signs; SealRefused otherwise. `payload` is given when it is detached.

        Raises SealUndetermined where the key is in other hands: when it truly sealed can't be told from the seal.
        """
        key = self._keys.get(header["kid"])
        if key is None:
            raise SealRefused("unknown-key")
        signed = checked_payload(token, key, header["alg"], payload)
        if header["kid"] in self._compromised:
            raise SealUndetermined("compromised-key")
        return signed


def checked_payload(token: str, key: ECKey | RSAKey, algorithm: str, payload: bytes | None = None) -> bytes:
    """The payload that a token truly signs with this key; SealRefused when it does not, or names another algorithm."""
    if algorithm != algorithm_of(key.public_key):
        raise SealRefused("algorithm")
    try:
        return jws.deserialize_compact(token, key, [algorithm], _REGISTRIES[algorithm], payload).payload
    except (JoseError, ValueError, TypeError) as error:
        raise SealRefused("signature") from error


async def sign_compact(payload: bytes, keys: KeyHolder, typ: str) -> str:
    """The compact JWS over a payload."""
    signing_input = _header(keys, typ) + b"." + encoded(payload)
    return (signing_input + b"." + encoded(await keys.sign(signing_input))).decode("ascii")


async def sign_detached(payload: bytes, keys: KeyHolder, typ: str, bound: Mapping[str, str] | None = None) -> str:
    """The compact JWS with its middle part left out; `bound` adds members to the protected header."""
    header = _header(keys, typ) if not bound else _bound_header(keys, typ, bound)
    value = await keys.sign(header + b"." + encoded(payload))
    return (header + b".." + encoded(value)).decode("ascii")


def verify_compact(token: str, keys: KeySet, typ: str) -> bytes:
    """The payload of a compact JWS of this `typ`; SealRefused names what is wrong."""
    header = read_header(token, typ, frozenset())
    if token.split(".")[1] == "":
        raise SealRefused("malformed")
    return keys.check(token, header, None)


def verify_detached(
    token: str, payload: bytes, keys: KeySet, typ: str, bound: frozenset[str] = frozenset()
) -> Mapping[str, Any]:
    """The protected header of a detached JWS that truly signs the payload; it has exactly the `bound` extra members."""
    header = read_header(token, typ, bound)
    if token.split(".")[1] != "":
        raise SealRefused("malformed")
    keys.check(token, header, payload)
    return header


def read_header(token: str, typ: str, bound: frozenset[str]) -> Mapping[str, Any]:
    """The protected header, checked for form, algorithm and type, not yet for truth."""
    parts = token.split(".")
    if len(parts) != _PARTS or len(parts[0]) > LARGEST_HEADER:
        raise SealRefused("malformed")
    for part in parts:
        decoded(part)
    try:
        header = orjson.loads(decoded(parts[0]))
    except orjson.JSONDecodeError as error:
        raise SealRefused("malformed") from error
    if not isinstance(header, dict) or not all(isinstance(value, str) for value in header.values()):
        raise SealRefused("malformed")
    if header.get("alg") not in _ALGORITHMS:
        raise SealRefused("algorithm")
    if header.get("typ") != typ:
        raise SealRefused("type")
    if header.keys() != _MEMBERS | bound:
        raise SealRefused("header")
    return header


def jwks(*holders: KeyHolder) -> dict[str, list[dict[str, object]]]:
    """The JWKS document of the holders' public keys, current one first."""
    return {"keys": [dict(public_jwk(holder)) for holder in holders]}


def kid_of(token: str) -> str:
    """The `kid` that a JWS names, not checked for truth; SealRefused where it names none."""
    try:
        return str(orjson.loads(decoded(token.split(".", 1)[0]))["kid"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise SealRefused("malformed") from error


def encoded(value: bytes) -> bytes:
    """base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding; SealRefused when the text is not their one canonical form."""
    try:
        value = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise SealRefused("malformed") from error
    if encoded(value) != text.encode("ascii"):
        raise SealRefused("malformed")
    return value


def _keys_of(pems: Iterable[bytes]) -> dict[str, ECKey | RSAKey]:
    keys = [jose_key(public_key_of(pem)) for pem in pems]
    return {key.thumbprint(): key for key in keys}


def _key_of_jwk(member: object) -> ECKey | RSAKey:
    if not isinstance(member, Mapping):
        raise TypeError("a key is an object")
    public = {name: value for name, value in member.items() if name in ("kty", "crv", "x", "y", "n", "e")}
    key = RSAKey.import_key(public) if member["kty"] == "RSA" else ECKey.import_key(public)
    algorithm_of(key.public_key)
    if member.get("kid", key.thumbprint()) != key.thumbprint():
        raise ValueError("kid")
    return key


def _revoked_at(member: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(member["revoked"]["revoked_at"], UTC)


def _header(keys: KeyHolder, typ: str) -> bytes:
    return _cached_header(keys.algorithm, keys.kid, typ, certificate_thumbprint(keys.certificate))


@lru_cache(maxsize=64)
def _cached_header(algorithm: str, kid: str, typ: str, thumbprint: str) -> bytes:
    return encoded(orjson.dumps({"alg": algorithm, "kid": kid, "typ": typ, "x5t#S256": thumbprint}))


def _bound_header(keys: KeyHolder, typ: str, bound: Mapping[str, str]) -> bytes:
    members = {"alg": keys.algorithm, "kid": keys.kid, "typ": typ, "x5t#S256": certificate_thumbprint(keys.certificate)}
    return encoded(orjson.dumps({**members, **bound}))
