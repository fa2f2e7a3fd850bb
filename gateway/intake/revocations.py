"""Whether a sender's certificate is revoked: asked of an OCSP responder beside the hot path, and remembered a moment.

The first message under a certificate waits for the responder, a bounded time. After half of the time for which an
answer is fresh the next message has it asked again, behind its back; so a revocation is known that long after the
responder knows it, and no later.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from types import TracebackType
from typing import Self

import httpx
import structlog

from gateway.errors import ConfigurationError, Unavailable
from gateway.intake.metrics import Metrics
from gateway.intake.senders import EnrolledSenders
from gateway.intake.settings import RevocationSettings, UndeterminedPolicy
from gateway.model import Signer
from gateway.sealing.ocsp import (
    LARGEST_ANSWER,
    REQUEST_TYPE,
    OcspAnswer,
    OcspRules,
    Revocation,
    ocsp_question,
    read_ocsp,
)
from gateway.sealing.refusals import CertificateRefused

_MOST_REMEMBERED = 10_000
_MOST_AT_ONCE = 16
_log = structlog.get_logger(__name__)


class RevocationUndetermined(Unavailable):
    """Whether the signer's certificate is revoked can't be told now, and the policy is to know it first."""

    code = "revocation-undetermined"

    def __init__(self, retry_after: int) -> None:
        super().__init__("revocation could not be checked")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Known:
    answer: OcspAnswer
    at: datetime


def check_address(address: str, what: str, example: str) -> None:
    """Raises ConfigurationError unless it is the address of something that can be asked."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{address!r} is no URL of {what}: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"{address!r} is no URL of {what}; give one like {example}")


class Revocations:
    """The policy, and what the responder said of the 10 000 certificates seen last; an async context manager.

    Entering it raises ConfigurationError where the responder's address is none.
    """

    def __init__(
        self, settings: RevocationSettings, senders: EnrolledSenders, metrics: Metrics, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._senders = senders
        self._metrics = metrics
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[OcspAnswer]] = {}
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)
        self._stack = AsyncExitStack()
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        if self._settings.responder:
            check_address(self._settings.responder, "an OCSP responder", "http://ocsp.example.kz/")
            # no proxy and no redirect: what is asked, and of whom, is the operator's word alone
            client = httpx.AsyncClient(timeout=self._settings.seconds, trust_env=False, follow_redirects=False)
            self._client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        await self._stack.aclose()

    async def __call__(self, signer: Signer, _at: datetime) -> bool:
        """Whether the signer's certificate is known not to be revoked now.

        Raises CertificateRefused with `revoked`; RevocationUndetermined where nothing is known and the policy is to
        wait.
        """
        said = await self._ask(signer.fingerprint)
        if said is Revocation.REVOKED:
            raise CertificateRefused("revoked")
        if said is Revocation.GOOD and signer.revocation_known:
            return True
        self._metrics.undetermined()
        if self._settings.policy is UndeterminedPolicy.LATER:
            raise RevocationUndetermined(max(1, ceil(self._settings.retry_seconds)))
        return False

    def is_revoked(self, fingerprint: str, pem: bytes, at: datetime) -> bool:
        """Whether a list, or the responder's last word, says that it is revoked: what is known already, no waiting."""
        known = self._known.get(fingerprint)
        told = known is not None and known.answer.revocation is Revocation.REVOKED
        return told or self._senders.store.is_revoked(pem, at)

    async def _ask(self, fingerprint: str) -> Revocation:
        if self._client is None:
            return Revocation.GOOD
        known = self._known.get(fingerprint)
        age = self._clock() - known.at if known else timedelta.max
        fresh = self._fresh(known.answer) if known else timedelta()
        if known is not None and age < fresh:
            if age > fresh / 2:
                self._begin(fingerprint)
            return known.answer.revocation
        return (await asyncio.shield(self._begin(fingerprint))).revocation

    def _fresh(self, answer: OcspAnswer) -> timedelta:
        unknown = answer.revocation is Revocation.UNDETERMINED
        return timedelta(seconds=self._settings.retry_seconds if unknown else self._settings.fresh_seconds)

    def _begin(self, fingerprint: str) -> asyncio.Task[OcspAnswer]:
        """The one task that asks about this certificate now."""
        task = self._asking.get(fingerprint)
        if task is None:
            task = asyncio.create_task(self._learn(fingerprint), name="ocsp")
            self._asking[fingerprint] = task
            task.add_done_callback(lambda _: self._asking.pop(fingerprint, None))
        return task

    async def _learn(self, fingerprint: str) -> OcspAnswer:
        answer = await self._answer_about(fingerprint)
        self._known.pop(fingerprint, None)
        self._known[fingerprint] = _Known(answer, self._clock())
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        if answer.revocation is Revocation.UNDETERMINED:
            _log.warning("revocation undetermined", why=answer.why)
        return answer

    async def _answer_about(self, fingerprint: str) -> OcspAnswer:
        enrolled = self._senders.certificate(fingerprint)
        question = ocsp_question(enrolled[1], self._senders.trust.anchors) if enrolled else None
        if question is None:
            return OcspAnswer(Revocation.UNDETERMINED, "issuer-not-an-anchor")
        try:
            async with asyncio.timeout(self._settings.seconds), self._turns:
                body = await self._post(question.der)
        except (httpx.HTTPError, TimeoutError) as error:
            return OcspAnswer(Revocation.UNDETERMINED, type(error).__name__)
        return read_ocsp(question, body, self._clock(), OcspRules(self._settings.nonce))

    async def _post(self, question: bytes) -> bytes:
        if self._client is None or self._settings.responder is None:
            raise AssertionError("asked without a responder")
        headers = {"Content-Type": REQUEST_TYPE}
        async with self._client.stream("POST", self._settings.responder, content=question, headers=headers) as answer:
            answer.raise_for_status()
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise httpx.DecodingError("the answer is too long")
            return body
