"""Parse, XSD, digest and signature with lxml and cryptography alone."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

DS = "{http://www.w3.org/2000/09/xmldsig#}"
HALF = 32
XSD = Path(__file__).parents[2] / "schemas" / "xsd"
SCHEMAS = {
    "fm1": XSD / "fm1" / "2025-07-10" / "doc.xsd",
    "gaming": XSD / "gaming" / "2026-01-01" / "GamingBatch.xsd",
    "metals": XSD / "precious-metals" / "2026-01-01" / "MetalsReport.xsd",
}

Judge = Callable[[bytes], etree._Element]  # noqa: SLF001 - the name under which lxml's stubs have its elements


class Refused(Exception):
    """The message is not valid, or not signed by what it says."""


def make_judge(family: str) -> Judge:
    """What parses a message, checks it against its schema and its signature, and returns its tree or raises Refused."""
    schema = etree.XMLSchema(etree.parse(str(SCHEMAS[family])))

    def judge(body: bytes) -> etree._Element:
        root = etree.fromstring(body)
        if not schema.validate(root):
            raise Refused("schema")
        check_signature(root)
        return root

    return judge


def make_parser(family: str) -> Judge:
    """The same without the signature."""
    schema = etree.XMLSchema(etree.parse(str(SCHEMAS[family])))

    def judge(body: bytes) -> etree._Element:
        root = etree.fromstring(body)
        if not schema.validate(root):
            raise Refused("schema")
        return root

    return judge


def check_signature(root: etree._Element) -> None:
    """The digest of `SignedData` without `Signature`, and the ECDSA value over `SignedInfo`; raises when wrong."""
    signed = root.find("SignedData")
    signature = root.find("SignedData/Signature")
    if signed is None or signature is None:
        raise Refused("unsigned")
    form = etree.fromstring(base64.b64decode(signature.text or ""))
    signed.remove(signature)
    digest = hashlib.sha256(etree.tostring(signed, method="c14n", exclusive=True, with_tail=False)).digest()
    information = form.find(f"{DS}SignedInfo")
    if information is None:
        raise Refused("unsigned")
    value = base64.b64decode(form.findtext(f"{DS}SignatureValue") or "")
    key = _key(form.findtext(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate") or "")
    rs = encode_dss_signature(int.from_bytes(value[:HALF], "big"), int.from_bytes(value[HALF:], "big"))
    key.verify(rs, etree.tostring(information, method="c14n", exclusive=True), ec.ECDSA(hashes.SHA256()))
    if base64.b64encode(digest).decode() != information.findtext(f"{DS}Reference/{DS}DigestValue"):
        raise Refused("digest")


def plain(element: etree._Element) -> Any:
    """An element as JSON has it: attributes and children by name, repeated ones as a list, or its text."""
    if not len(element) and not element.attrib:
        return element.text
    found: dict[str, Any] = {str(name): value for name, value in element.attrib.items()}
    for child in element:
        value = plain(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found


_KEYS: dict[str, ec.EllipticCurvePublicKey] = {}


def _key(certificate: str) -> ec.EllipticCurvePublicKey:
    """The key of a certificate (base64 of its DER), read once."""
    if certificate not in _KEYS:
        key = x509.load_der_x509_certificate(base64.b64decode(certificate)).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Refused("key")
        _KEYS[certificate] = key
    return _KEYS[certificate]
