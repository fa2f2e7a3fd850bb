"""The one fixed shape of `ds:Signature`: read into a frozen object, or refused by name; nothing is interpreted."""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree

from gateway.sealing.algorithms import (
    ALGORITHMS,
    DSIG,
    EXCLUSIVE_C14N,
    REFUSED_DIGESTS,
    REFUSED_METHODS,
    REFUSED_TRANSFORMS,
    SignatureAlgorithm,
)
from gateway.sealing.canonical import canonical
from gateway.sealing.refusals import SignatureOutsideProfile
from gateway.sealing.sigtext import read_written
from validators.apart import apart
from validators.scanning import blanks_are_usual

LARGEST_SIGNATURE = 65_536
MOST_CERTIFICATES = 6
_DIGEST_LENGTH = 32
_WHITE_SPACE = b" \t\r\n"
_DECLARATION = re.compile(
    rb"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:\"1\.0\"|'1\.0')"
    rb"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:\"(?i:utf-8)\"|'(?i:utf-8)'))?"
    rb"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:\"(?:yes|no)\"|'(?:yes|no)'))?[ \t\r\n]*\?>"
)
_MARKUP: Mapping[bytes, str] = MappingProxyType(
    {b"<!--": "comment", b"<!DOCTYPE": "dtd", b"<![CDATA[": "cdata", b"<!": "markup", b"<?": "processing-instruction"}
)
_ELEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "KeyValue": "key-value",
        "DEREncodedKeyValue": "key-value",
        "KeyName": "key-name",
        "RetrievalMethod": "retrieval-method",
        "KeyInfoReference": "retrieval-method",
        "PGPData": "pgp-data",
        "SPKIData": "spki-data",
        "MgmtData": "mgmt-data",
        "Object": "object",
        "Manifest": "manifest",
        "HMACOutputLength": "hmac-output-length",
        "RSAPSSParams": "rsa-pss",
        "InclusiveNamespaces": "inclusive-namespaces",
        "XPath": "transform-xpath",
        "X509IssuerSerial": "x509-issuer-serial",
        "X509SubjectName": "x509-subject-name",
        "X509SKI": "x509-ski",
        "X509CRL": "x509-crl",
        "X509Digest": "x509-digest",
    }
)
_REPEATABLE: Mapping[str, str] = MappingProxyType(
    {
        "Reference": "several-references",
        "Transform": "several-transforms",
        "X509Data": "several-x509-data",
        "KeyInfo": "several-key-infos",
        "SignedInfo": "several-signed-infos",
    }
)
_NO_ATTRIBUTES: list[tuple[str, str]] = []
_REFERENCE_ATTRIBUTES = [("URI", "SignedData")]
_IDENTIFIERS = frozenset({"Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id"})
_ROOT = f"{{{DSIG}}}Signature"
_CERTIFICATE = f"{{{DSIG}}}X509Certificate"
_SHAPE: Mapping[str, list[str]] = MappingProxyType(
    {
        f"{{{DSIG}}}{parent}": [f"{{{DSIG}}}{name}" for name in names.split()]
        for parent, names in {
            "Signature": "SignedInfo SignatureValue KeyInfo",
            "SignedInfo": "CanonicalizationMethod SignatureMethod Reference",
            "Reference": "Transforms DigestMethod DigestValue",
            "Transforms": "Transform",
            "KeyInfo": "X509Data",
        }.items()
    }
)
_NAMES = sorted({tag.rpartition("}")[2] for parent, children in _SHAPE.items() for tag in (parent, *children)})
_TAGS = re.compile(rb"<([^>]*)")
_USUAL_TAG = re.compile(
    (
        rf"""/?(?:ds:|dsig:)?(?:{"|".join([*_NAMES, "X509Certificate"])})"""
        rf"""(?:[ \t\r\n]+(?:xmlns(?::ds|:dsig)?=["']{re.escape(DSIG)}["']|(?:Algorithm|URI)=["'][^<>"'&]*["']))*"""
        r"[ \t\r\n]*/?"
    ).encode("ascii")
)
_ENTITY = re.compile(rb"&(?!#)")


@dataclass(frozen=True, slots=True)
class SignatureForm:
    """What a `ds:Signature` says: canonical `SignedInfo`, algorithm, digest, value, and certificates (DER)."""

    signed_info: bytes
    algorithm: SignatureAlgorithm
    digest: bytes
    value: bytes
    certificates: tuple[bytes, ...]


def read_form(text: str) -> SignatureForm:
    """The signature inside the base64 text of `Signature`; SignatureOutsideProfile for all that is not the profile."""
    source = base64_value(text, "signature-base64")
    if len(source) > LARGEST_SIGNATURE:
        raise SignatureOutsideProfile("signature-too-large")
    return _form_as_written(source) or _form_with_parser(source)


def _form_as_written(source: bytes) -> SignatureForm | None:
    """What the parser would make of a signature that is written as this gateway writes it; None for all others."""
    parts = read_written(source)
    if parts is None or len(parts.certificates) > MOST_CERTIFICATES:
        return None
    digest = _canonical_base64(parts.digest)
    value = _canonical_base64(parts.value)
    certificates = tuple(der for each in parts.certificates if (der := _canonical_base64(each)))
    if not digest or len(digest) != _DIGEST_LENGTH or not value or len(certificates) < len(parts.certificates):
        return None
    return SignatureForm(parts.signed_info, parts.algorithm, digest, value, certificates)


def _form_with_parser(source: bytes) -> SignatureForm:
    body = _without_declaration(source)
    return _form(body) if _is_usual(body) else apart(lambda: _form(body))


def _form(body: bytes) -> SignatureForm:
    signature = _parsed(body)
    if signature.tag != _ROOT:
        raise SignatureOutsideProfile("structure")
    signed_info, value, key_info = _children(signature)
    algorithm, digest = _read_signed_info(signed_info)
    return SignatureForm(
        signed_info=canonical(signed_info),
        algorithm=algorithm,
        digest=digest,
        value=base64_value(_text(value), "signature-value-base64"),
        certificates=_read_certificates(key_info),
    )


def _is_usual(body: bytes) -> bool:
    """Whether libxml2 may read this in a thread that lives on: what it would remember is known beforehand."""
    tags = set(_TAGS.findall(body))
    return all(map(_USUAL_TAG.fullmatch, tags)) and not _ENTITY.search(body) and blanks_are_usual(body)


def base64_value(text: str, reason: str) -> bytes:
    """The bytes of base64 that may hold white space; refused for `reason` unless canonical and not empty."""
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise SignatureOutsideProfile(reason) from error
    value = _canonical_base64(raw) or _canonical_base64(raw.translate(None, _WHITE_SPACE))
    if not value:
        raise SignatureOutsideProfile(reason)
    return value


def _canonical_base64(raw: bytes) -> bytes | None:
    """The bytes of base64 when this is the one way to write them, without white space; None otherwise."""
    try:
        value = binascii.a2b_base64(raw)
    except binascii.Error:
        return None
    return value if binascii.b2a_base64(value, newline=False) == raw else None


def _without_declaration(source: bytes) -> bytes:
    declaration = _DECLARATION.match(source)
    body = source[declaration.end() :] if declaration else source
    if body.startswith(b"<?xml"):
        raise SignatureOutsideProfile("xml-declaration")
    if b"<!" in body or b"<?" in body:
        raise SignatureOutsideProfile(next(reason for markup, reason in _MARKUP.items() if markup in body))
    if not body.lstrip(_WHITE_SPACE).startswith(b"<"):
        raise SignatureOutsideProfile("not-xml")
    return body


def _parsed(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8")
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SignatureOutsideProfile("not-xml") from error


def _read_signed_info(signed_info: etree._Element) -> tuple[SignatureAlgorithm, bytes]:
    c14n, method, reference = _children(signed_info)
    if _algorithm(c14n) != EXCLUSIVE_C14N:
        raise SignatureOutsideProfile("canonicalization-method")
    uri = _algorithm(method)
    algorithm = ALGORITHMS.get(uri)
    if algorithm is None:
        raise SignatureOutsideProfile(REFUSED_METHODS.get(uri, "unknown-signature-method"))
    return algorithm, _read_reference(reference, algorithm)


def _read_reference(reference: etree._Element, algorithm: SignatureAlgorithm) -> bytes:
    if reference.get("URI") != "SignedData":
        raise SignatureOutsideProfile("reference-uri")
    transforms, method, value = _children(reference, _REFERENCE_ATTRIBUTES)
    (transform,) = _children(transforms)
    uri = _algorithm(transform)
    if uri != EXCLUSIVE_C14N:
        raise SignatureOutsideProfile(REFUSED_TRANSFORMS.get(uri, "unknown-transform"))
    uri = _algorithm(method)
    if uri != algorithm.digest_uri:
        raise SignatureOutsideProfile(REFUSED_DIGESTS.get(uri, "unknown-digest-method"))
    digest = base64_value(_text(value), "digest-base64")
    if len(digest) != _DIGEST_LENGTH:
        raise SignatureOutsideProfile("digest-length")
    return digest


def _read_certificates(key_info: etree._Element) -> tuple[bytes, ...]:
    (x509_data,) = _children(key_info)
    certificates = list(x509_data)
    if not 1 <= len(certificates) <= MOST_CERTIFICATES:
        raise SignatureOutsideProfile("number-of-certificates")
    _check(x509_data, certificates, [_CERTIFICATE] * len(certificates), _NO_ATTRIBUTES)
    return tuple(base64_value(_text(certificate), "certificate-base64") for certificate in certificates)


def _children(element: etree._Element, attributes: list[tuple[str, str]] = _NO_ATTRIBUTES) -> list[etree._Element]:
    """The children of an element that has these attributes and exactly the children that its shape names."""
    children = list(element)
    _check(element, children, _SHAPE[str(element.tag)], attributes)
    return children


def _check(
    element: etree._Element, children: list[etree._Element], names: list[str], attributes: list[tuple[str, str]]
) -> None:
    _check_attributes(element, attributes)
    if [child.tag for child in children] != names:
        raise SignatureOutsideProfile(_why_not(children, names))
    if not _blank(element.text) or not all(_blank(child.tail) for child in children):
        raise SignatureOutsideProfile("text-between-elements")


def _text(element: etree._Element) -> str:
    """The text of an element without attributes and children."""
    _check_attributes(element, _NO_ATTRIBUTES)
    if len(element):
        raise SignatureOutsideProfile(_why_not(list(element), []))
    return element.text or ""


def _algorithm(element: etree._Element) -> str:
    """The `Algorithm` of an element that has nothing else."""
    uri = element.get("Algorithm")
    if uri is None:
        raise SignatureOutsideProfile("algorithm-missing")
    _check(element, list(element), [], [("Algorithm", uri)])
    return uri


def _check_attributes(element: etree._Element, attributes: list[tuple[str, str]]) -> None:
    found = element.items()
    if found != attributes:
        harmless = _IDENTIFIERS.isdisjoint(str(name) for name, _ in found)
        raise SignatureOutsideProfile("unexpected-attribute" if harmless else "id-attribute")


def _why_not(children: list[etree._Element], names: list[str]) -> str:
    """The reason why these children are not those that were wanted."""
    wanted = [etree.QName(name).localname for name in names]
    found = [etree.QName(child).localname for child in children]
    for name in found:
        if name in _ELEMENTS and name not in wanted:
            return _ELEMENTS[name]
    for name, reason in _REPEATABLE.items():
        if found.count(name) > max(1, wanted.count(name)):
            return reason
    return "structure"


def _blank(text: str | None) -> bool:
    return text is None or not text.strip(" \t\r\n")
