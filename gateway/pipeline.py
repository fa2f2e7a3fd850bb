"""The order of the steps from bytes to a durable, sealed verdict; nobody else knows it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from uuid_utils.compat import uuid7

from gateway.errors import GatewayError
from gateway.model import Draft, Entity, EntityState, Examined, Filed, Judged, Judgement, Receipt, Submission
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import read_receipt, seal_receipt
from gateway.sealing.records import record_for
from gateway.sealing.refusals import SignatureRefused


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

    def by_certificate(self, fingerprint: str) -> Entity | None: ...

    def by_identifier(self, identifier: str) -> Entity | None: ...


class Judging(Protocol):
    """Whoever parses, verifies and judges for the pipeline."""

    async def examine(self, submission: Submission, kind: str | None) -> Examined:
        """The message as who signed it, whom it names, and what it is judged to be.

        It is judged under `kind`; where that is None, under the kind that was last told for the signer's certificate,
        or not at all. Raises validators.refusals.Refusal and SignatureRefused; Unavailable where nobody can examine it.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission: the receipt to give out, and whether the same bytes had been filed before."""

    receipt: Receipt
    repeated: bool


def _no_watch(_step: str) -> AbstractContextManager[object]:
    return nullcontext()


def _no_quota(_sender: str) -> None:
    return None


@dataclass(frozen=True)
class Pipeline:
    """The steps and what they need.

    `keyset` reads the receipts of earlier gateway keys too. `quota` is told each sender that is let in and may raise;
    `watch` is entered around the steps that are made here, by their names.
    """

    journal: Log
    senders: Senders
    keys: KeyHolder
    keyset: KeySet
    judging: Judging
    quota: Callable[[str], None] = field(default=_no_quota)
    watch: Callable[[str], AbstractContextManager[object]] = field(default=_no_watch)

    async def file(self, submission: Submission) -> Outcome:
        """Files a message: parse, verify the sender, judge, receipt, seal, append.

        Raises validators.refusals.Refusal, SignatureRefused, SenderRefused, and what the journal raises
        (DocumentConflict, Unavailable). Bytes that were filed before get the receipt that they got then, even
        where their certificate has expired since.
        """
        try:
            sender, judged = await self._examine(submission)
        except SignatureRefused:
            known = await self.journal.find(submission.sha256)
            if known is None:
                raise
            return self._known(known)
        with self.watch("seal"):
            receipt = await seal_receipt(draw_up(submission, sender, judged.judgement), self.keys)
            record = await record_for(judged, receipt, self.keys, submission.traceparent)
        with self.watch("append"):
            filed = await self.journal.append(Draft(receipt, submission.body, (record,)))
        return self._known(filed) if filed.repeated else Outcome(receipt, repeated=False)

    async def validate(self, submission: Submission) -> Judgement:
        """The verdict that `file` would give, with nothing filed; raises what `file` raises before the verdict."""
        _, judged = await self._examine(submission)
        return judged.judgement

    async def _examine(self, submission: Submission) -> tuple[Entity, Judged]:
        """Parse, verify, judge: in one go where it is remembered of what kind the signer is.

        Who the signer is at this moment, and whether it may file this, is said here; where it turns out to be of
        another kind than it was judged under, or was not known yet, the message is judged under the right one.
        """
        examined = await self.judging.examine(submission, None)
        sender = self._sender_of(examined)
        self.quota(sender.identifier)
        if examined.judged is None or examined.kind != sender.kind:
            examined = await self.judging.examine(submission, sender.kind)
        if examined.judged is None:
            raise AssertionError("a message whose sender's kind is told is judged")
        return sender, examined.judged

    def _sender_of(self, examined: Examined) -> Entity:
        """The enrolled entity that signed the message and may file it; raises SenderRefused."""
        signer = examined.signer
        entity = self.senders.by_certificate(signer.fingerprint)
        if entity is None or entity.identifier != signer.identifier:
            raise SenderNotEnrolled("the certificate is not enrolled")
        standing(entity)
        if examined.reporter is not None and examined.reporter != entity.identifier:
            raise SenderMismatch("the message names another reporting entity than its signer")
        return entity

    def _known(self, filed: Filed) -> Outcome:
        receipt = read_receipt(filed.jws, self.keyset)
        entity = self.senders.by_identifier(receipt.sender)
        if entity is None:
            raise SenderNotEnrolled("the entity is no longer enrolled")
        standing(entity)
        return Outcome(receipt, repeated=True)


def standing(entity: Entity) -> Entity:
    """The same entity; raises SenderSuspended where it may not file."""
    if entity.state is not EntityState.ACTIVE:
        raise SenderSuspended("the entity is suspended")
    return entity


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
    )
