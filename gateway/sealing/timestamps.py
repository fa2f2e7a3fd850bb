"""Time stamps (RFC 3161) over checkpoints: the question to a time-stamping service, and what its answer is worth.

The CMS signature and the chain of the service's certificate, at the moment that the stamp names, are verified by
rfc3161-client; here stands what an answer must be about, when, and by whose kind of certificate it may be signed.
Whether that certificate was revoked is not asked.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from gateway.errors import ConfigurationError
from gateway.sealing.certificates import UNREADABLE, load_certificates
from gateway.sealing.chain import is_authority
from gateway.sealing.refusals import SealingRefusal

REQUEST_TYPE = "application/timestamp-query"
LARGEST_ANSWER = 64 * 1024
SKEW = timedelta(minutes=5)
"""By how much the service's clock and the gateway's may differ."""
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_GRANTED = 0


class TimestampRefused(SealingRefusal):
    """A time stamp is not one of this checkpoint by a trusted service.

    `reason` is `malformed`, `too-large`, `not-granted`, `imprint`, `nonce`, `time`, `signer` (not the one certificate
    that is named), `purpose` (its certificate is not for time stamps alone) or `untrusted` (signature or chain).
    """

    code: ClassVar[str] = "timestamp-refused"


class TimestampTrust:
    """The services that are believed: those whose certificates lead to one of these CA certificates (PEM texts).

    Intermediate ones may stand among them, beside their root. Raises ConfigurationError where one is no CA's.
    """

    def __init__(self, anchors: Iterable[bytes]) -> None:
        self._anchors = list(dict.fromkeys(each for pem in anchors for each in load_certificates(pem)))
        if not self._anchors or not all(is_authority(anchor) for anchor in self._anchors):
            raise ConfigurationError("a trust anchor of time stamps must be a CA's own certificate")

    def read(self, token: bytes, jws: str) -> datetime:
        """When the JWS was there, as the answer (DER) truly says; TimestampRefused otherwise."""
        if len(token) > LARGEST_ANSWER:
            raise TimestampRefused("too-large")
        response = _parsed(token)
        _check_imprint(response, jws)
        _check_signer(response)
        try:
            VerifierBuilder(roots=self._anchors).build().verify(response, _digest(jws))
        except (VerificationError, *UNREADABLE) as error:
            raise TimestampRefused("untrusted") from error
        return response.tst_info.gen_time


@dataclass(frozen=True, slots=True)
class TimestampQuestion:
    """A request as DER, with what an answer must fit; `asked_at` is when it was made."""

    jws: str
    nonce: int
    der: bytes
    asked_at: datetime

    def check(self, answer: bytes, at: datetime, trust: TimestampTrust) -> datetime:
        """When the JWS was there, as the answer that came at this moment truly says; TimestampRefused otherwise."""
        stamped_at = trust.read(answer, self.jws)
        if _parsed(answer).tst_info.nonce != self.nonce:
            raise TimestampRefused("nonce")
        if not self.asked_at - SKEW <= stamped_at <= at + SKEW:
            raise TimestampRefused("time")
        return stamped_at


def timestamp_question(jws: str, at: datetime) -> TimestampQuestion:
    """The question about the SHA-256 of a JWS, with a nonce, and with the wish for the service's certificate."""
    builder = TimestampRequestBuilder(jws.encode("utf-8"), HashAlgorithm.SHA256, nonce=True, cert_req=True)
    request = builder.build()
    if request.nonce is None:
        raise AssertionError("asked without a nonce")
    return TimestampQuestion(jws, request.nonce, request.as_bytes(), at)


def _parsed(der: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(der)
        if response.status != _GRANTED:
            raise TimestampRefused("not-granted")
        _ = response.tst_info.gen_time
    except (ValueError, TypeError, OverflowError) as error:
        raise TimestampRefused("malformed") from error
    return response


def _digest(jws: str) -> bytes:
    return hashlib.sha256(jws.encode("utf-8")).digest()


def _check_imprint(response: TimeStampResponse, jws: str) -> None:
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm != _SHA256 or imprint.message != _digest(jws):
        raise TimestampRefused("imprint")


def _check_signer(response: TimeStampResponse) -> None:
    """The signer's certificate is in the answer, once, and is for time stamps alone (RFC 3161, 2.3).

    Two of one issuer and number would let one be looked at here and another be the one that signed.
    """
    try:
        signers = [(signer.issuer, signer.serial_number) for signer in response.signed_data.signer_infos]
        certificates = [x509.load_der_x509_certificate(der) for der in response.signed_data.certificates]
        named = [each for each in certificates if (each.issuer, each.serial_number) in signers]
        if len(signers) != 1 or len(named) != 1:
            raise TimestampRefused("signer")
        uses = named[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        if not uses.critical or list(uses.value) != [ExtendedKeyUsageOID.TIME_STAMPING] or is_authority(named[0]):
            raise TimestampRefused("purpose")
    except x509.ExtensionNotFound as error:
        raise TimestampRefused("purpose") from error
    except UNREADABLE as error:
        raise TimestampRefused("malformed") from error
