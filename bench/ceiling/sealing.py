"""One ES256 signature a message, and for a message of many items a Merkle path in each of their records."""

import base64
import hashlib
from collections.abc import Sequence

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

HALF = 32
HEADER = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"bare","typ":"bare+jws"}').rstrip(b"=")


class Signer:
    """A P-256 key that lives as long as the program."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """What verifies."""
        return self._key.public_key()

    def sign(self, facts: object) -> bytes:
        """The compact JWS over facts as JSON."""
        text = HEADER + b"." + _encoded(orjson.dumps(facts))
        r, s = decode_dss_signature(self._key.sign(text, ec.ECDSA(hashes.SHA256())))
        return text + b"." + _encoded(r.to_bytes(HALF, "big") + s.to_bytes(HALF, "big"))


def check_seal(seal: bytes, payload: bytes | None, key: ec.EllipticCurvePublicKey) -> None:
    """Raises unless the compact JWS is true; a detached one is over `payload`."""
    header, middle, value = seal.split(b".")
    raw = base64.urlsafe_b64decode(value + b"==")
    rs = encode_dss_signature(int.from_bytes(raw[:HALF], "big"), int.from_bytes(raw[HALF:], "big"))
    text = header + b"." + (middle or _encoded(payload or b""))
    key.verify(rs, text, ec.ECDSA(hashes.SHA256()))


def merkle(values: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """The root over values, and for each of them its audit path; a lone node goes up as it is."""
    level = [hashlib.sha256(b"\x00" + value).digest() for value in values]
    places = list(range(len(level)))
    paths = [b""] * len(level)
    while len(level) > 1:
        for leaf, place in enumerate(places):
            beside = place ^ 1
            if beside < len(level):
                paths[leaf] += level[beside]
            places[leaf] = place >> 1
        whole = len(level) & ~1
        above = [hashlib.sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in range(0, whole, 2)]
        level = above + level[whole:]
    return level[0], paths


def _encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")
