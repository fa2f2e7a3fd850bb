"""What every certificate of a chain must meet (RFC 5280, section 6), one check a function, each refusing by name."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, SignatureAlgorithmOID

from gateway.sealing.certificates import UNREADABLE
from gateway.sealing.keys import LARGEST_RSA_KEY, SMALLEST_RSA_KEY, PublicKey
from gateway.sealing.refusals import CertificateRefused

_T = TypeVar("_T", bound=x509.ExtensionType)

LONGEST_SERIAL = 160
STRONG_SIGNATURES = frozenset(
    {
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
    }
)
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)
_BLANKS = re.compile(r"\s+")
_USES_OF_AN_AUTHORITY = {ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.CLIENT_AUTH}


def parsed(der: bytes) -> x509.Certificate:
    """The certificate of a DER text, all of its parts readable; CertificateRefused otherwise."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        if certificate.version is not x509.Version.v3:
            raise CertificateRefused("not-version-3")
        if not 0 < certificate.serial_number.bit_length() <= LONGEST_SERIAL or certificate.serial_number < 0:
            raise CertificateRefused("serial-number")
        unknown = {extension.oid for extension in certificate.extensions if extension.critical} - _UNDERSTOOD
        if unknown:
            raise CertificateRefused("critical-extension")
        _ = (certificate.subject, certificate.issuer, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    except UNREADABLE as error:
        raise CertificateRefused("malformed") from error
    return certificate


def is_self_issued(der: bytes) -> bool:
    """True for a root: subject and issuer are one; CertificateRefused when the DER is not a certificate's."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.subject, certificate.issuer
    except UNREADABLE as error:
        raise CertificateRefused("malformed") from error
    return names[0] == names[1]


def checked_key(certificate: x509.Certificate) -> PublicKey:
    """The certificate's public key when it is of a kind and size that may be relied on."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateRefused("key-algorithm") from error
    if isinstance(key, rsa.RSAPublicKey):
        if not SMALLEST_RSA_KEY <= key.key_size <= LARGEST_RSA_KEY:
            raise CertificateRefused("short-rsa-key" if key.key_size < SMALLEST_RSA_KEY else "long-rsa-key")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
            raise CertificateRefused("curve")
        return key
    raise CertificateRefused("key-algorithm")


def check_validity(certificate: x509.Certificate, at: datetime) -> None:
    """Refused before and after the certificate's interval."""
    if at < certificate.not_valid_before_utc:
        raise CertificateRefused("not-yet-valid")
    if at > certificate.not_valid_after_utc:
        raise CertificateRefused("expired")


def is_authority(certificate: x509.Certificate) -> bool:
    """True when the basic constraints say that the certificate is a CA's."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.value.ca


def check_signer(certificate: x509.Certificate) -> None:
    """A signer is no CA, and its key usage allows digital signatures."""
    if is_authority(certificate):
        raise CertificateRefused("signer-is-authority")
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not usage.value.digital_signature:
        raise CertificateRefused("key-usage")


def check_authority(certificate: x509.Certificate, depth: int) -> None:
    """An authority is a CA that may sign certificates, with `depth` further CAs between it and the signer."""
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.value.ca or not constraints.critical:
        raise CertificateRefused("not-an-authority")
    if constraints.value.path_length is not None and constraints.value.path_length < depth:
        raise CertificateRefused("path-length")
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not usage.value.key_cert_sign:
        raise CertificateRefused("authority-key-usage")
    uses = _extension(certificate, x509.ExtendedKeyUsage)
    if uses is not None and not _USES_OF_AN_AUTHORITY & set(uses.value):
        raise CertificateRefused("authority-extended-key-usage")
    checked_key(certificate)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True when the names meet and the issuer's key made the certificate's signature, by a strong algorithm."""
    if certificate.signature_algorithm_oid not in STRONG_SIGNATURES:
        raise CertificateRefused("weak-signature-algorithm")
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def check_names(path: Sequence[x509.Certificate]) -> None:
    """Every name of a certificate is within the constraints of all authorities above it; the signer stands first."""
    for depth, authority in enumerate(path):
        constraints = _extension(authority, x509.NameConstraints)
        if constraints is not None:
            for below in path[:depth]:
                _check_names_of(below, constraints.value)


def _check_names_of(certificate: x509.Certificate, constraints: x509.NameConstraints) -> None:
    for name in _names_of(certificate):
        excluded = [base for base in constraints.excluded_subtrees or () if type(base) is type(name)]
        permitted = [base for base in constraints.permitted_subtrees or () if type(base) is type(name)]
        if any(_within(name, base) for base in excluded):
            raise CertificateRefused("name-constraints")
        if permitted and not any(_within(name, base) for base in permitted):
            raise CertificateRefused("name-constraints")


def _names_of(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    if certificate.subject.rdns:
        yield x509.DirectoryName(certificate.subject)
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield x509.RFC822Name(str(attribute.value))
    alternatives = _extension(certificate, x509.SubjectAlternativeName)
    if alternatives is not None:
        yield from alternatives.value


def _within(name: x509.GeneralName, base: x509.GeneralName) -> bool:
    """True when a name lies in a subtree of its own kind; kinds that are not understood are refused outright."""
    if isinstance(name, x509.DirectoryName) and isinstance(base, x509.DirectoryName):
        wanted = [_comparable(rdn) for rdn in base.value.rdns]
        return [_comparable(rdn) for rdn in name.value.rdns][: len(wanted)] == wanted
    if isinstance(name, x509.DNSName) and isinstance(base, x509.DNSName):
        return _host_within(name.value, base.value)
    if isinstance(name, x509.RFC822Name) and isinstance(base, x509.RFC822Name):
        return _mailbox_within(name.value, base.value)
    raise CertificateRefused("name-constraint-form")


def _comparable(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    return frozenset(
        (attribute.oid.dotted_string, _BLANKS.sub(" ", str(attribute.value)).strip().casefold()) for attribute in rdn
    )


def _host_within(host: str, base: str) -> bool:
    wanted = base.lower().lstrip(".")
    return not wanted or host.lower() == wanted or host.lower().endswith(f".{wanted}")


def _mailbox_within(mailbox: str, base: str) -> bool:
    host = mailbox.rpartition("@")[2].lower()
    if "@" in base:
        return mailbox.partition("@")[0] == base.partition("@")[0] and host == base.rpartition("@")[2].lower()
    return host.endswith(base.lower()) if base.startswith(".") else host == base.lower()


def _extension(certificate: x509.Certificate, kind: type[_T]) -> x509.Extension[_T] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
