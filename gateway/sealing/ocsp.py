"""The question whether a certificate is revoked, and what an OCSP responder's answer is worth (RFC 6960, RFC 9654)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.sealing.certificates import UNREADABLE, load_certificates
from gateway.sealing.chain import STRONG_SIGNATURES, check_validity, checked_key, is_issued_by
from gateway.sealing.refusals import CertificateRefused

REQUEST_TYPE = "application/ocsp-request"
LARGEST_ANSWER = 64 * 1024
_NONCE_BYTES = 32


class Revocation(StrEnum):
    """What is known of a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class OcspRules:
    """Whether an answer must repeat the question's nonce, and by how much the responder's clock may differ."""

    nonce: bool = True
    skew: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OcspQuestion:
    """A request as DER, with what an answer must fit."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    nonce: bytes
    der: bytes


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """What an answer says; `why` is a slug that tells what made it worth nothing."""

    revocation: Revocation
    why: str = ""


class _Worthless(Exception):
    """The answer proves nothing; the text is the slug."""


def ocsp_question(pem: bytes, anchors: Sequence[bytes]) -> OcspQuestion | None:
    """The question about the certificate of a PEM text; None where none of the anchors (PEM) issued it."""
    [certificate] = load_certificates(pem)
    issuer = _issuer_of(certificate, [each for anchor in anchors for each in load_certificates(anchor)])
    if issuer is None:
        return None
    nonce = os.urandom(_NONCE_BYTES)
    # SHA-1 only names the issuer here, as every responder understands it (RFC 6960, 4.3); it protects nothing
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303
    request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build()
    return OcspQuestion(certificate, issuer, nonce, request.public_bytes(Encoding.DER))


def read_ocsp(question: OcspQuestion, der: bytes, at: datetime, rules: OcspRules) -> OcspAnswer:
    """What a responder's answer (DER) says at this moment; undetermined where it proves nothing. Never raises."""
    try:
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return OcspAnswer(Revocation.UNDETERMINED, "responder-refused")
        _check_signature(answer, question.issuer, at)
        _check_nonce(answer, question.nonce, rules)
        single = _single(answer, question)
        _check_times(single, at, rules.skew)
        return _said(single, at)
    except _Worthless as error:
        return OcspAnswer(Revocation.UNDETERMINED, str(error))
    except (*UNREADABLE, CertificateRefused):
        return OcspAnswer(Revocation.UNDETERMINED, "unreadable")


def _issuer_of(certificate: x509.Certificate, candidates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    try:
        return next((each for each in candidates if is_issued_by(certificate, each)), None)
    except CertificateRefused:
        return None


def _check_signature(answer: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> None:
    if answer.signature_algorithm_oid not in STRONG_SIGNATURES or answer.signature_hash_algorithm is None:
        raise _Worthless("weak-signature")
    key = checked_key(_responder(answer, issuer, at))
    try:
        if isinstance(key, rsa.RSAPublicKey):
            digest = answer.signature_hash_algorithm
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), digest)
        else:
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(answer.signature_hash_algorithm))
    except InvalidSignature as error:
        raise _Worthless("signature") from error


def _responder(answer: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> x509.Certificate:
    """Who signed: the issuer itself, or whom it certified for that and nothing else (RFC 6960, 4.2.2.2)."""
    if _is_named(answer, issuer):
        return issuer
    for certificate in answer.certificates:
        if _is_named(answer, certificate):
            uses = _uses_of(certificate)
            if ExtendedKeyUsageOID.OCSP_SIGNING not in uses or not is_issued_by(certificate, issuer):
                raise _Worthless("responder-not-authorised")
            check_validity(certificate, at)
            return certificate
    raise _Worthless("responder-unknown")


def _is_named(answer: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if answer.responder_name is not None:
        return answer.responder_name == certificate.subject
    return answer.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _uses_of(certificate: x509.Certificate) -> Sequence[x509.ObjectIdentifier]:
    try:
        return tuple(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return ()


def _check_nonce(answer: ocsp.OCSPResponse, nonce: bytes, rules: OcspRules) -> None:
    try:
        told = answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        if rules.nonce:
            raise _Worthless("no-nonce") from None
        return
    if told != nonce:
        raise _Worthless("another-nonce")


def _single(answer: ocsp.OCSPResponse, question: OcspQuestion) -> ocsp.OCSPSingleResponse:
    asked = ocsp.load_der_ocsp_request(question.der)
    wanted = (asked.serial_number, asked.issuer_key_hash, asked.issuer_name_hash, asked.hash_algorithm.name)
    for single in answer.responses:
        told = (single.serial_number, single.issuer_key_hash, single.issuer_name_hash, single.hash_algorithm.name)
        if told == wanted:
            return single
    raise _Worthless("another-certificate")


def _check_times(single: ocsp.OCSPSingleResponse, at: datetime, skew: timedelta) -> None:
    if single.this_update_utc > at + skew:
        raise _Worthless("not-yet-valid")
    if (single.next_update_utc or single.this_update_utc) < at - skew:
        raise _Worthless("stale")


def _said(single: ocsp.OCSPSingleResponse, at: datetime) -> OcspAnswer:
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return OcspAnswer(Revocation.GOOD)
    since = single.revocation_time_utc
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return OcspAnswer(Revocation.REVOKED if since is None or since <= at else Revocation.GOOD)
    return OcspAnswer(Revocation.UNDETERMINED, "unknown-to-the-responder")
