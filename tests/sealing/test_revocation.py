"""Certificates that were revoked are refused, and where no list holds it is said that nothing is known."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from gateway.errors import ConfigurationError
from gateway.sealing.refusals import CertificateRefused
from tests.sealing.kit import AT, DAY, Certificate, ca_extensions, ders, key, name, person, root, store

OPEN_ROOT = Certificate(name("OPEN ROOT"), "p256:open", extensions=tuple(ca_extensions()))
OTHER_ROOT = Certificate(name("OTHER ROOT"), "p256:other", extensions=tuple(ca_extensions()))
MIDDLE = Certificate(name("MIDDLE"), "p256:middle", OPEN_ROOT, tuple(ca_extensions()))


def under(issuer: Certificate) -> Certificate:
    return Certificate(person(), "p256:leaf", issuer)


def revocation_list(
    issuer: Certificate,
    *revoked: tuple[Certificate, timedelta],
    until: timedelta = DAY,
    signing_key: str | None = None,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(AT - 5 * DAY)
        .next_update(AT + until)
    )
    for certificate, since in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.made.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(AT + since).build())
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key(signing_key or issuer.key), hashes.SHA256())


def pem(crl: x509.CertificateRevocationList) -> bytes:
    return crl.public_bytes(serialization.Encoding.PEM)


def test_a_revoked_certificate_is_refused_from_its_revocation_on() -> None:
    signer = under(OPEN_ROOT)
    anchors = store(OPEN_ROOT, crls=[pem(revocation_list(OPEN_ROOT, (signer, -DAY)))])
    assert anchors.trusted(ders([signer]), AT - 2 * DAY).until == AT - DAY
    with pytest.raises(CertificateRefused) as refusal:
        anchors.trusted(ders([signer]), AT)
    assert refusal.value.reason == "revoked"


def test_a_revoked_intermediate_is_refused_too() -> None:
    crl = revocation_list(OPEN_ROOT, (MIDDLE, -DAY)).public_bytes(serialization.Encoding.DER)
    with pytest.raises(CertificateRefused) as refusal:
        store(OPEN_ROOT, crls=[crl]).trusted(ders([under(MIDDLE), MIDDLE]), AT)
    assert refusal.value.reason == "revoked"


def test_who_is_not_on_the_list_is_trusted_until_the_list_ends() -> None:
    signer = under(OPEN_ROOT)
    anchors = store(OPEN_ROOT, crls=[pem(revocation_list(OPEN_ROOT, (MIDDLE, -DAY)))])
    assert anchors.trusted(ders([signer]), AT).until == AT + DAY
    assert anchors.trusted(ders([signer]), AT).signer.revocation_known
    later = anchors.trusted(ders([signer]), AT + 2 * DAY)
    assert not later.signer.revocation_known
    assert anchors.trusted(ders([signer]), AT + 3 * DAY) is later
    assert anchors.trusted(ders([signer]), AT).signer.revocation_known


def test_who_is_on_a_list_that_has_ended_stays_revoked() -> None:
    signer = under(OPEN_ROOT)
    anchors = store(OPEN_ROOT, crls=[pem(revocation_list(OPEN_ROOT, (signer, -DAY)))])
    with pytest.raises(CertificateRefused) as refusal:
        anchors.trusted(ders([signer]), AT + 2 * DAY)
    assert refusal.value.reason == "revoked"
    assert anchors.is_revoked(signer.pem, AT + 2 * DAY)
    assert not anchors.is_revoked(signer.pem, AT - 2 * DAY)


def test_a_list_that_the_issuer_did_not_sign_says_nothing_and_is_not_passed_over() -> None:
    crl = pem(revocation_list(OPEN_ROOT, signing_key="p256:thief"))
    trusted = store(OPEN_ROOT, crls=[crl]).trusted(ders([under(OPEN_ROOT)]), AT)
    assert not trusted.signer.revocation_known


def test_the_list_of_another_issuer_does_not_matter() -> None:
    crl = pem(revocation_list(OTHER_ROOT))
    store(OPEN_ROOT, crls=[crl]).trusted(ders([under(OPEN_ROOT)]), AT)


@pytest.mark.parametrize(
    "extension",
    [
        x509.DeltaCRLIndicator(1),
        x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier("http://a")],
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=True,
            only_contains_attribute_certs=False,
        ),
    ],
)
def test_a_partial_or_indirect_list_cannot_be_configured(extension: x509.ExtensionType) -> None:
    with pytest.raises(ConfigurationError):
        store(OPEN_ROOT, crls=[pem(revocation_list(OPEN_ROOT, more=((extension, True),)))])


def test_what_is_no_list_cannot_be_configured() -> None:
    with pytest.raises(ConfigurationError):
        store(OPEN_ROOT, crls=[root().pem])
