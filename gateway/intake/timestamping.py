"""Checkpoints get time stamps from a service, where one is configured: beside the hot path, and never in its way.

Of each log the newest checkpoint is stamped, at most once in so many seconds: it covers all that came before it.
What fails is counted, told once, and tried again for as long as it fails.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

import httpx
import structlog

from gateway.intake.metrics import Metrics
from gateway.intake.revocations import check_address
from gateway.intake.senders import read_file
from gateway.intake.settings import TimestampSettings
from gateway.journal.timestamps import Timestamps
from gateway.model import Checkpoint, Timestamp
from gateway.sealing.timestamps import (
    LARGEST_ANSWER,
    REQUEST_TYPE,
    TimestampRefused,
    TimestampTrust,
    timestamp_question,
)

_FIRST_PAUSE = 2.0
_DOUBLINGS = 5
_log = structlog.get_logger(__name__)


class Checkpointed(Protocol):
    """A log with checkpoints: the journal, or the audit log."""

    async def ledgers(self) -> list[int]: ...

    async def latest_checkpoint(self, ledger: int) -> Checkpoint | None: ...


class TimestampService:
    """The client of a time-stamping service (RFC 3161, over HTTP); an async context manager.

    Raises ConfigurationError where the address is none, or there are no trust anchors that can be read.
    """

    def __init__(self, settings: TimestampSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._trust = TimestampTrust(read_file(path) for path in settings.anchors)
        check_address(settings.service or "", "a time-stamping service", "http://tsp.example.kz/")
        self._stack = AsyncExitStack()
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        # no proxy and no redirect: of whom it is asked is the operator's word alone
        client = httpx.AsyncClient(timeout=self._settings.patience, trust_env=False, follow_redirects=False)
        self._client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def stamped_lately(self, newest: Timestamp | None) -> bool:
        """Whether the newest stamp of a log is younger than the interval."""
        return newest is not None and self._clock() - newest.stamped_at < timedelta(seconds=self._settings.seconds)

    def pause(self, failed: int) -> float:
        """Seconds until the next look, after so many that failed."""
        return min(self._settings.seconds, _FIRST_PAUSE * 2.0 ** min(failed, _DOUBLINGS))

    async def stamp(self, checkpoint: Checkpoint) -> Timestamp:
        """The service's word on a checkpoint, verified; raises TimestampRefused, httpx.HTTPError, TimeoutError."""
        question = timestamp_question(checkpoint.jws, self._clock())
        async with asyncio.timeout(self._settings.patience):
            token = await self._post(question.der)
        stamped_at = question.check(token, self._clock(), self._trust)
        return Timestamp(checkpoint.ledger, checkpoint.seq, stamped_at, token, checkpoint.jws)

    async def _post(self, question: bytes) -> bytes:
        if self._client is None:
            raise AssertionError("asked outside of the context")
        headers = {"Content-Type": REQUEST_TYPE, "Accept-Encoding": "identity"}
        async with self._client.stream(
            "POST", self._settings.service or "", content=question, headers=headers
        ) as answer:
            answer.raise_for_status()
            body = b""
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise TimestampRefused("too-large")
            return body


class Stamper:
    """Has checkpoints stamped until it is left; an async context manager. `lag` is how many entries are not covered.

    Several processes may run one each: whoever finds a stamp younger than the interval asks for none.
    """

    def __init__(
        self, logs: Sequence[Checkpointed], kept: Timestamps, service: TimestampService, metrics: Metrics
    ) -> None:
        self._logs = logs
        self._kept = kept
        self._service = service
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None
        self._behind: dict[int, int] = {}

    @property
    def lag(self) -> int:
        """The most entries of a log up to its newest checkpoint that no time stamp covers, as last looked at."""
        return max(self._behind.values(), default=0)

    async def look(self) -> list[Timestamp]:
        """Has stamped and kept what is due now, and answers it.

        Raises Unavailable, TimestampRefused, httpx.HTTPError, TimeoutError.
        """
        made: list[Timestamp] = []
        for log in self._logs:
            for ledger in await log.ledgers():
                checkpoint = await log.latest_checkpoint(ledger)
                newest = await self._kept.newest(ledger)
                reached = newest.seq if newest else 0
                self._behind[ledger] = checkpoint.seq - reached if checkpoint else 0
                if checkpoint is None or checkpoint.seq <= reached or self._service.stamped_lately(newest):
                    continue
                timestamp = await self._service.stamp(checkpoint)
                await self._kept.store(timestamp)
                self._behind[ledger] = 0
                self._metrics.timestamp("kept")
                made.append(timestamp)
        return made

    async def run(self) -> None:
        """Goes on until it is cancelled; what fails is counted, told once, and tried again ever less often."""
        failed = 0
        while True:
            # processes that were started together do not ask together
            await asyncio.sleep(self._service.pause(failed) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - whatever it is, later checkpoints must still be stamped
                self._failed(error, told=failed > 0)
                failed += 1
            else:
                if failed:
                    _log.info("timestamps.again", tries=failed)
                failed = 0

    def _failed(self, error: Exception, *, told: bool) -> None:
        answered = isinstance(error, TimestampRefused)
        self._metrics.timestamp("refused" if answered else "failed")
        if not told:
            _log.warning("timestamps.none", why=str(error) if answered else type(error).__name__)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.run(), name="timestamps")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
