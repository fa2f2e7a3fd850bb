"""Batches go to the gateway one after the other, each until it has a receipt, or until a person must look."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

import httpx

from gateway.client.agent.backoff import Backoff
from gateway.client.agent.batching import Batcher
from gateway.client.agent.model import Batch, Halt, Trouble
from gateway.client.agent.position import Resend, compare, fetch_position
from gateway.client.agent.settings import AgentSettings
from gateway.client.agent.texts import OperatorLog
from gateway.client.agent.writer import Writer
from gateway.client.filing import Answer, Later, NotDelivered, attempt_filing
from gateway.client.reading import NotAnswered, NotThere, Reader

REMIND_SECONDS = 60.0
LOOK_SECONDS = 1.0


class Sender:
    """Files the batches of one spool in their order; never two at once, never other bytes under a number."""

    def __init__(
        self,
        writer: Writer,
        batcher: Batcher,
        gateway: tuple[httpx.AsyncClient, Reader],
        settings: AgentSettings,
        voice: tuple[OperatorLog, Backoff, Callable[[], datetime]],
    ) -> None:
        self._writer = writer
        self._batcher = batcher
        self._client, self._reader = gateway
        self._complex = settings.complex
        self._language = settings.language
        self._log, self._backoff, self._clock = voice
        self._in_step = False

    async def run(self) -> None:
        """Sends until it is cancelled."""
        while True:
            head, unanswered = await self._writer.call(lambda spool: (spool.head(), spool.unanswered()))
            if head.halt is not None:
                await self._stand_still(head.halt)
            elif not self._in_step:
                await self._get_in_step()
            else:
                batch = unanswered or await self._batcher.next()
                if batch is not None:
                    await self._deliver(batch)

    async def _stand_still(self, halt: Halt) -> None:
        """Waits until somebody has repaired the spool, and says now and then that it must be done."""
        self._in_step = False
        until_reminded = 0.0
        standing: Halt | None = halt
        while standing is not None:
            if until_reminded <= 0:
                detail = halt.detail if halt.receipt is None else f"{halt.detail}; {halt.receipt}"
                self._log.say(f"halt-{halt.trouble}", logging.CRITICAL, number=halt.number, detail=detail)
                until_reminded = REMIND_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            until_reminded -= LOOK_SECONDS
            standing = await self._writer.call(lambda spool: spool.head().halt)

    async def _get_in_step(self) -> None:
        """Asks what the gateway received last, and does what follows from it."""
        try:
            position = await fetch_position(self._reader, self._complex)
        except NotThere:
            await self._wait("not-registered", logging.ERROR, None, complex=self._complex)
            return
        except (NotDelivered, NotAnswered) as error:
            self._in_step = await self._writer.call(lambda spool: spool.received() > 0)  # then receipts tell enough
            if not self._in_step:
                await self._wait("no-position", logging.WARNING, None, reason=error)
            return
        consequence = await self._writer.call(
            lambda spool: compare(spool.head(), spool.unanswered(), position, spool.hash_of)
        )
        if isinstance(consequence, Halt):
            await self._halt(consequence)
        elif consequence is None or await self._resend(consequence):
            self._backoff.reset()
            self._in_step = True

    async def _resend(self, resend: Resend) -> bool:
        for number in resend.numbers:
            batch = await self._writer.call(lambda spool, number=number: spool.batch(number))  # type: ignore[misc]
            if batch is not None and not await self._file(batch):
                return False
        if resend.numbers:
            self._log.say("resent", logging.WARNING, count=len(resend.numbers))
        return True

    async def _deliver(self, batch: Batch) -> None:
        self._in_step = await self._file(batch)

    async def _file(self, batch: Batch) -> bool:
        """Files a batch once; False when it did not get through, after a wait or with the series stopped."""
        outcome = await attempt_filing(self._client, batch.body, language=self._language)
        if isinstance(outcome, Later):
            await self._wait("later", logging.WARNING, outcome.seconds, number=batch.number, reason=outcome.reason)
            return False
        if outcome.judged and outcome.facts.get("sha256") == batch.hash:
            return await self._judged(batch, outcome)
        reason = str(outcome.facts.get("detail") or outcome.facts.get("title") or "")
        if outcome.status == HTTPStatus.CONFLICT:
            await self._halt(Halt(Trouble.FORK, batch.number, reason))
        else:
            await self._wait("problem", logging.ERROR, None, number=batch.number, status=outcome.status, reason=reason)
        return False

    async def _judged(self, batch: Batch, answer: Answer) -> bool:
        facts, at = answer.facts, int(self._clock().timestamp() * 1000)
        if not answer.accepted:
            findings = "; ".join(f"{row.get('code')} {row.get('message', '')}" for row in facts.get("findings", ()))
            await self._halt(Halt(Trouble.REFUSED, batch.number, findings, str(facts.get("id"))))
            return False
        await self._writer.call(lambda spool: spool.keep_receipt(batch.number, facts, at))
        self._backoff.reset()
        events = batch.last - batch.first + 1
        self._log.say("received", number=batch.number, events=events, receipt=facts.get("id"))
        refused = facts.get("items") or ()
        if refused:
            codes = Counter(finding.get("code") for item in refused for finding in item.get("findings", ()))
            what = ", ".join(f"{code} x{count}" for code, count in codes.most_common(5))
            self._log.say("items-refused", logging.WARNING, number=batch.number, refused=len(refused), what=what)
        return True

    async def _halt(self, halt: Halt) -> None:
        await self._writer.call(lambda spool: spool.halt(halt))

    async def _wait(self, name: str, level: int, asked: float | None, **parameters: object) -> None:
        seconds = self._backoff.next(asked)
        self._log.say(name, level, seconds=round(seconds, 1), **parameters)
        await asyncio.sleep(seconds)
