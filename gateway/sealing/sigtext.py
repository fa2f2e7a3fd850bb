"""The one way in which `ds:Signature` is written here; others who write it so are read without a parser."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from gateway.sealing.algorithms import ALGORITHMS, DSIG, EXCLUSIVE_C14N, SignatureAlgorithm

_OPENING = f'<ds:Signature xmlns:ds="{DSIG}">'
_INFO_END = "</ds:DigestValue></ds:Reference></ds:SignedInfo>"
_BETWEEN_CERTIFICATES = b"</ds:X509Certificate><ds:X509Certificate>"
_BASE64 = "[A-Za-z0-9+/]++={0,2}+"
_REST = re.compile(
    (
        f"({_BASE64}){_INFO_END}<ds:SignatureValue>({_BASE64})</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
        f"<ds:X509Certificate>({_BASE64}(?:{_BETWEEN_CERTIFICATES.decode()}{_BASE64})*)</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></ds:Signature>"
    ).encode("ascii")
)


@dataclass(frozen=True, slots=True)
class WrittenSignature:
    """The parts of a `ds:Signature`: the algorithm, canonical `SignedInfo`, and base64 that is yet to be checked."""

    algorithm: SignatureAlgorithm
    signed_info: bytes
    digest: bytes
    value: bytes
    certificates: tuple[bytes, ...]


def signed_info(algorithm: SignatureAlgorithm, digest: str) -> bytes:
    """The canonical `SignedInfo` over a digest in base64: the bytes that are signed."""
    return (_info_head(algorithm, f' xmlns:ds="{DSIG}"') + digest + _INFO_END).encode("ascii")


def written(algorithm: SignatureAlgorithm, digest: str, value: bytes, certificates: Iterable[bytes]) -> bytes:
    """The whole `ds:Signature`; certificates in DER."""
    ders = _BETWEEN_CERTIFICATES.join(base64.b64encode(der) for der in certificates)
    return (
        (_OPENING + _info_head(algorithm) + digest + _INFO_END).encode("ascii")
        + b"<ds:SignatureValue>"
        + base64.b64encode(value)
        + b"</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
        + ders
        + b"</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )


def read_written(source: bytes) -> WrittenSignature | None:
    """The parts of a `ds:Signature` written to the letter as here, empty elements in either form; None otherwise."""
    for head, (algorithm, canonical_head) in _HEADS.items():
        if source.startswith(head):
            rest = _REST.fullmatch(source, len(head))
            if rest is None:
                return None
            return WrittenSignature(
                algorithm,
                canonical_head + rest[1] + _INFO_END.encode("ascii"),
                rest[1],
                rest[2],
                tuple(rest[3].split(_BETWEEN_CERTIFICATES)),
            )
    return None


def _info_head(algorithm: SignatureAlgorithm, declaration: str = "", *, short: bool = False) -> str:
    def empty(name: str, uri: str) -> str:
        return f'<ds:{name} Algorithm="{uri}"' + ("/>" if short else f"></ds:{name}>")

    return (
        f"<ds:SignedInfo{declaration}>"
        + empty("CanonicalizationMethod", EXCLUSIVE_C14N)
        + empty("SignatureMethod", algorithm.uri)
        + '<ds:Reference URI="SignedData"><ds:Transforms>'
        + empty("Transform", EXCLUSIVE_C14N)
        + "</ds:Transforms>"
        + empty("DigestMethod", algorithm.digest_uri)
        + "<ds:DigestValue>"
    )


_HEADS = MappingProxyType(
    {
        (_OPENING + _info_head(algorithm, short=short)).encode("ascii"): (
            algorithm,
            _info_head(algorithm, f' xmlns:ds="{DSIG}"').encode("ascii"),
        )
        for short in (False, True)
        for algorithm in ALGORITHMS.values()
    }
)
