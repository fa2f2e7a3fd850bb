"""The signature of the FMA's XML messages: checked and made by one profile, a strict subset of XML Signature 1.1."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.errors import ConfigurationError
from gateway.model import Signer
from gateway.sealing.algorithms import ALGORITHMS, SignatureAlgorithm
from gateway.sealing.canonical import canonical, signed_pieces
from gateway.sealing.certificates import load_certificates
from gateway.sealing.keys import KeyHolder, LocalKeyHolder
from gateway.sealing.refusals import SignatureMissing, SignatureOutsideProfile, SignatureWrong
from gateway.sealing.sigform import read_form
from gateway.sealing.sigtext import signed_info, written
from gateway.sealing.trust import TrustStore
from validators.parsing import ParsedMessage

Encoded = Literal["UTF-8", "UTF-16"]
_OPENING = b"<Signature>"
_CLOSING = b"</Signature>"


def verify_message(message: ParsedMessage, trust: TrustStore, at: datetime) -> Signer:
    """Who signed a message, as `verify_signature` tells of its tree."""
    return _verify(_only_signed_data(message.root), message.regular, trust, at)


def verify_signature(root: etree._Element, trust: TrustStore, at: datetime) -> Signer:
    """Who signed `/ExportData/SignedData` of a tree, whoever parsed it; SignatureRefused tells why nobody did.

    What was signed is `SignedData` of this very tree, all of it but `Signature`; nothing outside of it is. `at` is the
    moment for which the certificates must hold. The tree is left as it was.
    """
    return _verify(_signed_data(root), None, trust, at)


def _verify(signed_data: etree._Element, regular: bytes | None, trust: TrustStore, at: datetime) -> Signer:
    signature = _signature(signed_data)
    form = read_form(signature.text or "")
    if not hmac.compare_digest(_digest(signed_data, regular), form.digest):
        raise SignatureWrong("digest")
    trusted = trust.trusted(form.certificates, at)
    form.algorithm.verify(trusted.key, form.value, form.signed_info)
    return trusted.signer


def _digest(signed_data: etree._Element, regular: bytes | None) -> bytes:
    """The digest of what is signed, off the regular text of the message where there is one that allows it."""
    pieces = None if regular is None else signed_pieces(regular)
    if pieces is None:
        return hashlib.sha256(digest_input(signed_data)).digest()
    digest = hashlib.sha256(pieces[0])
    digest.update(pieces[1])
    return digest.digest()


def digest_input(signed_data: etree._Element) -> bytes:
    """The bytes that are signed: `SignedData` without its child `Signature`, by Exclusive C14N without comments.

    `Signature` has neither attributes nor children nor namespaces, so its canonical form can be cut out of the whole:
    white space around it stays, and nothing need be copied or changed.
    """
    whole = canonical(signed_data)
    start = whole.find(_OPENING)
    if whole.count(b"<Signature") != 1 and whole.count(_OPENING) + whole.count(b"<Signature ") != 1:
        raise SignatureOutsideProfile("several-signatures")
    if start < 0:
        raise SignatureMissing("no-signature")
    end = whole.index(_CLOSING, start) + len(_CLOSING)
    return whole[:start] + whole[end:]


def sign_xml(
    root: etree._Element, key_pem: bytes, certificate_pems: Sequence[bytes], encoding: Encoded = "UTF-16"
) -> bytes:
    """The message with `Signature` filled; certificates: the key's own first, then intermediates.

    ConfigurationError when the key and the certificate do not belong together, SignatureMissing when the message
    has no `/ExportData/SignedData`.
    """
    return sign_now(root, LocalKeyHolder.from_pem(key_pem, b"".join(certificate_pems)), encoding)


def sign_now(root: etree._Element, keys: LocalKeyHolder, encoding: Encoded = "UTF-16") -> bytes:
    """The same with a key at hand, which need not be read for each message."""
    form, place = _prepared(root, keys)
    return _filled(root, place, form, keys.sign_now(form.signed_info()), encoding)


async def sign_tree(root: etree._Element, keys: KeyHolder, encoding: Encoded = "UTF-16") -> bytes:
    """The same as `sign_xml`, with a key that may live elsewhere."""
    form, place = _prepared(root, keys)
    return _filled(root, place, form, await keys.sign(form.signed_info()), encoding)


class SignatureInTheMaking:
    """A `ds:Signature` in the making: its texts are canonical, so nothing need be parsed to sign it."""

    def __init__(self, algorithm: SignatureAlgorithm, digest: bytes, certificates: Sequence[bytes]) -> None:
        self._algorithm = algorithm
        self._digest = base64.b64encode(digest).decode("ascii")
        self._certificates = certificates

    def signed_info(self) -> bytes:
        """The bytes to sign."""
        return signed_info(self._algorithm, self._digest)

    def text(self, value: bytes) -> str:
        """The whole `ds:Signature` in base64, as it stands in a message."""
        whole = written(self._algorithm, self._digest, value, self._certificates)
        return base64.b64encode(whole).decode("ascii")


def _prepared(root: etree._Element, keys: KeyHolder) -> tuple[SignatureInTheMaking, etree._Element]:
    signed_data = _signed_data(root)
    places = signed_data.findall("Signature")
    place = places[0] if places else etree.SubElement(signed_data, "Signature")
    _check_place(place, len(places))
    place.text = None
    return in_the_making(hashlib.sha256(digest_input(signed_data)).digest(), keys), place


def in_the_making(digest: bytes, keys: KeyHolder) -> SignatureInTheMaking:
    """A signature over what has that digest; ConfigurationError where a key of that kind makes none."""
    algorithm = next((row for row in ALGORITHMS.values() if row.jose == keys.algorithm), None)
    if algorithm is None:
        raise ConfigurationError(f"no XML signature is made with {keys.algorithm}")
    ders = [certificate.public_bytes(Encoding.DER) for certificate in load_certificates(keys.certificate)]
    return SignatureInTheMaking(algorithm, digest, ders)


def _filled(
    root: etree._Element, place: etree._Element, form: SignatureInTheMaking, value: bytes, encoding: Encoded
) -> bytes:
    place.text = form.text(value)
    return declared_utf16(root) if encoding == "UTF-16" else etree.tostring(root, encoding=encoding)


def declared_utf16(root: etree._Element) -> bytes:
    """The document in UTF-16 with a byte order mark and an XML declaration, as the order demands."""
    text = etree.tostring(root, encoding="unicode")
    return f"<?xml version='1.0' encoding='UTF-16'?>\n{text}".encode("utf-16")


def _signed_data(root: etree._Element) -> etree._Element:
    """The one `SignedData` of a tree that may hold what `validators.parsing` lets nobody send."""
    signed_data = _only_signed_data(root)
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise SignatureOutsideProfile("dtd")
    if next(root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity), None) is not None:
        raise SignatureOutsideProfile("comment")
    return signed_data


def _only_signed_data(root: etree._Element) -> etree._Element:
    if root.tag != "ExportData":
        raise SignatureMissing("not-a-message")
    found = list(root.iterchildren("SignedData"))
    if not found:
        raise SignatureMissing("no-signed-data")
    if len(found) > 1:
        raise SignatureOutsideProfile("several-signed-data")
    return found[0]


def _signature(signed_data: etree._Element) -> etree._Element:
    found = list(signed_data.iterchildren("Signature"))
    if not found:
        raise SignatureMissing("no-signature")
    signature = found[0]
    _check_place(signature, len(found))
    if not (signature.text or "").strip():
        raise SignatureMissing("empty-signature")
    return signature


def _check_place(signature: etree._Element, count: int) -> None:
    if count > 1:
        raise SignatureOutsideProfile("several-signatures")
    if len(signature) or signature.keys():
        raise SignatureOutsideProfile("signature-element")
