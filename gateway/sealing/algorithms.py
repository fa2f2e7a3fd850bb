"""The algorithms of an XML signature: one row a `SignatureMethod` that is accepted, a name for each that is refused.

A further algorithm, such as GOST 34.10-2015, is one more row of `ALGORITHMS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.sealing.keys import LARGEST_RSA_KEY, SMALLEST_RSA_KEY, JoseAlgorithm, PublicKey
from gateway.sealing.refusals import SignatureOutsideProfile, SignatureWrong

DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"
DSIG_11 = "http://www.w3.org/2009/xmldsig11#"
GOST = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
ECDSA_SHA256 = f"{MORE}ecdsa-sha256"
RSA_SHA256 = f"{MORE}rsa-sha256"
SHA256 = f"{ENCRYPTION}sha256"

_COORDINATE = 32
_ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """One accepted way to sign: its digest's URI, the JOSE name of its key, and the check of a value.

    `verify(key, value, message)` raises SignatureOutsideProfile when key or value are of the wrong kind and
    SignatureWrong when the value is not true.
    """

    uri: str
    digest_uri: str
    jose: JoseAlgorithm
    verify: Callable[[PublicKey, bytes, bytes], None]


def _verify_ecdsa(key: PublicKey, value: bytes, message: bytes) -> None:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureOutsideProfile("key-of-another-algorithm")
    if not isinstance(key.curve, ec.SECP256R1):
        raise SignatureOutsideProfile("curve")
    if len(value) != 2 * _COORDINATE:
        raise SignatureOutsideProfile("signature-value-length")
    r = int.from_bytes(value[:_COORDINATE], "big")
    s = int.from_bytes(value[_COORDINATE:], "big")
    if not (0 < r < _ORDER_P256 and 0 < s < _ORDER_P256):
        raise SignatureOutsideProfile("signature-value-range")
    try:
        key.verify(encode_dss_signature(r, s), message, _ECDSA)
    except InvalidSignature as error:
        raise SignatureWrong("signature-value") from error


def _verify_rsa(key: PublicKey, value: bytes, message: bytes) -> None:
    if not isinstance(key, rsa.RSAPublicKey):
        raise SignatureOutsideProfile("key-of-another-algorithm")
    if key.key_size < SMALLEST_RSA_KEY:
        raise SignatureOutsideProfile("short-rsa-key")
    if key.key_size > LARGEST_RSA_KEY:
        raise SignatureOutsideProfile("long-rsa-key")
    if len(value) != (key.key_size + 7) // 8:
        raise SignatureOutsideProfile("signature-value-length")
    try:
        key.verify(value, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise SignatureWrong("signature-value") from error


ALGORITHMS: Mapping[str, SignatureAlgorithm] = MappingProxyType(
    {
        row.uri: row
        for row in (
            SignatureAlgorithm(ECDSA_SHA256, SHA256, "ES256", _verify_ecdsa),
            SignatureAlgorithm(RSA_SHA256, SHA256, "RS256", _verify_rsa),
        )
    }
)

REFUSED_METHODS: Mapping[str, str] = MappingProxyType(
    {
        f"{DSIG}rsa-sha1": "rsa-sha1",
        f"{DSIG}dsa-sha1": "dsa",
        f"{DSIG_11}dsa-sha256": "dsa",
        f"{DSIG}hmac-sha1": "hmac",
        f"{MORE}rsa-md5": "rsa-md5",
        f"{MORE}ecdsa-sha1": "ecdsa-sha1",
        f"{GOST}gostr34102015-gostr34112015-512": "gost-not-yet",
        **{f"{MORE}hmac-{digest}": "hmac" for digest in ("md5", "sha224", "sha256", "sha384", "sha512", "ripemd160")},
        **{f"{MORE}{name}": name for name in ("rsa-sha224", "rsa-sha384", "rsa-sha512", "rsa-ripemd160")},
        **{f"{MORE}{name}": name for name in ("ecdsa-sha224", "ecdsa-sha384", "ecdsa-sha512")},
        **{
            f"{MORE_2007}{digest}-rsa-MGF1": "rsa-pss"
            for digest in (
                "sha1",
                "sha224",
                "sha256",
                "sha384",
                "sha512",
                "sha3-224",
                "sha3-256",
                "sha3-384",
                "sha3-512",
            )
        },
        f"{MORE_2007}rsa-pss": "rsa-pss",
    }
)

REFUSED_DIGESTS: Mapping[str, str] = MappingProxyType(
    {
        f"{DSIG}sha1": "digest-sha1",
        f"{MORE}md5": "digest-md5",
        f"{MORE}sha224": "digest-sha224",
        f"{MORE}sha384": "digest-sha384",
        f"{ENCRYPTION}sha512": "digest-sha512",
        f"{ENCRYPTION}ripemd160": "digest-ripemd160",
        f"{GOST}gostr34112015-512": "digest-gost-not-yet",
    }
)

REFUSED_TRANSFORMS: Mapping[str, str] = MappingProxyType(
    {
        f"{DSIG}enveloped-signature": "transform-enveloped",
        f"{DSIG}base64": "transform-base64",
        "http://www.w3.org/TR/1999/REC-xpath-19991116": "transform-xpath",
        "http://www.w3.org/2002/06/xmldsig-filter2": "transform-xpath-filter",
        "http://www.w3.org/TR/1999/REC-xslt-19991116": "transform-xslt",
        INCLUSIVE_C14N: "transform-inclusive-c14n",
        f"{INCLUSIVE_C14N}#WithComments": "transform-with-comments",
        INCLUSIVE_C14N_11: "transform-inclusive-c14n",
        f"{INCLUSIVE_C14N_11}#WithComments": "transform-with-comments",
        f"{EXCLUSIVE_C14N}WithComments": "transform-with-comments",
    }
)
