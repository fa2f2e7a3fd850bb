"""Filing one message over HTTP, sending again where that helps."""

import asyncio
import email.utils
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from gateway.errors import GatewayError

JUDGED = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.UNPROCESSABLE_ENTITY)
LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
LONGEST_WAIT_SECONDS = 30.0
LONG_SECONDS = 3_600.0
"""How long the receipt of a long message is waited for."""
PIECE_BYTES = 1024 * 1024


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


@dataclass(frozen=True, slots=True)
class Later:
    """The message was not judged now: why, and after how many seconds the gateway asks to be tried again."""

    reason: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LongBody:
    """A signed message in a file, which is sent piece by piece; `told` hears of each how many bytes went out so far."""

    path: Path
    told: Callable[[int], None]

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.path.stat().st_size

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes in order."""
        sent = 0
        with self.path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield piece
                sent += len(piece)
                self.told(sent)


async def attempt_filing(client: httpx.AsyncClient, body: bytes | LongBody, *, language: str = "en") -> Answer | Later:
    """Files the exact bytes of one signed message once; the answer to a long one may take LONG_SECONDS."""
    headers = {"Content-Type": "application/xml", "Accept": "application/json", "Accept-Language": language}
    try:
        if isinstance(body, bytes):
            response = await client.post("/v1/messages", content=body, headers=headers)
        else:
            headers["Content-Length"] = str(body.size)
            patience = httpx.Timeout(60.0, read=LONG_SECONDS)
            response = await client.post("/v1/messages", content=body.pieces(), headers=headers, timeout=patience)
    except httpx.HTTPError as error:
        return Later(f"{type(error).__name__}: {error}")
    if response.status_code in LATER or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        asked = asked_seconds(response.headers.get("Retry-After"), datetime.now(UTC))
        return Later(f"the gateway answered {response.status_code}", asked)
    return Answer(response.status_code, _facts_of(response))


async def file_message(
    client: httpx.AsyncClient, body: bytes | LongBody, *, language: str = "en", attempts: int = 5
) -> Answer:
    """Files the exact bytes of one signed message and returns the gateway's answer.

    Sends again after a lost connection, `429` and `503`, waiting as `Retry-After` says: the same bytes always get
    the same receipt. Raises NotDelivered when no attempt was answered with a judgement or a final problem.
    """
    reason = "no attempt was made"
    for attempt in range(1, attempts + 1):
        outcome = await attempt_filing(client, body, language=language)
        if isinstance(outcome, Answer):
            return outcome
        reason = outcome.reason
        if attempt < attempts:
            wait = 0.25 * 2**attempt if outcome.seconds is None else outcome.seconds
            await asyncio.sleep(min(wait, LONGEST_WAIT_SECONDS))
    raise NotDelivered(f"not delivered after {attempts} attempts ({reason}); sending the same file again is harmless")


def asked_seconds(header: str | None, now: datetime) -> float | None:
    """What `Retry-After` says, as seconds or as a date; None where it says nothing that is understood."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(header) - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _facts_of(response: httpx.Response) -> Mapping[str, Any]:
    try:
        facts = response.json()
    except ValueError:
        return {"title": "The answer is not JSON: is this the gateway's URL?", "status": response.status_code}
    return facts if isinstance(facts, dict) else {"title": "The answer is not an object"}
