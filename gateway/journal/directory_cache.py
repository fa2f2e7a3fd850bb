"""The directory at hand: looked at without waiting, no older than a moment."""

from gateway.journal.copies import FollowingCopy
from gateway.journal.directory import NOBODY, Directory, Snapshot
from gateway.model import Entity


class DirectoryCache(FollowingCopy):
    """A copy of the directory."""

    name = "directory"

    def __init__(self, directory: Directory, seconds: float = 0.25) -> None:
        super().__init__(seconds)
        self._directory = directory
        self._take(NOBODY)

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
