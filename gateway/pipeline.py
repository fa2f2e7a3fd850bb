"""The order of the steps from bytes to a durable, sealed verdict; nobody else knows it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, TypeVar, cast

from lxml import etree
from uuid_utils.compat import uuid7

from gateway.errors import GatewayError
from gateway.journal.errors import SeriesConflict
from gateway.model import (
    Circumstances,
    Draft,
    Entity,
    EntityState,
    Filed,
    Judgement,
    Receipt,
    Signer,
    Submission,
    Verdict,
)
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import read_receipt, seal_receipt
from gateway.sealing.records import records_for
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import verify_signature
from validators.identifiers import has_identifier_form
from validators.judge import judge
from validators.limits import DEFAULT_LIMITS, Limits
from validators.parsing import ParsedMessage, parse
from validators.profiles import ProfileBook
from validators.series import FORK, fork_finding

REPORTER = etree.XPath("SignedData/Data/Root/PersonalData/IINBIN/text()", smart_strings=False)
T = TypeVar("T")


class SenderRefused(GatewayError):
    """The signature holds, but its signer may not file this."""

    code: ClassVar[str] = "sender-refused"


class SenderNotEnrolled(SenderRefused):
    """The certificate that signed is not enrolled for any entity."""

    code = "sender-not-enrolled"


class SenderSuspended(SenderRefused):
    """The entity that signed is suspended."""

    code = "sender-suspended"


class SenderMismatch(SenderRefused):
    """The message names another reporting entity than the one that signed it."""

    code = "sender-mismatch"


class Log(Protocol):
    """What the pipeline needs of the journal."""

    async def append(self, draft: Draft) -> Filed: ...

    async def find(self, sha256: str, sender: str | None = None) -> Filed | None: ...


class Senders(Protocol):
    """What the pipeline needs to know of those who may file; both answers are those of this moment."""

    @property
    def trust(self) -> TrustStore: ...

    def by_certificate(self, fingerprint: str) -> Entity | None: ...

    def by_identifier(self, identifier: str) -> Entity | None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission: the receipt to give out, and whether the same bytes had been filed before."""

    receipt: Receipt
    repeated: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A message that was parsed and whose signature holds, with the entity that signed it."""

    message: ParsedMessage
    sender: Entity


def _no_watch(_step: str) -> AbstractContextManager[object]:
    return nullcontext()


def _no_quota(_sender: str) -> None:
    return None


@dataclass(frozen=True)
class Pipeline:
    """The steps and what they need.

    `keyset` reads the receipts of earlier gateway keys too. Bodies longer than `inline_bytes` are checked and judged
    in `workers`, shorter ones at once; `quota` is told each sender that is let in and may raise; `watch` is entered
    around each step by its name.
    """

    journal: Log
    senders: Senders
    keys: KeyHolder
    keyset: KeySet
    profiles: ProfileBook
    limits: Limits = DEFAULT_LIMITS
    workers: Executor | None = None
    inline_bytes: int = 65_536
    quota: Callable[[str], None] = field(default=_no_quota)
    watch: Callable[[str], AbstractContextManager[object]] = field(default=_no_watch)

    async def file(self, submission: Submission) -> Outcome:
        """Files a message: parse, verify the sender, judge, receipt, seal, append.

        Raises validators.refusals.Refusal, SignatureRefused, SenderRefused, and what the journal raises
        (DocumentConflict, SeriesConflict, Unavailable). Bytes that were filed before get the receipt that they got
        then, even where their certificate has expired since. A second message under the number of another one is
        kept as a refused one, as evidence, before SeriesConflict is raised, and raises it again whenever it comes.
        """
        try:
            checked, judgement = await self._run(self._check_and_judge, submission)
        except SignatureRefused:
            known = await self.journal.find(submission.sha256)
            if known is None:
                raise
            return self._known(known)
        try:
            return await self._keep(submission, checked.sender, judgement)
        except SeriesConflict:
            forked = replace(judgement, verdict=Verdict.REFUSED, findings=(fork_finding(judgement),))
            outcome = await self._keep(submission, checked.sender, forked)
            raise forks(outcome.receipt) from None

    async def _keep(self, submission: Submission, sender: Entity, judgement: Judgement) -> Outcome:
        """Seals and appends; what had been filed before answers as it did then."""
        with self.watch("seal"):
            receipt = await seal_receipt(draw_up(submission, sender, judgement), self.keys)
            records = await records_for(judgement, receipt, self.keys, submission.traceparent)
        with self.watch("append"):
            filed = await self.journal.append(Draft(receipt, submission.body, records))
        return self._known(filed) if filed.repeated else Outcome(receipt, repeated=False)

    async def validate(self, submission: Submission) -> Judgement:
        """The verdict that `file` would give, with nothing filed; raises what `file` raises before the verdict."""
        _, judgement = await self._run(self._check_and_judge, submission)
        return judgement

    async def _run(self, step: Callable[[Submission], T], submission: Submission) -> T:
        if self.workers is None or len(submission.body) <= self.inline_bytes:
            return step(submission)
        return await asyncio.get_running_loop().run_in_executor(self.workers, step, submission)

    def _check_and_judge(self, submission: Submission) -> tuple[Checked, Judgement]:
        checked = self._check(submission)
        self.quota(checked.sender.identifier)
        circumstances = Circumstances(submission.received_at, checked.sender.kind)
        with self.watch("judge"):
            return checked, judge(checked.message, circumstances, self.profiles)

    def _check(self, submission: Submission) -> Checked:
        with self.watch("parse"):
            message = parse(submission.body, self.limits)
        with self.watch("verify"):
            signer = verify_signature(message.root, self.senders.trust, submission.received_at)
        sender = self._entity_of(signer)
        reporter = reporter_of(message.root)
        if reporter is not None and reporter != sender.identifier:
            raise SenderMismatch("the message names another reporting entity than its signer")
        return Checked(message, sender)

    def _entity_of(self, signer: Signer) -> Entity:
        entity = self.senders.by_certificate(signer.fingerprint)
        if entity is None or entity.identifier != signer.identifier:
            raise SenderNotEnrolled("the certificate is not enrolled")
        return standing(entity)

    def _known(self, filed: Filed) -> Outcome:
        receipt = read_receipt(filed.jws, self.keyset)
        entity = self.senders.by_identifier(receipt.sender)
        if entity is None:
            raise SenderNotEnrolled("the entity is no longer enrolled")
        standing(entity)
        if any(finding.code == FORK for finding in receipt.findings):
            raise forks(receipt)
        return Outcome(receipt, repeated=True)


def forks(receipt: Receipt) -> SeriesConflict:
    """The conflict of a message that is kept as a refused one, since its number was taken."""
    return SeriesConflict("an accepted message has this number in its series, and other bytes", str(receipt.id))


def standing(entity: Entity) -> Entity:
    """The same entity; raises SenderSuspended where it may not file."""
    if entity.state is not EntityState.ACTIVE:
        raise SenderSuspended("the entity is suspended")
    return entity


def reporter_of(root: etree._Element) -> str | None:
    """The 12 digits by which the message names its reporting entity; None where it names none, or not so."""
    texts = cast("list[str]", REPORTER(root))
    return next(filter(has_identifier_form, texts), None)


def draw_up(submission: Submission, sender: Entity, judgement: Judgement) -> Receipt:
    """The receipt on a judged message, under a new id and not sealed yet."""
    return Receipt(
        id=uuid7(),
        verdict=judgement.verdict,
        document=judgement.document,
        version=judgement.version,
        sender=sender.identifier,
        sha256=submission.sha256,
        received_at=submission.received_at,
        family=judgement.family,
        message_type=judgement.message_type,
        edition=judgement.edition,
        codes_digest=judgement.codes_digest,
        findings=judgement.findings,
        items=tuple(item for item in judgement.items if not item.accepted),
        series=judgement.series,
    )
