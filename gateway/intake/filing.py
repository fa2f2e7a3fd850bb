"""The way in: `POST /v1/messages` and `POST /v1/validate`."""

from contextlib import AbstractAsyncContextManager, ExitStack
from hashlib import sha256

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.intake.bodies import read_body, require_xml, take_body
from gateway.intake.door import peer_of
from gateway.intake.end_of_day import day_told
from gateway.intake.negotiation import JSON, XML_TYPES, choose_media_type
from gateway.intake.occurrence import occurrence_of
from gateway.intake.presenting import judgement_facts, receipt_answer
from gateway.intake.services import Services
from gateway.intake.spool import SpoolFile
from gateway.intake.turns import address_of, claim_of
from gateway.model import Submission
from gateway.pipeline import Outcome

MESSAGES = "/v1/messages"
VALIDATE = "/v1/validate"
CREATED, REPEATED, REFUSED = 201, 200, 422


class Filing:
    """The two routes that take a message; both are bounded by the same gates."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._bounds = services.settings.bounds

    async def file(self, request: Request) -> Response:
        """Files the body; the answer is the receipt, or with `Accept: application/xml` the signed notice."""
        occurrence = occurrence_of(request)
        occurrence.route = MESSAGES
        require_xml(request)
        outcome = await self._filed(request)
        verdict = outcome.receipt.verdict
        occurrence.verdict = verdict.value
        self._services.metrics.verdict(verdict.value, repeated=outcome.repeated)
        media_type = choose_media_type(request.headers.get("accept", ""), (JSON, *XML_TYPES)) or JSON
        day = await day_told(outcome, self._services.oversight) if media_type == JSON else None
        return await receipt_answer(
            outcome.receipt,
            status_of(outcome),
            media_type,
            occurrence.language,
            self._services.keys,
            beside={} if day is None else {"day": day},
        )

    async def _filed(self, request: Request) -> Outcome:
        """What becomes of the body: a short one waits for its turn, for long ones there are few places."""
        services, address = self._services, address_of(request)
        with ExitStack() as stack:
            held = stack.enter_context(services.bytes_gate.hold_for(address))
            with services.metrics.step("read"):
                body = await take_body(
                    request, self._bounds, held, lambda: stack.enter_context(services.spool.place(address))
                )
            if isinstance(body, SpoolFile):
                spooled = await body.complete(services.spool.judging)
                submission = self._submission(request, b"", spooled.sha256)
                return await services.pipeline.file_large(submission, spooled)
            submission = self._submission(request, body, sha256(body).hexdigest())
            async with self._turn(request, submission):
                return await services.pipeline.file(submission)

    async def validate(self, request: Request) -> Response:
        """Judges the body and files nothing."""
        occurrence = occurrence_of(request)
        occurrence.route = VALIDATE
        require_xml(request)
        with self._services.bytes_gate.hold_for(address_of(request)) as held:
            with self._services.metrics.step("read"):
                body = await read_body(request, self._bounds.body_bytes, self._bounds.body_seconds, held)
            submission = self._submission(request, body, sha256(body).hexdigest())
            async with self._turn(request, submission):
                judgement = await self._services.pipeline.validate(submission)
        occurrence.verdict = judgement.verdict.value
        facts = judgement_facts(judgement, submission, occurrence.language)
        return Response(orjson.dumps(facts), media_type=JSON, headers={"Content-Language": occurrence.language})

    def _turn(self, request: Request, submission: Submission) -> AbstractAsyncContextManager[None]:
        """The message's turn among all that were read completely."""
        return self._services.turns.turn(claim_of(submission.body, address_of(request)))

    def _submission(self, request: Request, body: bytes, digest: str) -> Submission:
        occurrence = occurrence_of(request)
        occurrence.digest = digest
        now, peer = self._services.clock(), peer_of(request.scope)
        return Submission(body, occurrence.digest, now, occurrence.traceparent, peer)


def status_of(outcome: Outcome) -> int:
    """The HTTP status of what became of a submission."""
    if outcome.repeated:
        return REPEATED
    return CREATED if outcome.receipt.verdict.stands else REFUSED
