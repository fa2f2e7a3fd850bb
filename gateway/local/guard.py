"""The guard of a local Kafka: users with passwords in files, a certificate, and whether anybody may read."""

import asyncio
import logging
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from gateway.bus.access import apply_access
from gateway.bus.connecting import Endpoint, Mechanism
from gateway.bus.declaration import load_topics
from gateway.bus.topics import apply_topics
from gateway.bus.users import set_passwords
from gateway.local.ports import HOST
from gateway.sealing.generation import write_issued, write_private
from gateway.sealing.servers import make_server_key

ADMINISTRATOR = "admin"
ANYBODY = "User:ANONYMOUS"
PASSWORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Guard:
    """What a node guards itself with, below `directory`.

    `open_to_all` adds a listener at which anybody on this machine may do everything, as with a Kafka without a guard;
    the gateway's own parts log in all the same.
    """

    directory: Path
    open_to_all: bool

    @property
    def certificate(self) -> Path:
        """The server's own certificate, which is also the one to trust."""
        return self.directory / "server.certificate.pem"

    def prepare(self, now: datetime) -> None:
        """Makes what is missing: a password for each user (mode 600), a key and a certificate."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for user in (ADMINISTRATOR, *users()):
            if not self.password_file(user).exists():
                write_private(self.password_file(user), secrets.token_urlsafe(PASSWORD_BYTES).encode("ascii"))
        if not self._keystore.exists():
            issued = make_server_key(HOST, now)
            write_issued(issued, self.directory / "server.key.pem", self.certificate)
            write_private(self._keystore, issued.key + issued.certificate)

    def password_file(self, user: str) -> Path:
        """Where the password of a user lies."""
        return self.directory / f"{user}.password"

    def properties(self, broker: int, controller: int, sasl: int, tls: int) -> str:
        """The lines that a node's settings get beside the others; they hold the administrator's password."""
        template = (files("deploy") / "kafka" / "guarded.properties").read_text(encoding="utf-8")
        return string.Template(template).substitute(
            trusted=f";{ANYBODY}" if self.open_to_all else "",
            open=f"BROKER://{HOST}:{broker}," if self.open_to_all else "",
            controller_port=controller,
            sasl_port=sasl,
            tls_port=tls,
            password=self.password_file(ADMINISTRATOR).read_text(encoding="ascii"),
            keystore=self._keystore,
        )

    def endpoint(self, port: int, user: str) -> Endpoint:
        """The listener without TLS as this user sees it."""
        mechanism: Mechanism = "PLAIN" if user == ADMINISTRATOR else "SCRAM-SHA-512"
        return Endpoint(f"{HOST}:{port}", "SASL_PLAINTEXT", mechanism, user, self.password_file(user))

    def apply(self, port: int) -> None:
        """Makes users, topics and access lists as they are declared, as the administrator."""
        # the library warns that a password is not encrypted; this one crosses loopback alone
        logging.getLogger("aiokafka.conn").setLevel(logging.ERROR)
        asyncio.run(self._apply(self.endpoint(port, ADMINISTRATOR)))

    async def _apply(self, administrator: Endpoint) -> None:
        passwords = {user: self.password_file(user).read_text(encoding="ascii") for user in users()}
        await set_passwords(administrator, passwords)
        await apply_topics(administrator)
        await apply_access(administrator)

    @property
    def _keystore(self) -> Path:
        return self.directory / "server.keystore.pem"


def users() -> Sequence[str]:
    """The names of the principals that the topics' declaration names."""
    return [name.removeprefix("User:") for role in load_topics().roles.values() for name in role.principals]
