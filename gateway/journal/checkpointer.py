"""The task that keeps the checkpoints of the log no older than a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

import structlog

from gateway.journal.settlement import Head
from gateway.model import Checkpoint

Seal = Callable[[Checkpoint], Awaitable[Checkpoint]]
_log = structlog.get_logger(__name__)


class Sealed(Protocol):
    """A log whose heads are sealed: the journal, or the audit log."""

    async def ledgers(self) -> list[int]: ...

    async def head(self, ledger: int) -> Head: ...

    async def latest_checkpoint(self, ledger: int) -> Checkpoint | None: ...

    async def store_checkpoint(self, checkpoint: Checkpoint) -> None: ...


class Checkpointer:
    """Has each ledger's head sealed whenever it has moved, every `seconds`, outside of any transaction.

    Several processes may run one each: the first checkpoint for a `seq` stands. An async context manager.
    """

    def __init__(self, journal: Sealed, seal: Seal, clock: Callable[[], datetime], seconds: float = 0.5) -> None:
        self._journal = journal
        self._seal = seal
        self._clock = clock
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    async def make(self) -> list[Checkpoint]:
        """Makes the checkpoints that are due now, and answers them.

        Raises Unavailable, and what `seal` raises.
        """
        made: list[Checkpoint] = []
        for ledger in await self._journal.ledgers():
            latest = await self._journal.latest_checkpoint(ledger)
            head = await self._journal.head(ledger)
            if head.seq > (latest.seq if latest else 0):
                checkpoint = await self._seal(Checkpoint(ledger, head.seq, head.chain, self._clock()))
                await self._journal.store_checkpoint(checkpoint)
                made.append(checkpoint)
        return made

    async def run(self) -> None:
        """Goes on until it is cancelled; what fails is logged and tried again a moment later."""
        made = True
        while True:
            try:
                await self.make()
                made = True
            except Exception as error:  # noqa: BLE001 - whatever it is, later heads must still be sealed
                if made:
                    _log.warning("journal.no_checkpoint", error=type(error).__name__)
                made = False
            await asyncio.sleep(self._seconds)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.run(), name="checkpointer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
