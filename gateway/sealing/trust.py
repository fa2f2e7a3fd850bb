"""Trust in senders' certificates: chains to configured anchors at a given moment, CRLs where they are configured.

cryptography's own `x509.verification` was weighed and not taken: it calls its interface unstable, it refuses every
critical `directoryName` constraint even when it is kept (the only form that certificates without alternative names
can meet), it tells in English prose why a chain fails where a stable reason is needed, and it cannot take a further
algorithm such as GOST. Tests hold the two together: but for such constraints, what is trusted here is trusted there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import ConfigurationError
from gateway.model import Signer
from gateway.sealing.certificates import load_certificates, signer_of
from gateway.sealing.chain import (
    check_authority,
    check_names,
    check_signer,
    check_validity,
    checked_key,
    is_authority,
    is_issued_by,
    is_self_issued,
    parsed,
)
from gateway.sealing.keys import PublicKey
from gateway.sealing.refusals import CertificateRefused
from gateway.sealing.revocation import RevocationLists

MOST_CHECKS = 24
_REMEMBERED = 4096

_Path = list[x509.Certificate]


@dataclass(frozen=True, slots=True)
class TrustTexts:
    """Trust as texts, for whoever passes it on: the PEM of each anchor, and the CRLs (PEM or DER)."""

    anchors: tuple[bytes, ...]
    revocation_lists: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Trusted:
    """A signer whose chain holds, the key to check the signature with, and from when until when the chain holds."""

    signer: Signer
    key: PublicKey
    since: datetime
    until: datetime


class TrustStore:
    """The trust anchors and the CRLs of one moment's configuration; it is never changed, a new one takes its place.

    `anchors` are PEM texts of CA certificates, `crls` PEM or DER texts. Chains that held are remembered with the
    interval in which they hold, so that a sender's next message costs no chain building.
    """

    def __init__(self, anchors: Iterable[bytes], crls: Iterable[bytes] = ()) -> None:
        self._anchors = [certificate for pem in anchors for certificate in load_anchors(pem)]
        self._lists = RevocationLists(crls)
        self._remembered: dict[tuple[bytes, ...], Trusted] = {}

    def trusted(self, certificates: Sequence[bytes], at: datetime) -> Trusted:
        """The signer of a chain given as DER, the signer's own certificate first; CertificateRefused otherwise."""
        place = tuple(certificates)
        remembered = self._remembered.get(place)
        if remembered is not None and remembered.since <= at <= remembered.until:
            return remembered
        trusted = self._build(place, at)
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[place] = trusted
        return trusted

    def _build(self, certificates: Sequence[bytes], at: datetime) -> Trusted:
        leaf = parsed(certificates[0])
        check_signer(leaf)
        key = checked_key(leaf)
        check_validity(leaf, at)
        signer = signer_of(leaf)
        intermediates = _intermediates(certificates[1:])
        path = self._path(leaf, [each for each in intermediates if each not in self._anchors], at)
        used = [certificate.subject for certificate in path[1:]]
        if any(certificate.subject not in used for certificate in intermediates):
            raise CertificateRefused("unrelated-certificate")
        said = self._lists.check(path, at)
        since = max(certificate.not_valid_before_utc for certificate in path)
        return Trusted(
            replace(signer, revocation_known=said.known),
            key,
            # a list that has ended says nothing about later moments, and may well say something about earlier ones
            since if said.known else max(since, at),
            min([certificate.not_valid_after_utc for certificate in path] + said.limits),
        )

    def is_revoked(self, pem: bytes, at: datetime) -> bool:
        """Whether a list of the anchor that issued it names the certificate of a PEM text as revoked."""
        if not self._lists:
            return False
        [certificate] = load_certificates(pem)
        try:
            for anchor in self._anchors:
                if anchor.subject == certificate.issuer and is_issued_by(certificate, anchor):
                    self._lists.check([certificate, anchor], at)
        except CertificateRefused as refusal:
            return refusal.reason == "revoked"
        return False

    def _path(self, leaf: x509.Certificate, intermediates: _Path, at: datetime) -> _Path:
        """The first chain that holds, the signer's certificate first, the anchor last."""
        refusal = CertificateRefused("untrusted")
        for path in _paths([leaf], self._anchors, intermediates, iter(range(MOST_CHECKS))):
            try:
                for depth, authority in enumerate(path[1:]):
                    check_authority(authority, depth)
                    check_validity(authority, at)
                check_names(path)
            except CertificateRefused as error:
                refusal = error
            else:
                return path
        raise refusal


def load_anchors(pem: bytes) -> _Path:
    """The certificates of a PEM text when each may be a trust anchor: a CA's, of a kind that can be checked.

    ConfigurationError otherwise. Its validity is not looked at here: that depends on the moment of a message.
    """
    anchors = load_certificates(pem)
    for anchor in anchors:
        try:
            check_authority(parsed(anchor.public_bytes(Encoding.DER)), 0)
        except CertificateRefused as refusal:
            raise ConfigurationError(
                f"a certificate can't be a trust anchor ({refusal.reason}); give the CA's own certificate"
            ) from refusal
    return anchors


def _intermediates(others: Sequence[bytes]) -> _Path:
    """The CA certificates given beside the signer's; roots are left out unread, trust does not come from there."""
    found: _Path = []
    for der in others:
        if is_self_issued(der):
            continue
        certificate = parsed(der)
        if not is_authority(certificate):
            raise CertificateRefused("not-an-authority")
        if certificate not in found:
            found.append(certificate)
    return found


def _paths(path: _Path, anchors: _Path, intermediates: _Path, checks: Iterator[int]) -> Iterator[_Path]:
    """Every chain from the end of a path to an anchor, shortest first at each step, within a number of checks."""
    last = path[-1]
    for anchor in anchors:
        if anchor.subject == last.issuer and _is_issued(last, anchor, checks):
            yield [*path, anchor]
    for issuer in intermediates:
        if issuer.subject == last.issuer and issuer not in path and _is_issued(last, issuer, checks):
            yield from _paths([*path, issuer], anchors, intermediates, checks)


def _is_issued(certificate: x509.Certificate, issuer: x509.Certificate, checks: Iterator[int]) -> bool:
    if next(checks, None) is None:
        raise CertificateRefused("too-many-candidates")
    checked_key(issuer)
    return is_issued_by(certificate, issuer)
