"""Certificate revocation lists: complete ones, given by the operator, checked against the issuer that signed them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import ConfigurationError
from gateway.sealing.certificates import UNREADABLE
from gateway.sealing.chain import STRONG_SIGNATURES, checked_key, is_authority
from gateway.sealing.refusals import CertificateRefused


@dataclass(frozen=True, slots=True)
class ListsSay:
    """That nobody on a path is revoked: until when that holds, and whether it is known at all."""

    limits: list[datetime]
    known: bool


class RevocationLists:
    """The configured CRLs. Where there is one for an issuer, its certificates are checked against it.

    When no list of that issuer holds at the moment, it could not be checked: that is said, and left to the policy of
    whoever asks. Who is on a list stays revoked, however old the list is.
    """

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._lists = [_loaded(text) for text in texts]
        self._signed: dict[tuple[int, bytes], bool] = {}

    def __len__(self) -> int:
        return len(self._lists)

    def check(self, path: Sequence[x509.Certificate], at: datetime) -> ListsSay:
        """What the lists say; CertificateRefused when a certificate is revoked.

        The path has the signer's certificate first and the anchor, which no list speaks of, last.
        """
        limits: list[datetime] = []
        known = True
        for certificate, issuer in pairwise(path):
            named = [crl for crl in self._lists if crl.issuer == certificate.issuer and _speaks_of(crl, certificate)]
            if named:
                said = self._check_one(certificate, issuer, named, at)
                limits += said.limits
                known = known and said.known
        return ListsSay(limits, known)

    def _check_one(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        named: list[x509.CertificateRevocationList],
        at: datetime,
    ) -> ListsSay:
        signed = [crl for crl in named if self._is_signed(crl, issuer)]
        limits = []
        for crl in signed:
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None:
                if entry.revocation_date_utc <= at:
                    raise CertificateRefused("revoked")
                limits.append(entry.revocation_date_utc)
        ends = [crl.next_update_utc for crl in signed if crl.next_update_utc is None or crl.next_update_utc >= at]
        told = [end for end in ends if end is not None]
        last = [max(told)] if told and len(told) == len(ends) else []
        return ListsSay(limits + last, known=bool(ends))

    def _is_signed(self, crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
        place = (id(crl), issuer.public_bytes(Encoding.DER))
        if place not in self._signed:
            usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
            strong = crl.signature_algorithm_oid in STRONG_SIGNATURES
            self._signed[place] = usage.crl_sign and strong and crl.is_signature_valid(checked_key(issuer))
        return self._signed[place]


def _speaks_of(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    scope = _scope(crl)
    if scope is None:
        return True
    return not (scope.only_contains_user_certs if is_authority(certificate) else scope.only_contains_ca_certs)


def _scope(crl: x509.CertificateRevocationList) -> x509.IssuingDistributionPoint | None:
    try:
        return crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return None


def _loaded(text: bytes) -> x509.CertificateRevocationList:
    try:
        load = x509.load_pem_x509_crl if text.lstrip().startswith(b"-----BEGIN") else x509.load_der_x509_crl
        crl = load(text)
        critical = {type(extension.value) for extension in crl.extensions if extension.critical}
        scope = _scope(crl)
    except UNREADABLE as error:
        raise ConfigurationError("a revocation list is not readable; give it as PEM or DER") from error
    if critical - {x509.IssuingDistributionPoint}:
        raise ConfigurationError("a revocation list is partial or of an unknown kind; give the complete list")
    if scope and (scope.indirect_crl or scope.only_some_reasons or scope.only_contains_attribute_certs):
        raise ConfigurationError("a revocation list is indirect or partial; give the complete list of the issuer")
    return crl
