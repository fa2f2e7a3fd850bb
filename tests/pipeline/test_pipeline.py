import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest
from lxml import etree

from gateway.intake.services import Services
from gateway.journal import Directory, DocumentConflict, Enrolment
from gateway.judging.examination import reporter_of
from gateway.judging.inside import JudgingInside
from gateway.judging.processes import JudgingProcesses
from gateway.judging.settings import JudgingSettings
from gateway.model import IdentifierKind, Submission, Verdict
from gateway.pipeline import (
    Pipeline,
    SenderMismatch,
    SenderNotEnrolled,
    SenderSuspended,
)
from gateway.sealing.generation import make_authority
from gateway.sealing.receipts import read_receipt
from gateway.sealing.refusals import CertificateRefused, SignatureMissing, SignatureWrong
from gateway.sealing.trust import TrustStore, TrustTexts
from tests.intake.kit import NOW, World
from validators.refusals import Hostile, TooLarge

LATER = timedelta(days=3000)


def submission(body: bytes, at: datetime | None = None) -> Submission:
    return Submission(body, hashlib.sha256(body).hexdigest(), at or datetime.now(UTC))


@pytest.fixture
def pipeline(services: Services) -> Pipeline:
    return services.pipeline


async def test_a_message_goes_through_all_steps_in_their_order(
    pipeline: Pipeline, world: World, services: Services
) -> None:
    steps: list[str] = []

    def watch(step: str) -> AbstractContextManager[object]:
        steps.append(step)
        return nullcontext()

    def timed(step: str, _seconds: float) -> None:
        steps.append(step)

    with JudgingInside(JudgingSettings(), lambda: services.senders.trust, timed) as judging:
        await replace(pipeline, judging=judging).validate(submission(world.message()))
        steps.clear()
        outcome = await replace(pipeline, judging=judging, watch=watch).file(submission(world.message()))
    assert steps == ["parse", "verify", "judge", "seal", "append"]
    assert outcome.receipt.verdict.stands
    assert not outcome.repeated
    assert read_receipt(outcome.receipt.jws, pipeline.keyset) == outcome.receipt


async def test_a_receipt_holds_what_was_sent_by_whom_and_when(pipeline: Pipeline, world: World) -> None:
    given = submission(world.message())
    receipt = (await pipeline.file(given)).receipt
    assert (receipt.sha256, receipt.received_at) == (given.sha256, given.received_at)
    assert receipt.sender == world["casino"].identifier
    root = etree.fromstring(given.body)
    assert receipt.document == root.findtext("SignedData/Data/Root/DocumentUniqueIdentifier")
    assert receipt.version == root.findtext("SignedData/Data/Root/Version")


async def test_what_is_filed_is_kept_with_its_bytes_and_one_record(
    pipeline: Pipeline, world: World, services: Services
) -> None:
    for body, topic in ((world.message(), "fma.fm1.threshold.v1"), (world.refused_message(), "fma.rejections.v1")):
        receipt = (await pipeline.file(submission(body))).receipt
        entry = await services.journal.by_id(receipt.id, receipt.sender)
        assert entry is not None
        assert (entry.body, entry.jws) == (body, receipt.jws)
        assert [record.topic for record in entry.records] == [topic]
        assert entry.records[0].key == receipt.sender


async def test_a_refused_message_is_kept_with_its_receipt_too(pipeline: Pipeline, world: World) -> None:
    body = world.refused_message()
    first = await pipeline.file(submission(body))
    again = await pipeline.file(submission(body))
    assert first.receipt.verdict is Verdict.REFUSED
    assert (again.repeated, again.receipt) == (True, first.receipt)


async def test_bytes_filed_before_get_their_receipt_after_the_certificate_has_expired(
    pipeline: Pipeline, world: World
) -> None:
    body = world.message()
    first = await pipeline.file(submission(body))
    again = await pipeline.file(submission(body, NOW + LATER))
    assert (again.repeated, again.receipt) == (True, first.receipt)
    with pytest.raises(CertificateRefused):
        await pipeline.file(submission(world.message(), NOW + LATER))


async def test_bytes_filed_before_get_their_receipt_after_the_anchor_is_gone(
    pipeline: Pipeline, world: World, services: Services
) -> None:
    body = world.message()
    first = await pipeline.file(submission(body))

    class Untrusting:
        trust = TrustStore([])
        by_certificate = staticmethod(services.senders.by_certificate)
        by_identifier = staticmethod(services.senders.by_identifier)

    again = await replace(pipeline, senders=Untrusting()).file(submission(body))
    assert again.receipt == first.receipt


async def test_the_same_document_with_other_bytes_conflicts_with_the_accepted_one(
    pipeline: Pipeline, world: World
) -> None:
    root = world.tree("casino")
    await pipeline.file(submission(world["casino"].sign(root)))
    other = root.find("SignedData/Data/Root/MessageInformation/MoreInformation")
    assert other is not None
    other.text = "другое"
    with pytest.raises(DocumentConflict):
        await pipeline.file(submission(world["casino"].sign(root)))


async def test_what_is_not_a_message_of_a_known_sender_is_not_kept(
    pipeline: Pipeline, world: World, services: Services
) -> None:
    mismatch = world.message("casino", {"PersonalData/IINBIN": world["bank"].identifier})
    changed = world.message().decode("utf-16").replace("0121", "0122").encode("utf-16")
    cases: list[tuple[bytes, type[Exception]]] = [
        (b"<!DOCTYPE a><a/>", Hostile),
        (b"<a/>", SignatureMissing),
        (changed, SignatureWrong),
        (world.message("stranger"), SenderNotEnrolled),
        (world.message("halted"), SenderSuspended),
        (mismatch, SenderMismatch),
        (b" " * 5_000_000, TooLarge),
    ]
    length = (await services.journal.head(0)).seq
    for body, error in cases:
        with pytest.raises(error):
            await pipeline.file(submission(body))
        with pytest.raises(error):
            await pipeline.validate(submission(body))
        assert await services.journal.find(hashlib.sha256(body).hexdigest()) is None
    assert (await services.journal.head(0)).seq == length


async def test_another_valid_certificate_of_the_same_entity_is_not_enough(pipeline: Pipeline, world: World) -> None:
    enrolled = world["casino"]
    renewed = world.add("casino")
    world.parties["casino"] = enrolled
    with pytest.raises(SenderNotEnrolled):
        await pipeline.file(submission(renewed.sign(world.tree("casino"))))


async def test_a_second_certificate_that_is_enrolled_is_as_good_as_the_first(
    pipeline: Pipeline, world: World, services: Services
) -> None:
    enrolled = world["jeweller"]
    renewed = world.add("jeweller", "150")
    await world.enrol("jeweller")
    await services.senders._directory.refresh()
    for party in (enrolled, renewed):
        outcome = await pipeline.file(submission(party.sign(world.tree("jeweller"))))
        assert outcome.receipt.verdict.stands


async def test_an_anchor_that_is_added_is_trusted_from_then_on(
    pipeline: Pipeline, world: World, services: Services
) -> None:
    before = services.senders.trust
    async with Directory(world.settings.database_url) as directory:
        await directory.add_anchor(make_authority("ANOTHER CA", NOW).certificate, NOW)
    await services.senders._directory.refresh()
    assert services.senders.trust is not before
    assert services.senders.trust is services.senders.trust
    assert (await pipeline.file(submission(world.message()))).receipt.verdict.stands


@pytest.mark.parametrize("inline_bytes", [0, 65_536])
async def test_the_verdict_is_the_same_wherever_it_is_made(
    pipeline: Pipeline, world: World, services: Services, inline_bytes: int
) -> None:
    given = submission(world.refused_message(), NOW)
    settings = JudgingSettings(inline_bytes=inline_bytes)

    def trust() -> TrustTexts:
        return services.senders.trust

    with JudgingInside(settings, trust, services.metrics.timed) as inside:
        here = await replace(pipeline, judging=inside).validate(given)
    async with JudgingProcesses(1, settings, trust, services.metrics.timed) as beside:
        there = await replace(pipeline, judging=beside).validate(given)
    assert here == there == await pipeline.validate(given)


async def test_the_kind_of_the_enrolled_entity_is_told_to_the_judge(pipeline: Pipeline, world: World) -> None:
    own = await pipeline.validate(submission(world.message("casino")))
    other = await pipeline.validate(submission(world.message("casino", {"PersonalData/OrganisationCode": "011"})))
    assert len(other.findings) > len(own.findings)


@pytest.mark.parametrize(
    ("text", "reporter"),
    [
        ("230941821107", "230941821107"),
        (" 230941821107", None),
        ("23094182110", None),
        ("2309418211078", None),
        ("٢٣٠٩٤١٨٢١١٠٧", None),
        ("", None),
    ],
)
def test_only_12_ascii_digits_name_a_reporter(text: str, reporter: str | None) -> None:
    root = etree.fromstring(
        "<E><SignedData><Data><Root><PersonalData><IINBIN/></PersonalData></Root></Data></SignedData></E>"
    )
    element = root.find(".//IINBIN")
    assert element is not None
    element.text = text
    assert reporter_of(root) == reporter


def test_a_message_without_personal_data_names_no_reporter() -> None:
    assert reporter_of(etree.fromstring("<ExportData/>")) is None


async def test_the_samples_behave_as_their_readme_says(pipeline: Pipeline, world: World, services: Services) -> None:
    samples = Path(__file__).parents[1] / "samples"
    senders = {"casino": "093", "bank": "011", "jeweller": "150"}
    async with Directory(world.settings.database_url) as directory:
        await directory.add_anchor((samples / "ca.pem").read_bytes(), NOW)
        for name, kind in senders.items():
            pem = (samples / f"{name}.pem").read_bytes()
            signer = TrustStore([(samples / "ca.pem").read_bytes()]).trusted([PEM_cert_to_DER_cert(pem.decode())], NOW)
            identifier = signer.signer.bin
            assert identifier is not None
            await directory.enrol(Enrolment(identifier, IdentifierKind.BIN, kind, name, (pem,)), NOW)
    await services.senders._directory.refresh()
    for name in ("fm1-threshold-casino", "fm1-suspicious-bank-rsa", "fm1-threshold-jeweller"):
        outcome = await pipeline.file(submission((samples / f"{name}.xml").read_bytes()))
        assert outcome.receipt.verdict.stands, outcome.receipt.findings
    with pytest.raises(SignatureWrong) as refused:
        await pipeline.file(submission((samples / "fm1-tampered-after-signing.xml").read_bytes()))
    assert refused.value.reason == "digest"
