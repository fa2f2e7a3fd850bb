import asyncpg
import pytest

from gateway.errors import ConfigurationError, GatewayError, Unavailable
from gateway.intake.negotiation import LANGUAGES
from gateway.intake.problems import fill, problem_book, problem_for
from gateway.journal import DocumentConflict, EntryRefused, JournalDamaged, Overloaded
from gateway.pipeline import SenderMismatch, SenderNotEnrolled, SenderSuspended
from gateway.sealing import refusals as sealing
from validators import refusals as reading

CODES = problem_book().kinds


@pytest.mark.parametrize("code", CODES)
def test_every_problem_has_its_texts_in_three_languages(code: str) -> None:
    kind = CODES[code]
    for texts in (kind.titles, kind.details):
        assert set(texts) == set(LANGUAGES)
        assert len(set(texts.values())) == 3
    assert 400 <= kind.status < 600


@pytest.mark.parametrize("slug", problem_book().reasons)
def test_every_reason_has_its_text_in_three_languages_and_belongs_to_a_problem(slug: str) -> None:
    texts = problem_book().reasons[slug]
    assert set(texts) == set(LANGUAGES)
    if "." in slug:
        assert slug.partition(".")[0] in CODES


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (reading.NotWellFormed("syntax", 3), 400, "not-well-formed"),
        (reading.EncodingRefused("utf-7"), 400, "encoding"),
        (reading.Hostile("dtd", 1), 400, "hostile"),
        (reading.LimitExceeded("depth", None, {"most": "32"}), 400, "limit"),
        (reading.TooLarge("bytes"), 413, "too-large"),
        (sealing.SignatureMissing("no-signature"), 401, "signature-missing"),
        (sealing.SignatureOutsideProfile("rsa-sha1"), 401, "signature-outside-profile"),
        (sealing.SignatureWrong("digest"), 401, "signature-wrong"),
        (sealing.CertificateRefused("expired"), 401, "certificate-refused"),
        (SenderNotEnrolled(), 403, "sender-not-enrolled"),
        (SenderSuspended(), 403, "sender-suspended"),
        (SenderMismatch(), 403, "sender-mismatch"),
        (DocumentConflict(), 409, "document-conflict"),
        (Overloaded("full", 7), 503, "overloaded"),
        (Unavailable("gone"), 503, "unavailable"),
        (EntryRefused("secret detail"), 500, "internal"),
        (JournalDamaged("secret detail"), 500, "internal"),
        (ConfigurationError("secret detail"), 500, "internal"),
        (sealing.SealRefused("signature"), 500, "internal"),
        (GatewayError("secret detail"), 500, "internal"),
        (asyncpg.UniqueViolationError("secret detail"), 500, "internal"),
    ],
)
def test_every_error_of_the_rooms_becomes_its_problem(error: Exception, status: int, code: str) -> None:
    problem = problem_for(error, "urn:uuid:1", "en", 2)
    body = problem.body()
    assert (problem.kind.status, body["code"]) == (status, code)
    assert "secret" not in str(body)
    assert "{" not in body["detail"]
    assert ("Retry-After" in problem.headers) is (status in (429, 503))


def test_a_parameter_of_a_text_is_not_expanded_again() -> None:
    assert fill("{a} {b} {c}", {"a": "{b}", "b": "2"}) == "{b} 2 "


def test_the_time_to_wait_is_the_one_that_the_error_names() -> None:
    problem = problem_for(Overloaded("full", 7), "urn:uuid:1", "kk", 2)
    assert problem.headers["Retry-After"] == "7"
