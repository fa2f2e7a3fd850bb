"""Whose certificate is believed: chains, times, constraints, revocation."""

import base64
import random
import warnings
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import ClientVerifier, ExtensionPolicy, PolicyBuilder, Store
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.sealing.certificates import describe
from gateway.sealing.refusals import CertificateRefused
from gateway.sealing.trust import TrustStore
from tests.sealing.kit import (
    AT,
    DAY,
    LEAF_EXTENSIONS,
    SAMPLES,
    Certificate,
    ca_extensions,
    deep_leaf,
    ders,
    intermediate,
    leaf,
    name,
    person,
    store,
    usage,
)

OPEN_ROOT = Certificate(name("OPEN ROOT"), "p256:open", extensions=tuple(ca_extensions()))
OTHER_ROOT = Certificate(name("OTHER ROOT"), "p256:other", extensions=tuple(ca_extensions()))
CA_CONSTRAINTS = x509.BasicConstraints(ca=True, path_length=None)
NO_CA = x509.BasicConstraints(ca=False, path_length=None), True


def directory(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(oid, value) for oid, value in parts]))


def ca(label: str, issuer: Certificate = OPEN_ROOT, *more: tuple[x509.ExtensionType, bool]) -> Certificate:
    return Certificate(name(label), f"p256:{label}", issuer, (*ca_extensions(), *more))


def under(issuer: Certificate, *more: tuple[x509.ExtensionType, bool], subject: x509.Name | None = None) -> Certificate:
    return Certificate(subject or person(), "p256:leaf", issuer, (*LEAF_EXTENSIONS, *more))


def constrained(
    permitted: Sequence[x509.GeneralName] | None = None, excluded: Sequence[x509.GeneralName] | None = None
) -> Certificate:
    return ca("CONSTRAINED", OPEN_ROOT, (x509.NameConstraints(permitted, excluded), True))


def alternatives(*names: x509.GeneralName) -> tuple[x509.ExtensionType, bool]:
    return x509.SubjectAlternativeName(names), False


WITH_MAIL = name("LEAF", (NameOID.EMAIL_ADDRESS, "a@b.ru"))
COMMON_NAME_FIRST = [directory((NameOID.COMMON_NAME, "LEAF"))]
SHORT_PATH = Certificate(name("SHORT"), "p256:short", OPEN_ROOT, tuple(ca_extensions(0)))
NOT_CA = Certificate(name("NOT CA"), "p256:notca", OPEN_ROOT, (NO_CA, usage("key_cert_sign")))
NO_CONSTRAINTS = Certificate(name("BARE"), "p256:bare", OPEN_ROOT, (usage("key_cert_sign"),))
LOOSE = Certificate(
    name("LOOSE"),
    "p256:loose",
    OPEN_ROOT,
    ((x509.BasicConstraints(ca=True, path_length=None), False), usage("key_cert_sign")),
)
NO_SIGNING = Certificate(
    name("NO SIGNING"),
    "p256:nosign",
    OPEN_ROOT,
    ((x509.BasicConstraints(ca=True, path_length=None), True), usage("crl_sign")),
)
OLD_CA = Certificate(name("OLD CA"), "p256:old", OPEN_ROOT, tuple(ca_extensions()), since=AT - 20 * DAY, until=AT - DAY)
FALSE_CA = Certificate(name("FALSE"), "p256:false", OPEN_ROOT, tuple(ca_extensions()), signing_key="p256:thief")
TIME_STAMPING = ca("STAMPS", OPEN_ROOT, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), False))
MIDDLE = ca("MIDDLE")
LOWER = ca("LOWER", MIDDLE)
WEAK_CA = Certificate(name("WEAK"), "rsa1024:weak", OPEN_ROOT, tuple(ca_extensions()))
RSA_CA = Certificate(name("RSA CA"), "rsa2048:ca", OPEN_ROOT, tuple(ca_extensions()))
P384_CA = Certificate(name("P384 CA"), "p384:ca", OPEN_ROOT, tuple(ca_extensions()), digest=hashes.SHA384())
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

HOLDS: dict[str, list[Certificate]] = {
    "under_the_root": [under(OPEN_ROOT)],
    "under_an_intermediate": [under(MIDDLE), MIDDLE],
    "under_two_intermediates": [under(LOWER), LOWER, MIDDLE],
    "intermediates_in_any_order": [under(LOWER), MIDDLE, LOWER],
    "with_the_root_among_them": [under(LOWER), OPEN_ROOT, MIDDLE, LOWER],
    "with_a_foreign_root_among_them": [under(LOWER), MIDDLE, OTHER_ROOT, LOWER],
    "an_intermediate_twice": [under(MIDDLE), MIDDLE, MIDDLE],
    "path_length_kept": [under(SHORT_PATH), SHORT_PATH],
    "rsa_signed": [under(RSA_CA), RSA_CA],
    "p384_signed": [under(P384_CA), P384_CA],
    "an_unknown_extension_that_is_not_critical": [under(OPEN_ROOT, (UNKNOWN, False))],
    "without_extended_key_usage": [Certificate(person(), "p256:leaf", OPEN_ROOT, (NO_CA, usage("digital_signature")))],
    "without_basic_constraints": [Certificate(person(), "p256:leaf", OPEN_ROOT, (usage("digital_signature"),))],
    "without_key_identifiers": [
        Certificate(person(), "p256:leaf", OPEN_ROOT, tuple(LEAF_EXTENSIONS), identifiers=False)
    ],
    "within_dns_constraints": [
        under(dns := constrained([x509.DNSName("kz")]), alternatives(x509.DNSName("bank.kz"))),
        dns,
    ],
    "within_mail_constraints": [
        under(mail := constrained([x509.RFC822Name("bank.kz")]), alternatives(x509.RFC822Name("a@bank.kz"))),
        mail,
    ],
}

ONLY_HERE = {
    "within_directory_constraints": [
        under(kept := constrained(COMMON_NAME_FIRST, [directory((NameOID.COMMON_NAME, "OTHER"))])),
        kept,
    ],
    "within_directory_constraints_but_for_the_case": [
        under(small := constrained([directory((NameOID.COMMON_NAME, " leaf "))])),
        small,
    ],
}

REFUSED: dict[str, tuple[str, list[Certificate]]] = {
    "another_root": ("untrusted", [under(OTHER_ROOT)]),
    "self_signed": ("untrusted", [Certificate(person(), "p256:leaf")]),
    "missing_intermediate": ("untrusted", [under(LOWER), LOWER]),
    "wrong_key_under_the_right_name": (
        "untrusted",
        [Certificate(person(), "p256:leaf", OPEN_ROOT, tuple(LEAF_EXTENSIONS), signing_key="p256:thief")],
    ),
    "a_false_intermediate": (
        "untrusted",
        [
            under(
                false := Certificate(
                    name("FALSE"), "p256:false", OPEN_ROOT, tuple(ca_extensions()), signing_key="p256:thief"
                )
            ),
            false,
        ],
    ),
    "expired": (
        "expired",
        [Certificate(person(), "p256:leaf", OPEN_ROOT, tuple(LEAF_EXTENSIONS), until=AT - timedelta(seconds=1))],
    ),
    "not_yet_valid": (
        "not-yet-valid",
        [Certificate(person(), "p256:leaf", OPEN_ROOT, tuple(LEAF_EXTENSIONS), since=AT + timedelta(seconds=1))],
    ),
    "expired_intermediate": ("expired", [under(OLD_CA), OLD_CA]),
    "intermediate_that_is_no_ca": ("not-an-authority", [under(NOT_CA), NOT_CA]),
    "intermediate_without_constraints": ("not-an-authority", [under(NO_CONSTRAINTS), NO_CONSTRAINTS]),
    "intermediate_with_loose_constraints": ("not-an-authority", [under(LOOSE), LOOSE]),
    "intermediate_that_may_not_sign": ("authority-key-usage", [under(NO_SIGNING), NO_SIGNING]),
    "intermediate_for_time_stamps": ("authority-extended-key-usage", [under(TIME_STAMPING), TIME_STAMPING]),
    "intermediate_with_a_short_key": ("short-rsa-key", [under(WEAK_CA), WEAK_CA]),
    "a_signer_as_intermediate": ("not-an-authority", [under(under(OPEN_ROOT)), under(OPEN_ROOT)]),
    "path_length": (
        "path-length",
        [under(below := ca("BELOW", SHORT_PATH)), below, SHORT_PATH],
    ),
    "unrelated_intermediate": ("unrelated-certificate", [under(OPEN_ROOT), MIDDLE]),
    "another_signer_beside": ("not-an-authority", [under(OPEN_ROOT), under(MIDDLE), MIDDLE]),
    "signer_is_a_ca": ("signer-is-authority", [MIDDLE]),
    "signer_is_the_root": ("signer-is-authority", [OPEN_ROOT]),
    "no_key_usage": ("key-usage", [Certificate(person(), "p256:leaf", OPEN_ROOT, (NO_CA,))]),
    "key_usage_for_encryption": (
        "key-usage",
        [Certificate(person(), "p256:leaf", OPEN_ROOT, (NO_CA, usage("key_encipherment")))],
    ),
    "key_usage_for_commitment_alone": (
        "key-usage",
        [Certificate(person(), "p256:leaf", OPEN_ROOT, (NO_CA, usage("content_commitment")))],
    ),
    "critical_unknown_extension": ("critical-extension", [under(OPEN_ROOT, (UNKNOWN, True))]),
    "weak_digest": (
        "weak-signature-algorithm",
        [Certificate(person(), "p256:leaf", OPEN_ROOT, tuple(LEAF_EXTENSIONS), digest=hashes.SHA224())],
    ),
    "outside_directory_constraints": (
        "name-constraints",
        [under(abroad := constrained([directory((NameOID.COMMON_NAME, "OTHER"))])), abroad],
    ),
    "inside_excluded_directory": (
        "name-constraints",
        [under(barred := constrained(None, [directory((NameOID.COMMON_NAME, "leaf"))])), barred],
    ),
    "outside_dns_constraints": (
        "name-constraints",
        [under(hosts := constrained([x509.DNSName("kz")]), alternatives(x509.DNSName("bankkz"))), hosts],
    ),
    "outside_mail_constraints": (
        "name-constraints",
        [under(boxes := constrained([x509.RFC822Name("b.kz")]), alternatives(x509.RFC822Name("a@a.b.kz"))), boxes],
    ),
    "mail_in_the_subject_outside_constraints": (
        "name-constraints",
        [
            under(
                posts := constrained([x509.RFC822Name(".kz")]), subject=name("LEAF", (NameOID.EMAIL_ADDRESS, "a@b.ru"))
            ),
            posts,
        ],
    ),
    "a_form_of_name_that_is_not_understood": (
        "name-constraint-form",
        [
            under(
                links := constrained([x509.UniformResourceIdentifier("kz")]),
                alternatives(x509.UniformResourceIdentifier("https://a.kz")),
            ),
            links,
        ],
    ),
    "an_edwards_key": ("key-algorithm", [Certificate(person(), "ed25519:leaf", OPEN_ROOT)]),
    "two_bins": (
        "two-bins",
        [
            under(
                OPEN_ROOT,
                subject=name(
                    "LEAF",
                    (NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN230941821107"),
                    (NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN140742906892"),
                ),
            )
        ],
    ),
}


def library(anchor: Certificate) -> ClientVerifier:
    return (
        PolicyBuilder()
        .time(AT)
        .store(Store([anchor.made]))
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )


@pytest.mark.parametrize("case", HOLDS)
def test_a_chain_that_holds_is_trusted_here_and_by_the_verifier_of_cryptography(case: str) -> None:
    chain = HOLDS[case]
    trusted = store(OPEN_ROOT).trusted(ders(chain), AT)
    assert trusted.signer.fingerprint == chain[0].made.fingerprint(hashes.SHA256()).hex()
    assert trusted.since <= AT <= trusted.until
    library(OPEN_ROOT).verify(chain[0].made, [certificate.made for certificate in chain[1:]])


@pytest.mark.parametrize("case", ONLY_HERE)
def test_directory_constraints_that_are_kept_are_no_reason_to_refuse(case: str) -> None:
    store(OPEN_ROOT).trusted(ders(ONLY_HERE[case]), AT)


@pytest.mark.parametrize("case", REFUSED)
def test_a_chain_that_does_not_hold_is_refused_by_name(case: str) -> None:
    reason, chain = REFUSED[case]
    with pytest.raises(CertificateRefused) as refusal:
        store(OPEN_ROOT).trusted(ders(chain), AT)
    assert refusal.value.reason == reason


def test_both_ends_of_the_interval_belong_to_it() -> None:
    chain = ders([leaf()])
    anchors = store()
    first, last = leaf().made.not_valid_before_utc, leaf().made.not_valid_after_utc
    assert anchors.trusted(chain, first) == anchors.trusted(chain, last)
    for moment in (first - timedelta(seconds=1), last + timedelta(seconds=1)):
        with pytest.raises(CertificateRefused):
            anchors.trusted(chain, moment)


def test_an_expired_anchor_vouches_for_nobody() -> None:
    old = Certificate(name("OLD ROOT"), "p256:oldroot", extensions=tuple(ca_extensions()), until=AT - DAY)
    young = Certificate(person(), "p256:leaf", old)
    with pytest.raises(CertificateRefused) as refusal:
        store(old).trusted(ders([young]), AT)
    assert refusal.value.reason == "expired"


def test_an_intermediate_may_be_an_anchor() -> None:
    assert store(intermediate()).trusted(ders([deep_leaf()]), AT).signer.iin == "741120310224"
    assert store(intermediate()).trusted(ders([deep_leaf(), intermediate()]), AT).signer.bin == "230941821107"


def test_of_two_anchors_of_one_name_the_one_that_signed_is_found() -> None:
    again = Certificate(OPEN_ROOT.subject, "p256:renewed", extensions=tuple(ca_extensions()))
    store(OPEN_ROOT, again).trusted(ders([under(again)]), AT)
    store(OPEN_ROOT, again).trusted(ders([under(OPEN_ROOT)]), AT)


def test_a_chain_is_remembered_only_for_as_long_as_it_holds() -> None:
    anchors = store(OPEN_ROOT)
    chain = ders([under(MIDDLE), MIDDLE])
    first = anchors.trusted(chain, AT)
    assert anchors.trusted(chain, AT + DAY) is first
    with pytest.raises(CertificateRefused):
        anchors.trusted(chain, AT + 11 * DAY)


def test_a_maze_of_intermediates_is_given_up_after_a_number_of_checks() -> None:
    maze = name("MAZE")
    rungs = [
        Certificate(maze, "p256:maze", Certificate(maze, "p256:maze"), tuple(ca_extensions(depth)), identifiers=False)
        for depth in range(6)
    ]
    lone = Certificate(person(), "p256:leaf", Certificate(maze, "p256:maze"))
    with pytest.raises(CertificateRefused):
        store(OPEN_ROOT).trusted(ders([lone, *rungs]), AT)


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"hello", leaf().der[:-1], leaf().der + b"\0"])
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    for chain in ([der], [leaf().der, der]):
        with pytest.raises(CertificateRefused) as refusal:
            store().trusted(chain, AT)
        assert refusal.value.reason == "malformed"


def patched(certificate: Certificate, old: bytes, new: bytes) -> bytes:
    assert certificate.der.count(old) == 1
    return certificate.der.replace(old, new)


@pytest.mark.parametrize("version", ["00", "01", "03", "ff"])
def test_a_certificate_of_no_known_version_is_refused(version: str) -> None:
    other = patched(leaf(), bytes.fromhex("a003020102"), bytes.fromhex(f"a0030201{version}"))
    with pytest.raises(CertificateRefused) as refusal:
        store().trusted([other], AT)
    assert refusal.value.reason == "malformed"


def test_a_certificate_of_version_1_is_refused() -> None:
    whole = leaf().der
    lengths = [int.from_bytes(whole[place : place + 2], "big") - 5 for place in (2, 6)]
    first = b"\x30\x82" + lengths[0].to_bytes(2, "big") + b"\x30\x82" + lengths[1].to_bytes(2, "big") + whole[13:]
    with pytest.raises(CertificateRefused) as refusal:
        store().trusted([first], AT)
    assert refusal.value.reason == "not-version-3"


@pytest.mark.parametrize(("action", "reason"), [("ignore", "serial-number"), ("error", "malformed")])
def test_a_certificate_without_a_positive_serial_number_is_refused(
    action: Literal["ignore", "error"], reason: str
) -> None:
    number = leaf().made.serial_number
    size = number.bit_length() // 8 + 1
    old = b"\x02" + bytes([size]) + number.to_bytes(size, "big")
    negative = patched(leaf(), old, b"\x02" + bytes([size]) + b"\xff" + b"\x01" * (size - 1))
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises(CertificateRefused) as refusal:
            store().trusted([negative], AT)
    assert refusal.value.reason == reason


@given(seed=st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_changed_certificate_is_refused_and_does_nothing_else(seed: int) -> None:
    generator = random.Random(seed)
    der = bytearray(leaf().der)
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        der[generator.randrange(len(der))] = generator.randrange(256)
    if bytes(der) != leaf().der:
        for chain in ([bytes(der)], [leaf().der, bytes(der)]):
            with pytest.raises(CertificateRefused):
                store().trusted(chain, AT)


def test_a_name_that_cannot_be_read_is_refused_and_not_described() -> None:
    bits = patched(leaf(), b"\x0c\x0fBIN230941821107", b"\x03\x0fBIN230941821107")
    with pytest.raises(CertificateRefused) as refusal:
        store().trusted([bits], AT)
    assert refusal.value.reason == "malformed"
    text = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(bits) + b"-----END CERTIFICATE-----\n"
    with pytest.raises(ConfigurationError):
        describe(text)


def test_the_sample_authority_may_be_an_anchor_and_a_signer_may_not() -> None:
    TrustStore([(SAMPLES / "ca.pem").read_bytes()])
    with pytest.raises(ConfigurationError):
        TrustStore([(SAMPLES / "casino.pem").read_bytes()])
    with pytest.raises(ConfigurationError):
        TrustStore([b"nothing"])
