"""Who may file, at this moment: the directory's copy, and the trust that its anchors make."""

from collections.abc import Iterable

from gateway.journal import DirectoryCache
from gateway.model import Entity
from gateway.sealing.trust import TrustStore, TrustTexts


class EnrolledSenders:
    """The directory as the pipeline asks it; raises ConfigurationError for a CRL that can't be read."""

    def __init__(self, directory: DirectoryCache, revocation_lists: Iterable[bytes] = ()) -> None:
        self._directory = directory
        self._revocation_lists = tuple(revocation_lists)
        self._trust = self._checked()

    @property
    def trust(self) -> TrustTexts:
        """The anchors that stand now, and the CRLs; the same object until the anchors change."""
        if self._directory.anchors != self._trust.anchors:
            self._trust = self._checked()
        return self._trust

    def _checked(self) -> TrustTexts:
        texts = TrustTexts(self._directory.anchors, self._revocation_lists)
        TrustStore(texts.anchors, texts.revocation_lists)
        return texts

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
