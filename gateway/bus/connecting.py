"""How a program reaches Kafka and proves who it is; needs no Kafka library."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, TypeAlias, TypedDict, cast, get_args

from gateway.errors import ConfigurationError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]
PREFIX = "GATEWAY_KAFKA_"


class ClientOptions(TypedDict):
    """What every client of the Kafka library is told about the connection."""

    bootstrap_servers: str
    security_protocol: Protocol
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: Mechanism
    sasl_plain_username: str | None
    sasl_plain_password: str | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A Kafka cluster (`bootstrap` is HOST:PORT, several with commas) and the credentials for it, all as files.

    Shown as text it is its `bootstrap` alone: a password is read when a connection is made and kept nowhere.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password_file: Path | None = field(default=None, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.bootstrap

    @classmethod
    def read(cls, bootstrap: str, environment: Mapping[str, str]) -> Self:
        """The endpoint as variables GATEWAY_KAFKA_... describe it; raises ConfigurationError for what they can't be."""
        given = {name: environment.get(PREFIX + name) or None for name in VARIABLES}
        endpoint = cls(
            bootstrap,
            protocol=cast("Protocol", _one_of("SECURITY_PROTOCOL", given, get_args(Protocol)) or "PLAINTEXT"),
            mechanism=cast("Mechanism", _one_of("SASL_MECHANISM", given, get_args(Mechanism)) or "SCRAM-SHA-512"),
            username=given["USERNAME"],
            password_file=_path(given["PASSWORD_FILE"]),
            ca_file=_path(given["CA_FILE"]),
            certificate_file=_path(given["CERTIFICATE_FILE"]),
            key_file=_path(given["KEY_FILE"]),
        )
        endpoint.check()
        return endpoint

    def check(self) -> None:
        """Raises ConfigurationError when credentials are missing, or are given where they would not be used."""
        sasl, tls = self.protocol.startswith("SASL"), self.protocol.endswith("SSL")
        if sasl != (self.username is not None) or sasl != (self.password_file is not None):
            raise ConfigurationError(
                f"{PREFIX}USERNAME and {PREFIX}PASSWORD_FILE are both needed with SASL, and of no use without it: "
                f"{PREFIX}SECURITY_PROTOCOL is {self.protocol}"
            )
        if not tls and (self.ca_file or self.certificate_file or self.key_file):
            raise ConfigurationError(
                f"{PREFIX}CA_FILE, {PREFIX}CERTIFICATE_FILE and {PREFIX}KEY_FILE need SSL or SASL_SSL; "
                f"{PREFIX}SECURITY_PROTOCOL is {self.protocol}"
            )
        if (self.certificate_file is None) != (self.key_file is None):
            raise ConfigurationError(f"{PREFIX}CERTIFICATE_FILE and {PREFIX}KEY_FILE belong together")

    def options(self) -> ClientOptions:
        """The options of a client; raises ConfigurationError for a file that can't be used."""
        return ClientOptions(
            bootstrap_servers=self.bootstrap,
            security_protocol=self.protocol,
            ssl_context=self._context() if self.protocol.endswith("SSL") else None,
            sasl_mechanism=self.mechanism,
            sasl_plain_username=self.username,
            sasl_plain_password=self._password(),
        )

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"Kafka: the password file {self.password_file} can't be read") from error

    def _context(self) -> ssl.SSLContext:
        """The machine's own trust anchors, or `ca_file` alone; host names are always checked, TLS 1.2 at least."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(f"Kafka: the certificates or the key can't be used ({error})") from error
        return context


VARIABLES = (
    "SECURITY_PROTOCOL",
    "SASL_MECHANISM",
    "USERNAME",
    "PASSWORD_FILE",
    "CA_FILE",
    "CERTIFICATE_FILE",
    "KEY_FILE",
)

Bootstrap: TypeAlias = str | Endpoint
"""HOST:PORT of a Kafka that asks for no credentials, or an endpoint with them."""


def options_of(bootstrap: Bootstrap) -> ClientOptions:
    """The options of a client of that cluster."""
    return (bootstrap if isinstance(bootstrap, Endpoint) else Endpoint(bootstrap)).options()


def _one_of(name: str, given: Mapping[str, str | None], known: tuple[str, ...]) -> str | None:
    value = given[name]
    if value is not None and value not in known:
        raise ConfigurationError(f"{PREFIX}{name} is {value!r}; known are {', '.join(known)}")
    return value


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value)
