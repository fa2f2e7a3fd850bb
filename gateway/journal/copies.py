"""Copies of what PostgreSQL holds, in this process's memory: looked at without waiting, no older than a moment."""

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import structlog

_log = structlog.get_logger(__name__)


class FollowingCopy(ABC):
    """A copy that takes up changes every `seconds`; an async context manager.

    While PostgreSQL is away the last copy stands: nothing can be filed then anyway.
    """

    name: str
    """What the logs call it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.refresh()
        self._task = asyncio.create_task(self._follow(), name=self.name)
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

    @abstractmethod
    async def refresh(self) -> None:
        """Takes up what changed. Raises Unavailable."""

    async def _follow(self) -> None:
        known = True
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.refresh()
                known = True
            except Exception as error:  # noqa: BLE001 - whatever it is, later changes must still be seen
                if known:
                    _log.warning("copy.not_refreshed", copy=self.name, error=type(error).__name__)
                known = False
