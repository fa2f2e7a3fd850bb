"""What certificates say: fingerprints, the BIN and IIN of a subject, and facts for people to read."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from gateway.errors import ConfigurationError
from gateway.model import Signer
from gateway.sealing.refusals import CertificateRefused

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)
"""What cryptography raises at certificates that it can't read; the last one where warnings are errors."""

_BIN = re.compile(r"BIN([0-9]{12})")
_IIN = re.compile(r"IIN([0-9]{12})")


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a person needs to know of a certificate; `fingerprint` is the lower-case hex SHA-256 of its DER."""

    fingerprint: str
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    bin: str | None
    iin: str | None
    pem: bytes


def load_certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text, in its order; ConfigurationError when there is none or one is damaged."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except UNREADABLE as error:
        raise ConfigurationError("no readable certificate is in the PEM text") from error


def describe(pem: bytes) -> list[CertificateFacts]:
    """The facts of every certificate of a PEM text; ConfigurationError when there is none or one is damaged."""
    try:
        return [_facts(certificate) for certificate in load_certificates(pem)]
    except (*UNREADABLE, CertificateRefused) as error:
        raise ConfigurationError("a certificate of the PEM text is damaged or names two holders") from error


def fingerprint_of(der: bytes) -> str:
    """The lower-case hex SHA-256 of a certificate's DER."""
    return hashlib.sha256(der).hexdigest()


def signer_of(certificate: x509.Certificate) -> Signer:
    """The fingerprint, BIN and IIN of a certificate; CertificateRefused when its subject names two of a kind.

    The BIN stands in a subject's `OU` as `BIN` and 12 digits, the IIN in its `SERIALNUMBER` as `IIN` and 12 digits
    (National certification centre, observed); anything else in these attributes says nothing.
    """
    return Signer(
        fingerprint=fingerprint_of(certificate.public_bytes(Encoding.DER)),
        bin=_only(certificate.subject, NameOID.ORGANIZATIONAL_UNIT_NAME, _BIN, "two-bins"),
        iin=_only(certificate.subject, NameOID.SERIAL_NUMBER, _IIN, "two-iins"),
    )


def _only(name: x509.Name, oid: x509.ObjectIdentifier, form: re.Pattern[str], reason: str) -> str | None:
    values = {attribute.value for attribute in name.get_attributes_for_oid(oid)}
    found = {match[1] for value in values if isinstance(value, str) and (match := form.fullmatch(value))}
    if len(found) > 1:
        raise CertificateRefused(reason)
    return found.pop() if found else None


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    signer = signer_of(certificate)
    return CertificateFacts(
        fingerprint=signer.fingerprint,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        bin=signer.bin,
        iin=signer.iin,
        pem=certificate.public_bytes(Encoding.PEM),
    )
