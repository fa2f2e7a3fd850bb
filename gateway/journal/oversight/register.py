"""The registered complexes at hand: looked at without waiting, no older than a moment."""

import asyncio
from types import TracebackType
from typing import Self

import structlog

from gateway.journal.oversight.reading import OversightReader
from validators.gaming.model import Complex

_log = structlog.get_logger(__name__)


class ComplexRegister:
    """A copy of the register that follows its changes every `seconds`; an async context manager."""

    def __init__(self, reader: OversightReader, seconds: float = 0.25) -> None:
        self._reader = reader
        self._seconds = seconds
        self._version = 0
        self._complexes: dict[str, Complex] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.refresh()
        self._task = asyncio.create_task(self._follow(), name="register of complexes")
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

    def complex_of(self, complex_id: str) -> Complex | None:
        """The complex as the copy has it, whoever owns it."""
        return self._complexes.get(complex_id)

    async def complex_anew(self, sender: str, complex_id: str) -> Complex | None:
        """The same once everything that the sender filed before this call was overseen.

        Raises Unavailable where oversight does not keep up.
        """
        await self._reader.caught_up(sender)
        await self.refresh()
        return self.complex_of(complex_id)

    async def refresh(self) -> None:
        """Takes up what changed. Raises Unavailable."""
        version = await self._reader.version()
        if version != self._version:
            for one in await self._reader.complexes_since(self._version):
                self._complexes[one.id] = one
            self._version = version

    async def _follow(self) -> None:
        known = True
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.refresh()
                known = True
            except Exception as error:  # noqa: BLE001 - whatever it is, later changes must still be seen
                if known:
                    _log.warning("register.not_refreshed", error=type(error).__name__)
                known = False
