from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judging.frames import (
    FrameDamaged,
    FrameReader,
    Kind,
    examined_of,
    examined_parts,
    packed,
    question_of,
    question_parts,
    refused_of,
    refused_parts,
    trust_of,
    trust_parts,
)
from gateway.judging.settings import Question
from gateway.model import (
    Examined,
    Finding,
    Item,
    Judged,
    Judgement,
    Series,
    Severity,
    Signer,
    Standing,
    Verdict,
)
from gateway.sealing.refusals import CertificateRefused, SignatureRefused
from gateway.sealing.trust import TrustTexts
from validators.gaming.model import Complex, ComplexState
from validators.refusals import Hostile, LimitExceeded, Refusal

FINDING = Finding("COD-001", Severity.WARNING, "/ExportData", 3, "1.2", "қ", {"table": "x"})
JUDGEMENT = Judgement(
    Verdict.ACCEPTED_WITH_WARNINGS, (FINDING,), "fm1", "doc", "2025-07-10", "0" * 64, "t", "D" * 36, None
)
REFUSED = Item(2, "I", accepted=False, findings=(FINDING,), leaf="a" * 64, content={})
BATCH = replace(JUDGEMENT, items=(REFUSED,), series=Series("KZ-1", 9, {"first": 1}), key="KZ-1", event_type="x")
COMPLEX = Complex(
    "KZ-1",
    "910101300001",
    ComplexState.ACTIVE,
    "093",
    "A",
    "710000000",
    60,
    None,
    {"M1": "MACHINE"},
    frozenset("ab"),
    7,
)
SIGNER = Signer("f" * 64, None, "910101300001")


@given(st.lists(st.lists(st.binary(max_size=40), max_size=4), max_size=6), st.integers(1, 9))
def test_frames_are_read_as_they_were_written_however_they_are_cut(frames: list[list[bytes]], step: int) -> None:
    written = b"".join(b"".join(packed(Kind.EXAMINED, number, parts)) for number, parts in enumerate(frames))
    reader = FrameReader()
    read = [frame for at in range(0, len(written), step) for frame in reader.feed(written[at : at + step])]
    assert [frame.parts for frame in read] == frames
    assert [frame.ticket for frame in read] == list(range(len(frames)))


@pytest.mark.parametrize(
    "examined",
    [
        Examined(SIGNER, "910101300001", None, "093", Judged(JUDGEMENT, (b"{}",))),
        Examined(SIGNER, None, "KZ-1", "093 KZ-1 7", Judged(BATCH, (b"{}", b"[1]"), (1, 3))),
        Examined(SIGNER, None, None, "150", Judged(BATCH, (b"{}", b"[1]"), (1, 3), ("T1", None))),
        Examined(SIGNER, None),
    ],
)
def test_an_answer_is_the_same_on_the_other_side(examined: Examined) -> None:
    steps = [("parse", 0.25), ("verify", 0.5)]
    there, told = examined_of(examined_parts(examined, steps))
    assert there == examined
    assert [tuple(step) for step in told] == steps


def refusals(root: type[Refusal] | type[SignatureRefused]) -> Iterator[type[Refusal] | type[SignatureRefused]]:
    yield root
    for heir in root.__subclasses__():
        yield from refusals(heir)


@pytest.mark.parametrize("kind", [*refusals(Refusal), *refusals(SignatureRefused)])
def test_every_kind_of_refusal_is_the_same_on_the_other_side(kind: type[Refusal] | type[SignatureRefused]) -> None:
    refused, _ = refused_of(refused_parts(kind("slug"), []))
    assert type(refused) is kind
    assert refused.reason == "slug"


def test_a_refusal_keeps_its_line_and_parameters() -> None:
    refused, steps = refused_of(refused_parts(LimitExceeded("depth", 7, {"most": "32"}), [("parse", 1.0)]))
    assert isinstance(refused, LimitExceeded)
    assert (refused.line, refused.parameters) == (7, {"most": "32"})
    assert [tuple(step) for step in steps] == [("parse", 1.0)]


@pytest.mark.parametrize("standing", [None, Standing("093"), Standing("093", taken=True), Standing("093", COMPLEX)])
def test_questions_and_trust_are_the_same_on_the_other_side(standing: Standing | None) -> None:
    question = Question(b"<x/>", datetime(2026, 11, 22, 16, 45, 0, 123456, UTC), standing)
    assert question_of(question_parts(question)) == question
    for texts in (TrustTexts((b"a", b"b"), (b"c",)), TrustTexts(())):
        assert trust_of(trust_parts(texts)) == texts


@pytest.mark.parametrize(
    "written",
    [
        b"\xff\xff\xff\xff\x04\x00\x00\x00\x01",
        b"\x00\x00\x00\x02\x04\x00\x00\x00\x01\x00\x00",
        b"\x00\x00\x00\x04\x04\x00\x00\x00\x01\x00\x00\x00\x09",
    ],
)
def test_what_is_no_frame_is_told_apart(written: bytes) -> None:
    with pytest.raises(FrameDamaged):
        list(FrameReader().feed(written))


@pytest.mark.parametrize("parts", [[], [b"{"], [b"{}"], [b'{"code":"nobody","reason":"","steps":[]}']])
def test_an_answer_that_is_none_is_told_apart(parts: list[bytes]) -> None:
    with pytest.raises(FrameDamaged):
        examined_of(parts)
    with pytest.raises(FrameDamaged):
        refused_of(parts)


def test_classes_that_share_a_code_are_none() -> None:
    for root in (Refusal, SignatureRefused):
        codes = [kind.code for kind in refusals(root)]
        assert len(codes) == len(set(codes))
    assert Hostile.code != CertificateRefused.code
