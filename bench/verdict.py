"""The verdict of one FM-1 against bare lxml: parse, signature, XSD on the same documents in the same run."""

import base64
import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from bench.messages import Corpus
from gateway.model import Circumstances
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import verify_signature
from validators.judge import judge
from validators.parsing import parse
from validators.profiles import ProfileBook

DS = "{http://www.w3.org/2000/09/xmldsig#}"


@dataclass(frozen=True)
class VerdictFigures:
    """Messages a second: the gateway's verdict, the bare libraries', and the ratio; medians of `repeats` runs."""

    gateway_per_second: float
    bare_per_second: float
    ratio: float
    repeats: int
    documents: int

    def facts(self) -> dict[str, float]:
        return asdict(self)


def measure(corpus: Corpus, at: datetime, repeats: int) -> VerdictFigures:
    """The two are run by turns, so that the machine's moods hit both."""
    trust = TrustStore([corpus.anchor])
    profiles = ProfileBook.load()
    circumstances = Circumstances(at, "093")

    def ours(body: bytes) -> None:
        message = parse(body)
        verify_signature(message.root, trust, at)
        assert judge(message, circumstances, profiles).verdict.stands

    bare = _bare()
    rates: tuple[list[float], list[float]] = ([], [])
    _rate(ours, corpus.bodies[:50])
    _rate(bare, corpus.bodies[:50])
    for _ in range(repeats):
        for step, seen in zip((ours, bare), rates, strict=True):
            seen.append(_rate(step, corpus.bodies))
    gateway, floor = (statistics.median(seen) for seen in rates)
    return VerdictFigures(gateway, floor, gateway / floor, repeats, len(corpus.bodies))


def _rate(step: Callable[[bytes], None], bodies: Sequence[bytes]) -> float:
    started = time.perf_counter()
    for body in bodies:
        step(body)
    return len(bodies) / (time.perf_counter() - started)


def _bare() -> Callable[[bytes], None]:
    """Parse, XSD, digest and signature value with lxml and cryptography alone: no limits, no codes, no rules."""
    place = Path(str(files("schemas") / "xsd" / "fm1" / "2025-07-10" / "doc.xsd"))
    schema = etree.XMLSchema(etree.parse(str(place)))

    def check(body: bytes) -> None:
        root = etree.fromstring(body)
        assert schema.validate(root)
        signed = root.find("SignedData")
        signature = root.find("SignedData/Signature")
        assert signed is not None
        assert signature is not None
        form = etree.fromstring(base64.b64decode(signature.text or ""))
        signed.remove(signature)
        digest = hashlib.sha256(etree.tostring(signed, method="c14n", exclusive=True, with_tail=False)).digest()
        information = form.find(f"{DS}SignedInfo")
        assert information is not None
        value = base64.b64decode(form.findtext(f"{DS}SignatureValue") or "")
        der = base64.b64decode(form.findtext(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate") or "")
        key = x509.load_der_x509_certificate(der).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        rs = encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
        key.verify(rs, etree.tostring(information, method="c14n", exclusive=True), ec.ECDSA(hashes.SHA256()))
        assert base64.b64encode(digest).decode() == information.findtext(f"{DS}Reference/{DS}DigestValue")

    return check
