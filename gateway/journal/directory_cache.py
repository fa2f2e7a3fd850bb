"""The directory at hand: looked at without waiting, no older than a moment."""

import asyncio
from types import TracebackType
from typing import Self

import structlog

from gateway.journal.directory import NOBODY, Directory, Snapshot
from gateway.model import Entity

_log = structlog.get_logger(__name__)


class DirectoryCache:
    """A copy of the directory that follows its changes every `seconds`; an async context manager.

    While PostgreSQL is away the last copy stands: nothing can be filed then anyway.
    """

    def __init__(self, directory: Directory, seconds: float = 0.25) -> None:
        self._directory = directory
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None
        self._take(NOBODY)

    async def __aenter__(self) -> Self:
        await self.refresh()
        self._task = asyncio.create_task(self._follow(), name="directory cache")
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

    @property
    def version(self) -> int:
        """The directory's version that is at hand; it changes whenever anything else here does."""
        return self._snapshot.version

    @property
    def anchors(self) -> tuple[bytes, ...]:
        """The PEM texts of the trust anchors."""
        return self._snapshot.anchors

    def by_fingerprint(self, fingerprint: str) -> Entity | None:
        """The entity for which the certificate with this lower-case hex SHA-256 is enrolled."""
        return self._by_fingerprint.get(fingerprint)

    def by_identifier(self, identifier: str) -> Entity | None:
        """The entity with this BIN or IIN."""
        return self._snapshot.entities.get(identifier)

    def certificate_pem(self, fingerprint: str) -> bytes | None:
        """The PEM text of an enrolled certificate."""
        return self._snapshot.certificates.get(fingerprint)

    async def refresh(self) -> None:
        """Takes up what changed. Raises Unavailable."""
        if await self._directory.version() != self._snapshot.version:
            self._take(self._snapshot.with_changes(await self._directory.snapshot(self._snapshot.version)))

    def _take(self, snapshot: Snapshot) -> None:
        self._by_fingerprint = {
            fingerprint: entity for entity in snapshot.entities.values() for fingerprint in entity.certificates
        }
        self._snapshot = snapshot

    async def _follow(self) -> None:
        known = True
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.refresh()
                known = True
            except Exception as error:  # noqa: BLE001 - whatever it is, later changes must still be seen
                if known:
                    _log.warning("directory.not_refreshed", error=type(error).__name__)
                known = False
