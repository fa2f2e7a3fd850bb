"""Whoever follows a ledger for as long as the process runs: sessions, pauses between them, and a graceful stop."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any

import structlog

from gateway.errors import GatewayError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

log = structlog.get_logger(__name__)


class Follower(ABC):
    """Follows one ledger until it is stopped.

    What can be waited out ends a session, and the next one begins after a pause that grows from 0.1 to 5 seconds while
    nothing gets done. `interruptions` counts such ends; `ready` is true while a session is under way.
    """

    name: str
    """What the logs call it."""

    def __init__(self, ledger: int) -> None:
        self.ledger = ledger
        self.ready = False
        self.interruptions = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Lets `run` end after what is in hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Follows until `stop`; raises the error that waiting can't mend."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            before = self._done()
            try:
                await self._session()
            except GatewayError as error:
                told = {"follower": self.name, "ledger": self.ledger, "code": error.code, "reason": str(error)}
                if not error.retriable:
                    log.critical("follower.stopped", **told)
                    raise
                self.interruptions += 1
                pause = FIRST_PAUSE if self._done() > before else min(pause * 2, LONGEST_PAUSE)
                log.warning("follower.interrupted", **told, pause=pause)
                await self._unless_stopping(asyncio.sleep(pause))
            finally:
                self.ready = False
                await self._end_session()

    @abstractmethod
    async def _session(self) -> None:
        """From the fencing of older followers to the first error, or to the stop."""

    @abstractmethod
    async def _end_session(self) -> None:
        """Puts away what a session began; harmless at any time."""

    @abstractmethod
    def _done(self) -> int:
        """How much was done so far; it grows whenever something gets done."""

    async def _unless_stopping(self, waiting: Coroutine[Any, Any, object]) -> None:
        """Awaits, but no longer than until `stop`."""
        tasks = {asyncio.ensure_future(waiting), asyncio.ensure_future(self._stopping.wait())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
