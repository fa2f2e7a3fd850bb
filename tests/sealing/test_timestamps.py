"""What a time-stamping service's answer is worth (RFC 3161): each that is not this checkpoint's is refused by name."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.sealing.generation import make_gateway_key
from gateway.sealing.timestamps import TimestampQuestion, TimestampRefused, TimestampTrust, timestamp_question
from tests.support.tsa import POLICY, SINCE, STAMPING, TimestampAuthority, authority, stamper

JWS = "eyJhbGciOiJFUzI1NiJ9.eyJsZWRnZXIiOjB9.c2lnbmF0dXJl"
ROOT = authority()
SIGNER = stamper(ROOT)
TRUST = TimestampTrust([ROOT.certificate])
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


def asked() -> TimestampQuestion:
    return timestamp_question(JWS, datetime.now(UTC))


def reason(service: TimestampAuthority, question: TimestampQuestion | None = None) -> str:
    question = question or asked()
    try:
        question.check(service.answer(question.der), datetime.now(UTC), TRUST)
    except TimestampRefused as refused:
        return refused.reason
    return ""


def twin() -> TimestampAuthority:
    """Signed by one that may not, beside a certificate of the same issuer and number that says it may."""
    number = 4711
    signer = stamper(ROOT, (ExtendedKeyUsageOID.CODE_SIGNING,), number=number)
    return TimestampAuthority(signer, beside=(stamper(authority(), number=number),))


def test_a_true_answer_tells_when_the_checkpoint_was_there() -> None:
    question = asked()
    answer = TimestampAuthority(SIGNER).answer(question.der)
    stamped_at = question.check(answer, datetime.now(UTC), TRUST)
    assert abs(stamped_at - datetime.now(UTC)) < timedelta(seconds=5)
    assert TRUST.read(answer, JWS) == stamped_at


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (TimestampAuthority(SIGNER, imprint=bytes(32)), "imprint"),
        (TimestampAuthority(SIGNER, nonce=5), "nonce"),
        (TimestampAuthority(SIGNER, shift=timedelta(minutes=-6)), "time"),
        (TimestampAuthority(SIGNER, shift=timedelta(minutes=6)), "time"),
        (TimestampAuthority(stamper(authority("another CA"))), "untrusted"),
        (TimestampAuthority(stamper(authority())), "untrusted"),
        (TimestampAuthority(stamper(ROOT, until=SINCE + timedelta(days=1))), "untrusted"),
        (TimestampAuthority(stamper(ROOT, ())), "purpose"),
        (TimestampAuthority(stamper(ROOT, (CLIENT,))), "purpose"),
        (TimestampAuthority(stamper(ROOT, (*STAMPING, CLIENT))), "purpose"),
        (TimestampAuthority(stamper(ROOT, critical=False)), "purpose"),
        (TimestampAuthority(ROOT), "purpose"),
        (twin(), "signer"),
        (TimestampAuthority(SIGNER, say="rubbish"), "malformed"),
        (TimestampAuthority(SIGNER, say="refusal"), "not-granted"),
        (TimestampAuthority(SIGNER, say="huge"), "too-large"),
    ],
)
def test_an_answer_that_is_not_a_trusted_stamp_of_this_checkpoint_is_refused_by_name(
    service: TimestampAuthority, why: str
) -> None:
    assert reason(service) == why


def test_an_answer_to_the_question_before_is_refused() -> None:
    first, second = asked(), asked()
    answer = TimestampAuthority(SIGNER).answer(first.der)
    with pytest.raises(TimestampRefused, match="nonce"):
        second.check(answer, datetime.now(UTC), TRUST)


def test_a_stamp_stands_after_its_signers_certificate_has_ended() -> None:
    signer = stamper(ROOT, until=datetime.now(UTC) - timedelta(days=1))
    answer = TimestampAuthority(signer, shift=timedelta(days=-2)).answer(asked().der)
    assert TRUST.read(answer, JWS) < datetime.now(UTC) - timedelta(days=1)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_never_gives_another_moment(place: int, change: int) -> None:
    answer = bytearray(ANSWER)
    answer[place % len(answer)] ^= change
    try:
        assert TRUST.read(bytes(answer), JWS) == STAMPED
    except TimestampRefused:
        return


@given(st.binary(max_size=300))
def test_any_bytes_in_place_of_an_answer_are_refused_and_nothing_else(junk: bytes) -> None:
    for answer in (junk, ANSWER[:40] + junk, ANSWER[: len(junk)]):
        with pytest.raises(TimestampRefused):
            TRUST.read(answer, JWS)


@pytest.mark.parametrize("anchors", [[], [SIGNER.certificate], [make_gateway_key("x", SINCE).certificate], [b"x"]])
def test_a_trust_anchor_that_is_no_authority_is_refused(anchors: list[bytes]) -> None:
    with pytest.raises(ConfigurationError):
        TimestampTrust(anchors)


def openssl(directory: Path, *arguments: str) -> str:
    done = subprocess.run(["openssl", "ts", *arguments], cwd=directory, capture_output=True, text=True, check=False)  # noqa: S607 - Debian's own program
    return done.stdout + done.stderr


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="apt-get install openssl")


@needs_openssl
def test_the_service_of_these_tests_passes_with_openssl_as_one_of_rfc_3161(tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(ANSWER)
    (tmp_path / "jws").write_text(JWS)
    (tmp_path / "root").write_bytes(ROOT.certificate)
    told = openssl(tmp_path, "-verify", "-in", "answer", "-data", "jws", "-CAfile", "root")
    assert "Verification: OK" in told, told


@needs_openssl
def test_an_answer_that_openssl_made_is_believed(tmp_path: Path) -> None:
    question = asked()
    for name, content in (("question", question.der), ("key", SIGNER.key), ("signer", SIGNER.certificate)):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "settings").write_text(
        f"[tsa]\nserial=serial\nsigner_digest=sha256\ndefault_policy={POLICY}\ndigests=sha256\ness_cert_id_alg=sha256\n"
    )
    told = openssl(
        tmp_path,
        *("-reply", "-config", "settings", "-section", "tsa", "-queryfile", "question"),
        *("-signer", "signer", "-inkey", "key", "-out", "answer"),
    )
    assert (tmp_path / "answer").exists(), told
    question.check((tmp_path / "answer").read_bytes(), datetime.now(UTC), TRUST)


ANSWER = TimestampAuthority(SIGNER).answer(asked().der)
STAMPED = TRUST.read(ANSWER, JWS)
