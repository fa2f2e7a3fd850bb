"""Messages examined in the process that asks: no process is started, small ones hold the event loop meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from gateway.judging.examination import Examiner, warm
from gateway.judging.settings import JudgingSettings, Question, Timed
from gateway.model import Examined, Standing, Submission
from gateway.sealing.trust import TrustTexts
from validators.profiles import ProfileBook


class JudgingInside:
    """Examines small bodies at once, others in threads; a context manager. See `JudgingProcesses`."""

    def __init__(self, settings: JudgingSettings, trust: Callable[[], TrustTexts], timed: Timed) -> None:
        self._profiles = ProfileBook.load()
        self._examiner = Examiner(self._profiles, settings.limits)
        self._trust = trust
        self._timed = timed
        self._inline_bytes = settings.inline_bytes
        self._threads = ThreadPoolExecutor(settings.threads, "judging")
        self._trusted: TrustTexts | None = None

    def __enter__(self) -> Self:
        self._threads.submit(warm, self._profiles, explain=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown()

    async def examine(self, submission: Submission, standing: Standing | None) -> Examined:
        """As `gateway.pipeline.Judging` says."""
        trusted = self._trust()
        if trusted is not self._trusted:
            self._examiner.trust(trusted)
            self._trusted = trusted
        question = Question(submission.body, submission.received_at, standing)
        if len(submission.body) <= self._inline_bytes:
            return self._examiner.examine(question, self._timed)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._examiner.examine, question, self._timed)
