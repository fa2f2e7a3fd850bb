"""Filing one message over HTTP, sending again where that helps."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from gateway.errors import GatewayError

JUDGED = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.UNPROCESSABLE_ENTITY)
LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
LONGEST_WAIT_SECONDS = 30.0


class NotDelivered(GatewayError):
    """The message did not reach the gateway, or the gateway could not take it; sending again is harmless."""

    code = "not-delivered"
    retriable = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway answered: the HTTP status, and the receipt's facts or the problem as plain data."""

    status: int
    facts: Mapping[str, Any]

    @property
    def judged(self) -> bool:
        """True when the gateway gave a receipt, also for a refusal."""
        return self.status in JUDGED

    @property
    def accepted(self) -> bool:
        """True when the message is accepted, now or earlier, with or without warnings."""
        return self.judged and str(self.facts.get("verdict", "")).startswith("accepted")


async def file_message(client: httpx.AsyncClient, body: bytes, *, language: str = "en", attempts: int = 5) -> Answer:
    """Files the exact bytes of one signed message and returns the gateway's answer.

    Sends again after a lost connection, `429` and `503`, waiting as `Retry-After` says: the same bytes always get
    the same receipt. Raises NotDelivered when no attempt was answered with a judgement or a final problem.
    """
    reason = "no attempt was made"
    for attempt in range(1, attempts + 1):
        wait = min(0.25 * 2**attempt, LONGEST_WAIT_SECONDS)
        try:
            response = await client.post(
                "/v1/messages",
                content=body,
                headers={"Content-Type": "application/xml", "Accept": "application/json", "Accept-Language": language},
            )
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            if response.status_code not in LATER and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return Answer(response.status_code, _facts_of(response))
            reason = f"the gateway answered {response.status_code}"
            wait = _seconds(response.headers.get("Retry-After"), wait)
        if attempt < attempts:
            await asyncio.sleep(wait)
    raise NotDelivered(f"not delivered after {attempts} attempts ({reason}); sending the same file again is harmless")


def _facts_of(response: httpx.Response) -> Mapping[str, Any]:
    try:
        facts = response.json()
    except ValueError:
        return {"title": "The answer is not JSON: is this the gateway's URL?", "status": response.status_code}
    return facts if isinstance(facts, dict) else {"title": "The answer is not an object"}


def _seconds(header: str | None, otherwise: float) -> float:
    if header is None or not header.isdecimal():
        return otherwise
    return min(float(header), LONGEST_WAIT_SECONDS)
