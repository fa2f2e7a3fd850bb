"""The order of the steps from bytes to a durable, sealed verdict; nobody else knows it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import ClassVar, Protocol

from uuid_utils.compat import uuid7

from gateway.errors import GatewayError
from gateway.journal.errors import SeriesConflict
from gateway.journal.staging import LargeDraft, Staging
from gateway.model import (
    Draft,
    Entity,
    EntityState,
    Examined,
    Filed,
    Judged,
    Judgement,
    Receipt,
    Signer,
    Standing,
    Submission,
    Verdict,
)
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import read_receipt, seal_receipt
from gateway.sealing.records import items_refused, records_for, segment_records
from gateway.sealing.refusals import SignatureRefused
from validators.gaming.messages import BY_REGISTER, REGISTRATION
from validators.gaming.model import Complex
from validators.series import FORK, fork_finding
from validators.signing import undetermined_finding


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


class ConnectionMismatch(SenderRefused):
    """The message came over a connection whose certificate is not one of the entity that signed it."""

    code = "connection-mismatch"


class Large(Protocol):
    """A long message whose bytes are not in memory; its submission has an empty body.

    `size` is its length in bytes, `pieces` are its bytes in order, `examination` is what examines it: nothing is told
    of its contents before it was examined.
    """

    @property
    def size(self) -> int: ...

    def pieces(self) -> AsyncIterator[bytes]: ...

    def examination(self) -> AbstractAsyncContextManager["LongJudging"]: ...


class Log(Protocol):
    """What the pipeline needs of the journal."""

    async def append(self, draft: Draft) -> Filed: ...

    async def find(self, sha256: str, sender: str | None = None) -> Filed | None: ...

    def stage(self, receipt: Receipt) -> AbstractAsyncContextManager[Staging]: ...


class Senders(Protocol):
    """What the pipeline needs to know of those who may file; both answers are those of this moment."""

    def by_certificate(self, fingerprint: str) -> Entity | None: ...

    def by_identifier(self, identifier: str) -> Entity | None: ...


class Judging(Protocol):
    """Whoever parses, verifies and judges for the pipeline."""

    async def examine(self, submission: Submission, standing: Standing | None) -> Examined:
        """The message as who signed it, whom and which complex it names, and what it is judged to be.

        It is judged under `standing`; where that is None, under the one that was last told for the signer's
        certificate and the complex, or not at all. Raises validators.refusals.Refusal and SignatureRefused;
        Unavailable where nobody can examine it.
        """


class LongJudging(Judging, Protocol):
    """Whoever does so with one long message."""

    def contents(self, judged: Judged) -> AsyncIterator[Judged]:
        """What was judged, as segments with the contents of the accepted items; raises as `examine` does."""


class Register(Protocol):
    """What the pipeline needs to know of complexes, whoever owns them."""

    def complex_of(self, complex_id: str) -> Complex | None:
        """The complex as it is known here, at once."""

    async def complex_anew(self, sender: str, complex_id: str) -> Complex | None:
        """The same once all that the sender filed before this call is taken into account; raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission: the receipt to give out, and whether the same bytes had been filed before.

    `content` is the message as JSON, where it was accepted now and is one record.
    """

    receipt: Receipt
    repeated: bool
    content: bytes | None = field(default=None, repr=False)


def _no_watch(_step: str) -> AbstractContextManager[object]:
    return nullcontext()


def _no_quota(_sender: str) -> None:
    return None


def over_any_connection(_entity: Entity, _peer: str | None) -> bool:
    """That an entity may file over any connection: its message's own signature is the credential."""
    return True


async def _as_lists_say(signer: Signer, _at: datetime) -> bool:
    return signer.revocation_known


@dataclass(frozen=True)
class Pipeline:
    """The steps and what they need.

    `keyset` reads the receipts of earlier gateway keys too. `quota` is told each sender that is let in and may raise;
    `revocation` says whether the signer's certificate is known not to be revoked at a moment, and raises
    CertificateRefused where it is, or Unavailable where that must be known first; `watch` is entered around the steps
    that are made here, by their names. `connected` says whether an entity may file over the connection with that
    certificate.
    """

    journal: Log
    senders: Senders
    keys: KeyHolder
    keyset: KeySet
    judging: Judging
    register: Register
    quota: Callable[[str], None] = field(default=_no_quota)
    connected: Callable[[Entity, str | None], bool] = field(default=over_any_connection)
    revocation: Callable[[Signer, datetime], Awaitable[bool]] = field(default=_as_lists_say)
    watch: Callable[[str], AbstractContextManager[object]] = field(default=_no_watch)

    async def file(self, submission: Submission) -> Outcome:
        """Files a message: parse, verify the sender, judge, receipt, seal, append.

        Raises validators.refusals.Refusal, SignatureRefused, SenderRefused, and what the journal raises
        (DocumentConflict, SeriesConflict, Unavailable). Bytes that were filed before get the receipt that they got
        then, even where their certificate has expired or was revoked since. A second message under the number of
        another one is kept as a refused one, as evidence, before SeriesConflict is raised, and raises it again whenever
        it comes.
        """
        try:
            sender, judged = await self._examine(submission, self.judging)
        except (SignatureRefused, SenderNotEnrolled):
            known = await self.journal.find(submission.sha256)
            if known is None:
                raise
            return self._known(known, submission)
        try:
            return await self._keep(submission, sender, judged)
        except SeriesConflict:
            outcome = await self._keep(submission, sender, forked(judged))
            raise forks(outcome.receipt) from None

    async def file_large(self, submission: Submission, large: Large) -> Outcome:
        """Files a long message in the same order, and with the same outcome, as `file` does.

        Bytes that were filed before are known by their digest before anything else. The records are made and staged
        segment by segment after the whole was verified and judged, and nobody sees them before all is appended.
        """
        known = await self.journal.find(submission.sha256)
        if known is not None:
            return self._known(known, submission)
        async with large.examination() as judging:
            sender, judged = await self._examine(submission, judging)
            try:
                return await self._keep_large(submission, sender, judged, large, judging)
            except SeriesConflict:
                outcome = await self._keep_large(submission, sender, forked(judged), large, judging)
                raise forks(outcome.receipt) from None

    async def _keep_large(
        self, submission: Submission, sender: Entity, judged: Judged, large: Large, judging: LongJudging
    ) -> Outcome:
        """Stages the bytes and the records part by part, and appends the whole."""
        receipt = await seal_receipt(draw_up(submission, sender, judged.judgement), self.keys)
        async with self.journal.stage(receipt) as staging:
            async for piece in large.pieces():
                await staging.add_body(piece)
            if judged.judgement.verdict.stands:
                async for segment in judging.contents(judged):
                    await staging.add_records(
                        await segment_records(segment, receipt, self.keys, submission.traceparent)
                    )
                rest = await items_refused(receipt, self.keys, submission.traceparent)
            else:
                rest = await records_for(judged, receipt, self.keys, submission.traceparent)
            if rest:
                await staging.add_records(rest)
            filed = await staging.append(LargeDraft(receipt, large.size))
        return self._known(filed, submission) if filed.repeated else Outcome(receipt, repeated=False)

    async def _keep(self, submission: Submission, sender: Entity, judged: Judged) -> Outcome:
        """Seals and appends; what had been filed before answers as it did then."""
        with self.watch("seal"):
            receipt = await seal_receipt(draw_up(submission, sender, judged.judgement), self.keys)
            records = await records_for(judged, receipt, self.keys, submission.traceparent)
        with self.watch("append"):
            filed = await self.journal.append(Draft(receipt, submission.body, records))
        if filed.repeated:
            return self._known(filed, submission)
        whole = judged.contents and not judged.numbers
        return Outcome(receipt, repeated=False, content=judged.contents[0] if whole else None)

    async def validate(self, submission: Submission) -> Judgement:
        """The verdict that `file` would give, with nothing filed; raises what `file` raises before the verdict."""
        _, judged = await self._examine(submission, self.judging)
        return judged.judgement

    async def _examine(self, submission: Submission, judging: Judging) -> tuple[Entity, Judged]:
        """Parse, verify, judge: in one go where it is remembered as whom the signer is judged.

        Who the signer is at this moment, and whether it may file this, is said here; where it turns out to have
        another standing than it was judged under, or none was known yet, the message is judged under the right one.
        No complex is registered or changed, and nothing is refused by what it is registered as, before all that its
        owner filed about it is known; whatever else is wrong with a message is said at once.
        """
        examined = await judging.examine(submission, None)
        sender = self._at_the_door(self._sender_of(examined), submission)
        self.quota(sender.identifier)
        known = await self.revocation(examined.signer, submission.received_at)
        named = examined.complex_id
        standing = standing_of(sender, self.register.complex_of(named) if named else None)
        judged = await _judged(submission, examined, standing, judging)
        if named and (standing.complex is None or _hangs_on_register(judged.judgement)):
            anew = standing_of(sender, await self.register.complex_anew(sender.identifier, named))
            if anew.mark != standing.mark:
                judged = await _judged(submission, examined, anew, judging)
        return sender, judged if known else unchecked(judged)

    def _at_the_door(self, sender: Entity, submission: Submission) -> Entity:
        """The same entity; raises ConnectionMismatch where it did not come over a connection of its own."""
        if not self.connected(sender, submission.peer):
            raise ConnectionMismatch("the connection's certificate is not one of the sender's")
        return sender

    def _sender_of(self, examined: Examined) -> Entity:
        """The enrolled entity that signed the message and may file it; raises SenderRefused."""
        signer = examined.signer
        entity = self.senders.by_certificate(signer.fingerprint)
        if entity is None or entity.identifier != signer.identifier:
            raise SenderNotEnrolled("the certificate is not enrolled")
        standing(entity)
        check_reporter(examined.reporter, entity.identifier)
        return entity

    def _known(self, filed: Filed, submission: Submission) -> Outcome:
        receipt = read_receipt(filed.jws, self.keyset)
        entity = self.senders.by_identifier(receipt.sender)
        if entity is None:
            raise SenderNotEnrolled("the entity is no longer enrolled")
        self._at_the_door(standing(entity), submission)
        if any(finding.code == FORK for finding in receipt.findings):
            raise forks(receipt)
        return Outcome(receipt, repeated=True)


async def _judged(submission: Submission, examined: Examined, standing: Standing, judging: Judging) -> Judged:
    """The message judged under that standing, by what was examined where it was the same."""
    if examined.judged is not None and examined.mark == standing.mark:
        return examined.judged
    judged = (await judging.examine(submission, standing)).judged
    if judged is None:
        raise AssertionError("a message whose sender's standing is told is judged")
    return judged


def _hangs_on_register(judgement: Judgement) -> bool:
    """Whether a newer register of complexes may lead to another verdict, or the message changes the register."""
    if judgement.message_type == REGISTRATION:
        return True
    found = chain(judgement.findings, *(item.findings for item in judgement.items))
    return any(finding.code in BY_REGISTER for finding in found)


def unchecked(judged: Judged) -> Judged:
    """The same with the warning that the revocation of the signer's certificate could not be checked."""
    judgement = judged.judgement
    accepted = judgement.verdict is Verdict.ACCEPTED
    return replace(
        judged,
        judgement=replace(
            judgement,
            findings=(*judgement.findings, undetermined_finding()),
            verdict=Verdict.ACCEPTED_WITH_WARNINGS if accepted else judgement.verdict,
        ),
    )


def forked(judged: Judged) -> Judged:
    """The same as a refused one, since its number was taken."""
    return Judged(replace(judged.judgement, verdict=Verdict.REFUSED, findings=(fork_finding(judged.judgement),)))


def forks(receipt: Receipt) -> SeriesConflict:
    """The conflict of a message that is kept as a refused one, since its number was taken."""
    return SeriesConflict("an accepted message has this number in its series, and other bytes", str(receipt.id))


def standing(entity: Entity) -> Entity:
    """The same entity; raises SenderSuspended where it may not file."""
    if entity.state is not EntityState.ACTIVE:
        raise SenderSuspended("the entity is suspended")
    return entity


def standing_of(sender: Entity, named: Complex | None) -> Standing:
    """As whom the sender is judged, who names this complex: another owner's is none of his, only taken."""
    if named is not None and named.owner != sender.identifier:
        return Standing(sender.kind, taken=True)
    return Standing(sender.kind, named)


def check_reporter(reporter: str | None, signer: str | None) -> None:
    """Raises SenderMismatch where the message names another reporting entity than the one that signed it."""
    if reporter is not None and reporter != signer:
        raise SenderMismatch("the message names another reporting entity than its signer")


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
        items=judgement.items,
        series=judgement.series,
    )
