"""A throw-away certification authority in a directory, for demonstrations and tests."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.sealing.generation import Issued, KeyKind, Subject, issue, make_authority, write_issued


@dataclass(frozen=True, slots=True)
class Credentials:
    """The paths of a private key and of its certificate, both PEM."""

    key: Path
    certificate: Path

    def read(self) -> Issued:
        """The content of both files."""
        return Issued(self.key.read_bytes(), self.certificate.read_bytes())


@dataclass(frozen=True, slots=True)
class ThrowAwayAuthority:
    """An authority whose key and certificate lie in `directory`, beside those of the entities it was asked for."""

    directory: Path

    @property
    def own(self) -> Credentials:
        """The authority's own key and certificate; the latter is the trust anchor."""
        return Credentials(self.directory / "authority.key.pem", self.directory / "authority.certificate.pem")

    def make(self, since: datetime, name: str = "THROW-AWAY CA (EC)") -> Credentials:
        """Makes the authority unless it is there already."""
        own = self.own
        if not (own.key.exists() and own.certificate.exists()):
            write_issued(make_authority(name, since), own.key, own.certificate)
        return own

    def credentials_of(self, label: str) -> Credentials:
        """Where the key and certificate of an entity lie, or would lie."""
        return Credentials(self.directory / f"{label}.key.pem", self.directory / f"{label}.certificate.pem")

    def enrol(self, label: str, subject: Subject, since: datetime, kind: KeyKind = "p256") -> Credentials:
        """Makes a key and a certificate for an entity unless they are there already."""
        credentials = self.credentials_of(label)
        if not (credentials.key.exists() and credentials.certificate.exists()):
            write_issued(issue(self.own.read(), subject, since, kind=kind), credentials.key, credentials.certificate)
        return credentials
