"""What an OCSP responder's answer is worth: good, revoked, or nothing, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.sealing.generation import Issued, Subject, issue, make_authority
from gateway.sealing.ocsp import OcspAnswer, OcspQuestion, OcspRules, Revocation, ocsp_question, read_ocsp
from tests.support.ocsp import Responder

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=30)
AUTHORITY, OTHER = make_authority("TEST CA", SINCE), make_authority("OTHER CA", SINCE)
LEAF = issue(AUTHORITY, Subject("LEAF", bin="230941821107"), SINCE)
RULES = OcspRules()
SIGNS_OCSP, SIGNS_CLIENTS = ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.CLIENT_AUTH


def certified(authority: Issued, *uses: x509.ObjectIdentifier) -> Issued:
    """A responder's certificate by that authority, for these uses."""
    signer = serialization.load_pem_private_key(authority.key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(Subject("OCSP").name())
        .issuer_name(x509.load_pem_x509_certificate(authority.certificate).subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(NOW + timedelta(days=30))
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    made = builder.sign(signer, hashes.SHA256())
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Issued(text, made.public_bytes(serialization.Encoding.PEM))


def question() -> OcspQuestion:
    asked = ocsp_question(LEAF.certificate, [OTHER.certificate, AUTHORITY.certificate])
    assert asked is not None
    return asked


def answered(responder: Responder, rules: OcspRules = RULES, asked: OcspQuestion | None = None) -> OcspAnswer:
    asked = asked or question()
    return read_ocsp(asked, responder.answer(asked.der), datetime.now(UTC), rules)


def why(answer: OcspAnswer) -> str:
    assert answer.revocation is Revocation.UNDETERMINED
    return answer.why


@pytest.mark.parametrize("delegate", [None, certified(AUTHORITY, ExtendedKeyUsageOID.OCSP_SIGNING)])
@pytest.mark.parametrize("said", ["good", "revoked"])
def test_the_authority_or_its_delegate_is_believed(said: str, delegate: Issued | None) -> None:
    assert answered(Responder(AUTHORITY, said, delegate=delegate)).revocation.value == said


@pytest.mark.parametrize(
    ("responder", "reason"),
    [
        (Responder(AUTHORITY, "unknown"), "unknown-to-the-responder"),
        (Responder(AUTHORITY, "busy"), "responder-refused"),
        (Responder(AUTHORITY, "rubbish"), "unreadable"),
        (Responder(OTHER), "responder-unknown"),
        (Responder(AUTHORITY, delegate=certified(OTHER, ExtendedKeyUsageOID.OCSP_SIGNING)), "responder-not-authorised"),
        (Responder(AUTHORITY, delegate=certified(AUTHORITY)), "responder-not-authorised"),
        (
            Responder(AUTHORITY, delegate=certified(AUTHORITY, ExtendedKeyUsageOID.CLIENT_AUTH)),
            "responder-not-authorised",
        ),
        (Responder(AUTHORITY, nonce=False), "no-nonce"),
        (Responder(AUTHORITY, made=timedelta(hours=1)), "not-yet-valid"),
        (Responder(AUTHORITY, made=-timedelta(hours=1)), "stale"),
    ],
)
def test_any_other_answer_proves_nothing(responder: Responder, reason: str) -> None:
    assert why(answered(responder)) == reason


def test_an_answer_to_another_question_is_not_believed() -> None:
    asked, responder = question(), Responder(AUTHORITY)
    old = responder.answer(asked.der)
    assert why(read_ocsp(question(), old, datetime.now(UTC), RULES)) == "another-nonce"
    other = ocsp_question(issue(AUTHORITY, Subject("OTHER"), SINCE).certificate, [AUTHORITY.certificate])
    assert other is not None
    about_another = replace(other, nonce=asked.nonce)
    assert why(read_ocsp(about_another, old, datetime.now(UTC), RULES)) == "another-certificate"


def test_without_a_nonce_an_answer_is_believed_where_the_rules_say_so() -> None:
    assert answered(Responder(AUTHORITY, nonce=False), OcspRules(nonce=False)).revocation is Revocation.GOOD


def test_one_changed_byte_of_an_answer_never_makes_it_say_another_thing() -> None:
    asked = question()
    true = Responder(AUTHORITY, "revoked").answer(asked.der)
    for place in range(0, len(true), 3):
        false = true[:place] + bytes([true[place] ^ 1]) + true[place + 1 :]
        assert read_ocsp(asked, false, datetime.now(UTC), RULES).revocation is not Revocation.GOOD


def test_nothing_is_asked_about_a_certificate_of_an_unknown_issuer() -> None:
    assert ocsp_question(LEAF.certificate, [OTHER.certificate]) is None
