"""What witnesses ask for and bring: leaves, and co-signatures of checkpoints."""

from collections.abc import Sequence
from typing import Annotated

import orjson
import structlog
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.intake.authentication import witness_of
from gateway.intake.bodies import read_body
from gateway.intake.documentation import (
    CheckpointFacts,
    CosignatureBody,
    CosignatureFacts,
    LeafList,
    add_get,
    add_post,
)
from gateway.intake.facts import checkpoint_facts
from gateway.intake.negotiation import JSON
from gateway.intake.refusals import JsonRefused, NotFound, ParameterRefused
from gateway.intake.services import Services
from gateway.journal.audit import AUDIT_LEDGER
from gateway.sealing.cosignatures import read_cosignature
from gateway.sealing.receipts import moment_text
from gateway.sealing.refusals import SealRefused

AUDIT = "/v1/audit/checkpoints"
MOST_LEAVES = 4096
MOST_BYTES = 4096
_LARGEST_LEDGER = 2**31 - 1
_LARGEST_SEQ = 2**62

log = structlog.get_logger(__name__)


def witness_router(services: Services) -> APIRouter:
    """`/v1/checkpoints/leaves`, `/v1/checkpoints/cosignatures`, and of the audit log what lies below AUDIT."""
    witnessing = Witnessing(services)
    router = APIRouter(tags=["facts"])
    add_get(router, "/v1/checkpoints/leaves", witnessing.leaves, LeafList, 400, 404, 503)
    shapes = (CosignatureBody, CosignatureFacts)
    mistakes = (400, 401, 404, 503)
    add_get(router, f"{AUDIT}/latest", witnessing.audit_latest, CheckpointFacts, *mistakes, who="witness")
    add_get(router, f"{AUDIT}/leaves", witnessing.audit_leaves, LeafList, *mistakes, who="witness")
    add_post(router, "/v1/checkpoints/cosignatures", witnessing.take, shapes, 400, 404, 413, 422, 503, secured=False)
    return router


class Witnessing:
    """The handlers of the routes of witnesses."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def leaves(
        self,
        ledger: Annotated[int, Query(ge=0, le=_LARGEST_LEDGER)] = 0,
        after: Annotated[int, Query(ge=0, le=_LARGEST_SEQ)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_LEAVES)] = MOST_LEAVES,
    ) -> Response:
        """The RFC 9162 leaf hashes of the entries after one, from which the chain of checkpoints is computed again.

        Answered where the gateway has a witness.
        """
        if not len(self._services.witnesses):
            raise NotFound
        return _leaves(ledger, after, await self._services.journal.leaves(ledger, after, limit))

    async def audit_latest(self, request: Request) -> Response:
        """The newest checkpoint of the audit log, whose ledger is -1: for witnesses, since its length tells how busy
        the FMA's people are.
        """
        witness_of(request, self._services)
        audit = self._services.identity.audit
        latest = await audit.latest_checkpoint()
        if latest is None:
            raise NotFound
        stamp = await self._services.timestamps.newest(AUDIT_LEDGER)
        facts = checkpoint_facts(latest, await audit.newest_cosignatures(), stamp)
        return Response(orjson.dumps(facts), headers={"Cache-Control": "no-store"}, media_type=JSON)

    async def audit_leaves(
        self,
        request: Request,
        after: Annotated[int, Query(ge=0, le=_LARGEST_SEQ)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_LEAVES)] = MOST_LEAVES,
    ) -> Response:
        """The leaf hashes of the audit log's entries after one: for witnesses, since what an entry says can be guessed
        and tried.
        """
        witness_of(request, self._services)
        return _leaves(AUDIT_LEDGER, after, await self._services.identity.audit.leaves(after, limit))

    async def take(self, request: Request) -> Response:
        """Keeps the co-signature of a witness whose certificate the gateway was started with."""
        if not len(self._services.witnesses):
            raise NotFound
        jws = await self._jws(request)
        try:
            cosignature = read_cosignature(jws, self._services.witnesses)
        except SealRefused as error:
            raise ParameterRefused(name="cosignature", expected=f"JWS ({error.reason})") from error
        is_audit = cosignature.ledger == AUDIT_LEDGER
        kept_in = self._services.identity.audit if is_audit else self._services.journal
        if not await kept_in.store_cosignature(cosignature):
            log.critical("witness.other_history", ledger=cosignature.ledger, seq=cosignature.seq)
            raise NotFound
        facts = {
            "ledger": cosignature.ledger,
            "seq": cosignature.seq,
            "chain": cosignature.chain.hex(),
            "seen_at": moment_text(cosignature.seen_at),
            "witness": cosignature.witness,
        }
        return Response(orjson.dumps(facts), 201, headers={"Cache-Control": "no-store"}, media_type=JSON)

    async def _jws(self, request: Request) -> str:
        bounds = self._services.settings.bounds
        with self._services.bytes_gate.hold() as held:
            body = await read_body(request, MOST_BYTES, bounds.body_seconds, held)
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise JsonRefused(expected='{"cosignature": "..."}') from error
        jws = content.get("cosignature") if isinstance(content, dict) else None
        if not isinstance(jws, str):
            raise JsonRefused(expected='{"cosignature": "..."}')
        return jws


def _leaves(ledger: int, after: int, found: Sequence[bytes]) -> Response:
    facts = {"ledger": ledger, "after": after, "leaves": [leaf.hex() for leaf in found]}
    return Response(orjson.dumps(facts), headers={"Cache-Control": "no-store"}, media_type=JSON)
