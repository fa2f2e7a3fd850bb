"""Who may file, at this moment: the directory's copy, and the trust that its anchors make."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.journal import DirectoryCache
from gateway.journal.copies import FollowingCopy
from gateway.model import Entity
from gateway.sealing.trust import TrustStore, TrustTexts


class EnrolledSenders:
    """The directory as the pipeline asks it; raises ConfigurationError for a CRL that can't be read."""

    def __init__(self, directory: DirectoryCache, revocation_lists: Iterable[bytes] = ()) -> None:
        self._directory = directory
        self._lists = tuple(revocation_lists)
        self._checked(self._lists)

    @property
    def trust(self) -> TrustTexts:
        """The anchors that stand now, and the CRLs; the same object until either changes."""
        if self._directory.anchors != self._trust.anchors:
            self._checked(self._lists)
        return self._trust

    @property
    def store(self) -> TrustStore:
        """The same trust, to be asked."""
        _ = self.trust
        return self._store

    def take_lists(self, revocation_lists: Iterable[bytes]) -> None:
        """Goes by these CRLs from now on; raises ConfigurationError, and keeps the old ones, where one is none."""
        lists = tuple(revocation_lists)
        if lists != self._lists:
            self._checked(lists)
            self._lists = lists

    def _checked(self, lists: tuple[bytes, ...]) -> None:
        texts = TrustTexts(self._directory.anchors, lists)
        self._store, self._trust = TrustStore(texts.anchors, texts.revocation_lists), texts

    def by_certificate(self, fingerprint: str) -> Entity | None:
        """The entity for which this certificate (lower-case hex SHA-256 of its DER) is enrolled."""
        return self._directory.by_fingerprint(fingerprint)

    def by_identifier(self, identifier: str) -> Entity | None:
        """The entity with this BIN or IIN."""
        return self._directory.by_identifier(identifier)

    def certificate(self, fingerprint: str) -> tuple[str, bytes] | None:
        """The identifier of the entity and the PEM text of a certificate that is enrolled for it."""
        entity, pem = self.by_certificate(fingerprint), self._directory.certificate_pem(fingerprint)
        return (entity.identifier, pem) if entity and pem else None


def holds(entity: Entity, peer: str | None) -> bool:
    """Whether the connection's certificate, by its lower-case hex SHA-256, is one of the entity's."""
    return peer in entity.certificates


class ListFiles(FollowingCopy):
    """The files of the CRLs, read again when they change; an async context manager.

    While one can't be read, or is no list, the lists that were read last stand: they still name whom they named.
    """

    name = "revocation lists"

    def __init__(self, senders: EnrolledSenders, paths: Sequence[Path], seconds: float = 1.0) -> None:
        super().__init__(seconds)
        self._senders = senders
        self._paths = tuple(paths)
        self._read: tuple[tuple[int, int], ...] = ()

    async def refresh(self) -> None:
        """Takes up what changed. Raises ConfigurationError."""
        if not self._paths:
            return
        seen, texts = await asyncio.to_thread(self._look)
        if seen != self._read:
            self._senders.take_lists(texts)
            self._read = seen

    def _look(self) -> tuple[tuple[tuple[int, int], ...], list[bytes]]:
        """When and how long each file is, and the files where that is not what was taken up last."""
        try:
            seen = tuple((stat.st_mtime_ns, stat.st_size) for stat in map(Path.stat, self._paths))
        except OSError as error:
            raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
        return seen, [] if seen == self._read else [read_file(path) for path in self._paths]


def read_file(path: Path) -> bytes:
    """The bytes of a file; raises ConfigurationError where it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
