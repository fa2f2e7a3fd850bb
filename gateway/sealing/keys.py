"""The keys that seal: one protocol with one async `sign`, and the key kept in a local file behind it."""

import base64
import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import ConfigurationError
from gateway.sealing.certificates import UNREADABLE

JoseAlgorithm = Literal["ES256", "RS256"]
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

SMALLEST_RSA_KEY = 2048
LARGEST_RSA_KEY = 8192
_COORDINATE = 32
_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """A PKCS #11 module (a shared library), the label of a token, and a file of mode 600 that holds the user's PIN."""

    module: Path
    token: str
    pin_file: Path


@dataclass(frozen=True, slots=True)
class KeyPlaces:
    """Where the gateway's keys are: the first one's files, and the token, where the private keys are on one."""

    key_file: Path
    certificate_file: Path
    token: TokenSettings | None = None


class KeyHolder(Protocol):
    """Whoever can sign without showing the key: a local file, a hardware module, a remote service.

    `kid` is the RFC 7638 thumbprint of the public key, `certificate` a PEM chain, the key's own certificate first;
    `sign` returns the raw value of JOSE: 64 bytes r || s for ES256, a PKCS #1 v1.5 value for RS256.
    """

    @property
    def kid(self) -> str: ...

    @property
    def algorithm(self) -> JoseAlgorithm: ...

    @property
    def certificate(self) -> bytes: ...

    async def sign(self, message: bytes) -> bytes: ...


class LocalKeyHolder:
    """A key held in this process: P-256 (ES256) or RSA of 2048 bits or more (RS256).

    Signatures are deterministic (RFC 6979 for ES256), so that the same facts seal to the same bytes.
    """

    def __init__(self, key: PrivateKey, certificate: bytes) -> None:
        self._key = key
        self._certificate = certificate
        self._algorithm: JoseAlgorithm = algorithm_of(key.public_key())
        self._kid = thumbprint_of(key.public_key())

    @classmethod
    def load(cls, key_path: Path, certificate_path: Path) -> "LocalKeyHolder":
        """The key of two PEM files; ConfigurationError when one is missing, loose in its mode or does not fit."""
        try:
            certificate_pem = certificate_path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
        return cls.load_with(key_path, certificate_pem)

    @classmethod
    def load_with(cls, key_path: Path, certificate_pem: bytes) -> "LocalKeyHolder":
        """The key of a PEM file with a certificate that is at hand; ConfigurationError as for `load`."""
        try:
            mode = key_path.stat().st_mode
            key_pem = key_path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigurationError(
                f"{key_path}: others may read this private key (mode {stat.S_IMODE(mode):o}); run: chmod 600 {key_path}"
            )
        return cls.from_pem(key_pem, certificate_pem)

    @classmethod
    def from_pem(cls, key_pem: bytes, certificate_pem: bytes) -> "LocalKeyHolder":
        """The key of two PEM texts; the first certificate must be the key's own, else ConfigurationError."""
        key = _load_private_key(key_pem)
        if public_key_of(certificate_pem) != key.public_key():
            raise ConfigurationError(
                "the certificate is not that of the private key; give the pair that belongs together"
            )
        return cls(key, certificate_pem)

    @property
    def kid(self) -> str:
        return self._kid

    @property
    def algorithm(self) -> JoseAlgorithm:
        return self._algorithm

    @property
    def certificate(self) -> bytes:
        return self._certificate

    async def sign(self, message: bytes) -> bytes:
        """The raw signature; made inline, since a local one takes tens of microseconds."""
        return self.sign_now(message)

    def sign_now(self, message: bytes) -> bytes:
        """The same as `sign`, for callers without an event loop."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(message, _DETERMINISTIC))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")


def algorithm_of(key: PublicKey) -> JoseAlgorithm:
    """The one JOSE algorithm a key is used with; ConfigurationError for curves and sizes that are not."""
    if isinstance(key, rsa.RSAPublicKey):
        if SMALLEST_RSA_KEY <= key.key_size <= LARGEST_RSA_KEY:
            return "RS256"
        raise ConfigurationError(f"an RSA key of {key.key_size} bits is not used; take 2048 to 8192 bits")
    if isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    raise ConfigurationError(f"the curve {key.curve.name} is not used; take P-256")


def thumbprint_of(key: PublicKey) -> str:
    """The RFC 7638 thumbprint (SHA-256, base64url) of a public key."""
    return jose_key(key).thumbprint()


def kid_of_certificate(certificate_pem: bytes) -> str:
    """The `kid` of the first certificate's key; ConfigurationError when it is of no kind that seals."""
    key = public_key_of(certificate_pem)
    algorithm_of(key)
    return thumbprint_of(key)


def jose_key(key: PublicKey) -> ECKey | RSAKey:
    """The public key as joserfc knows it."""
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return RSAKey.import_key(pem) if isinstance(key, rsa.RSAPublicKey) else ECKey.import_key(pem)


def public_key_of(certificate_pem: bytes) -> PublicKey:
    """The public key of the first certificate of a PEM text; ConfigurationError when it can't be had."""
    try:
        key = x509.load_pem_x509_certificates(certificate_pem)[0].public_key()
    except UNREADABLE as error:
        raise ConfigurationError("no certificate of a known kind is in the PEM text") from error
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise ConfigurationError("the certificate's key is neither P-256 nor RSA")
    return key


@lru_cache(maxsize=64)
def certificate_thumbprint(certificate_pem: bytes) -> str:
    """The `x5t#S256` of the first certificate of a PEM text: SHA-256 of its DER, base64url without padding."""
    der = x509.load_pem_x509_certificates(certificate_pem)[0].public_bytes(serialization.Encoding.DER)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode("ascii")


def public_jwk(keys: KeyHolder) -> Mapping[str, object]:
    """The holder's public key as a JWK with `kid`, `alg`, `use`, `x5c` and `x5t#S256`."""
    return jwk_of_certificate(keys.certificate)


@lru_cache(maxsize=64)
def jwk_of_certificate(certificate_pem: bytes) -> Mapping[str, object]:
    """The key of a PEM chain's first certificate as a JWK with `kid`, `alg`, `use`, `x5c` and `x5t#S256`."""
    key = public_key_of(certificate_pem)
    chain = x509.load_pem_x509_certificates(certificate_pem)
    ders = (certificate.public_bytes(serialization.Encoding.DER) for certificate in chain)
    return MappingProxyType(
        {
            **jose_key(key).as_dict(private=False),
            "kid": thumbprint_of(key),
            "alg": algorithm_of(key),
            "use": "sig",
            "x5c": [base64.b64encode(der).decode("ascii") for der in ders],
            "x5t#S256": certificate_thumbprint(certificate_pem),
        }
    )


def _load_private_key(pem: bytes) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise ConfigurationError("the private key is encrypted; give it unencrypted in a file of mode 600") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError("no private key of a known kind is in the PEM text") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ConfigurationError("the private key is neither P-256 nor RSA")
    return key
