"""What the commands are told by the environment and by a local stack's directory, as one frozen object."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.bus.connecting import Endpoint
from gateway.errors import ConfigurationError
from gateway.sealing.keys import TokenSettings

DEFAULT_DIRECTORY = Path(".local")
STACK_FILE = "stack.json"
_OUTWEIGHED = {"kafka": "GATEWAY_KAFKA_BOOTSTRAP", "database": "GATEWAY_DATABASE_URL"}
READER = "analytics"
"""Whose part a command takes that reads topics, where there are users."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the parts are; each is None where neither the environment nor a local stack names it.

    `person` is who works at the command line, for the audit log.
    """

    directory: Path
    database_url: str | None
    kafka: str | None
    url: str | None
    key_file: Path
    certificate_file: Path
    archives: Path
    security: Endpoint
    person: str | None = None
    token: TokenSettings | None = None
    stack: Mapping[str, str] = field(default_factory=dict)

    def database(self, role: str | None = None) -> str:
        """The DSN of PostgreSQL, on a local stack the one of that role; raises ConfigurationError where not known.

        Roles are `intake`, `relay` and `overseer`; without one it is the owner.
        """
        local = self.stack.get(f"database_url_{role}") if role else None
        return local or self._known(self.database_url, "PostgreSQL", "GATEWAY_DATABASE_URL")

    def bootstrap(self, user: str, given: str | None = None) -> Endpoint:
        """Kafka as that user of a local stack reaches it, or with the environment's credentials.

        `given` is another HOST:PORT. Raises ConfigurationError where Kafka is not known.
        """
        address = given or self._known(self.kafka, "Kafka", "GATEWAY_KAFKA_BOOTSTRAP")
        local = self.stack.get("kafka_sasl")
        if given or local is None or (user == READER and not self.kafka_secured):
            return replace(self.security, bootstrap=address)
        password = self.directory / "kafka" / "users" / f"{user}.password"
        return Endpoint(local, "SASL_PLAINTEXT", "PLAIN" if user == "admin" else "SCRAM-SHA-512", user, password)

    @property
    def kafka_secured(self) -> bool:
        """Whether the local stack's Kafka lets nobody read without a user."""
        return self.stack.get("kafka") == self.stack.get("kafka_sasl")

    def public_url(self) -> str:
        """The URL at which the gateway is reached; raises ConfigurationError where it is not known."""
        return self._known(self.url, "the gateway's URL", "GATEWAY_URL")

    def _known(self, value: str | None, what: str, variable: str) -> str:
        if value:
            return value
        raise ConfigurationError(
            f"{what} is not known: set {variable}, or start a local stack with `gateway local up` "
            f"(no {STACK_FILE} was found in {self.directory})"
        )


def read_settings(environment: Mapping[str, str], directory: Path | None) -> Settings:
    """The settings from environment variables, each falling back to the local stack in `directory`.

    A directory that is named outweighs the environment, so that several stacks can be used side by side.
    Raises ConfigurationError when the stack's file can't be read.
    """
    place = directory or Path(environment.get("GATEWAY_DIR", DEFAULT_DIRECTORY))
    stack = _read_stack(place / STACK_FILE)
    given = {} if directory and stack else dict(environment)
    own = {name: value for name, value in stack.items() if not given.get(_OUTWEIGHED.get(name.partition("_")[0], ""))}
    keys = place / "keys"
    return Settings(
        directory=place,
        database_url=given.get("GATEWAY_DATABASE_URL") or stack.get("database_url"),
        kafka=given.get("GATEWAY_KAFKA_BOOTSTRAP") or stack.get("kafka"),
        url=given.get("GATEWAY_URL") or stack.get("url"),
        key_file=Path(given.get("GATEWAY_KEY_FILE") or keys / "gateway.key.pem"),
        certificate_file=Path(given.get("GATEWAY_CERTIFICATE_FILE") or keys / "gateway.certificate.pem"),
        archives=Path(given.get("GATEWAY_ARCHIVES") or place / "archives"),
        person=environment.get("GATEWAY_PERSON") or None,
        token=_token(given),
        security=Endpoint.read("", given),
        stack=own,
    )


def _token(environment: Mapping[str, str]) -> TokenSettings | None:
    names = ("GATEWAY_PKCS11_MODULE", "GATEWAY_PKCS11_TOKEN", "GATEWAY_PKCS11_PIN_FILE")
    module, token, pin_file = (environment.get(name) for name in names)
    if module and token and pin_file:
        return TokenSettings(Path(module), token, Path(pin_file))
    if module or token or pin_file:
        raise ConfigurationError(f"a token needs all three: {', '.join(names)}")
    return None


def _read_stack(path: Path) -> dict[str, str]:
    try:
        stack = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} can't be read ({error}); `gateway local up` writes it anew") from error
    return {key: value for key, value in stack.items() if isinstance(value, str)}
