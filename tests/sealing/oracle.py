"""signxml, a verifier that knows nothing of this project: what is accepted here it must accept too."""

import base64
import tempfile
from datetime import datetime
from pathlib import Path

from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier


def accepted_by_signxml(root: etree._Element, anchors: bytes, at: datetime) -> bool:
    """True when signxml finds a valid signature by a certificate that leads to the anchors."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(anchors)
        return _verified(root, at, anchors=file.name)


def accepted_with_certificate(root: etree._Element, certificate: bytes, at: datetime) -> bool:
    """The same for a signer whose certificate was given beforehand."""
    return _verified(root, at, certificate=certificate.decode("ascii"))


def _verified(root: etree._Element, at: datetime, anchors: str | None = None, certificate: str | None = None) -> bool:
    copied = etree.fromstring(etree.tostring(root))
    signed = copied.find("SignedData")
    if signed is None:
        return False
    signature = signed.find("Signature")
    if signature is None:
        return False
    text = signature.text or ""
    before = signature.getprevious()
    if before is None:
        signed.text = (signed.text or "") + (signature.tail or "")
    else:
        before.tail = (before.tail or "") + (signature.tail or "")
    signature.tail = None
    signed.remove(signature)
    signed.tail = None
    try:
        XMLVerifier().verify(
            base64.b64decode(text),
            uri_resolver=lambda uri: signed if uri == "SignedData" else None,
            expect_config=SignatureConfiguration(location="./", verification_time=at),
            ca_pem_file=anchors,
            x509_cert=certificate,
        )
    except Exception:  # noqa: BLE001 - whatever it raises, it did not accept
        return False
    return True
