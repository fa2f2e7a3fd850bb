"""Who may file, at this moment: the directory's copy, and the trust that its anchors make."""

from collections.abc import Iterable

from gateway.journal import DirectoryCache
from gateway.model import Entity
from gateway.sealing.trust import TrustStore


class EnrolledSenders:
    """The directory as the pipeline asks it; a trust store is made anew only when the anchors change."""

    def __init__(self, directory: DirectoryCache, revocation_lists: Iterable[bytes] = ()) -> None:
        self._directory = directory
        self._revocation_lists = tuple(revocation_lists)
        self._anchors = directory.anchors
        self._trust = TrustStore(self._anchors, self._revocation_lists)

    @property
    def trust(self) -> TrustStore:
        """The trust store of the anchors that stand now."""
        anchors = self._directory.anchors
        if anchors != self._anchors:
            self._trust = TrustStore(anchors, self._revocation_lists)
            self._anchors = anchors
        return self._trust

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
