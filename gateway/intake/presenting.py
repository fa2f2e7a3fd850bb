"""What a receipt and a verdict look like to the one who asked."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from starlette.responses import Response

from gateway.intake.negotiation import JSON
from gateway.model import Judgement, Receipt, Submission
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import found_facts, receipt_facts, series_facts, told_findings


async def receipt_answer(
    receipt: Receipt,
    status: int,
    media_type: str,
    language: str,
    keys: KeyHolder,
    *,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """The receipt's facts as JSON, with what is told beside them, or the signed notice when `media_type` is of XML."""
    headers = {
        "Location": f"/v1/messages/{receipt.id}",
        "Vary": "Accept, Accept-Language",
        "Cache-Control": "no-store",
    }
    if media_type != JSON:
        from gateway.sealing.notices import make_notice  # noqa: PLC0415 - 5 MB for XML, needed by who asks for it

        headers["Content-Type"] = media_type
        return Response(await make_notice(receipt, keys), status, headers)
    headers["Content-Language"] = language
    return Response(orjson.dumps({**receipt_facts(receipt, language), **beside}), status, headers, JSON)


def judgement_facts(judgement: Judgement, submission: Submission, language: str) -> dict[str, Any]:
    """The JSON of a verdict that nothing was filed for."""
    return {
        "verdict": judgement.verdict.value,
        "document": judgement.document,
        "version": judgement.version,
        "sha256": submission.sha256,
        "family": judgement.family,
        "message_type": judgement.message_type,
        "edition": judgement.edition,
        "codes_digest": judgement.codes_digest,
        **series_facts(judgement.series),
        **found_facts(judgement, lambda findings: told_findings(findings, language)),
    }
