"""The agent's configuration: one TOML file, read once into one frozen object."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import ConfigurationError

T = TypeVar("T", str, int, float, bool)
KINDS = frozenset({"092", "093", "094", "095", "096"})
COMPLEX = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{1,30})[A-Z0-9]")
UNIT = re.compile(r"[A-Z0-9-]{1,32}")
OWNER = re.compile(r"[0-9]{12}")
LANGUAGES = ("kk", "ru", "en")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MOST_EVENTS = 5_000
LONGEST_HEARTBEAT = 3_600
MEBIBYTE = 1024 * 1024
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What an agent is told: whose complex it speaks for, where it files, what it may use, where events come from."""

    complex: str
    owner: str
    kind: str
    unit: str
    heartbeat_seconds: int
    url: str
    key: Path
    certificate: Path
    spool: Path
    limit_bytes: int
    keep_seconds: int
    batch_size: int
    batch_seconds: float
    folder: Path | None
    socket: Path | None
    http: tuple[str, int] | None
    stdin: bool
    language: str


def read_agent_settings(path: Path) -> AgentSettings:
    """The settings of a file; ConfigurationError names the member that is missing, unknown or wrong.

    Paths are relative to the file's own directory.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from error
    reader = _Reader(path, data)
    settings = _settings(reader)
    reader.nothing_left()
    return settings


def _settings(reader: "_Reader") -> AgentSettings:
    directory = reader.path.parent
    folder, socket, http = (reader.take("inputs", name, "") for name in ("folder", "socket", "http"))
    return AgentSettings(
        complex=reader.formed("complex", "id", COMPLEX),
        owner=reader.formed("complex", "owner", OWNER),
        kind=reader.one_of("complex", "kind", sorted(KINDS), None),
        unit=reader.formed("complex", "unit", UNIT),
        heartbeat_seconds=reader.within("complex", "heartbeat_seconds", 30, (1, LONGEST_HEARTBEAT)),
        url=reader.take("gateway", "url", None).rstrip("/"),
        key=directory / reader.take("gateway", "key", None),
        certificate=directory / reader.take("gateway", "certificate", None),
        spool=directory / reader.take("spool", "directory", None),
        limit_bytes=reader.within("spool", "limit_mb", 1024, (1, 1 << 24)) * MEBIBYTE,
        keep_seconds=reader.within("spool", "keep_days", 7, (0, 3650)) * DAY_SECONDS,
        batch_size=reader.within("batches", "size", 500, (1, MOST_EVENTS)),
        batch_seconds=reader.within("batches", "seconds", 2.0, (0.01, 3600.0)),
        folder=directory / folder if folder else None,
        socket=directory / socket if socket else None,
        http=reader.loopback(http) if http else None,
        stdin=reader.take("inputs", "stdin", False),
        language=reader.one_of("log", "language", LANGUAGES, "en"),
    )


class _Reader:
    """Takes members out of a TOML document, each checked; what is left at the end is unknown."""

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        self.path = path
        self._left: dict[str, dict[str, Any]] = {}
        for name, section in data.items():
            if not isinstance(section, dict):
                raise ConfigurationError(f"{path}: {name} belongs into a [section]")
            self._left[name] = dict(section)

    def take(self, section: str, name: str, default: T | None) -> T:
        value = self._left.get(section, {}).pop(name, default)
        if value is None:
            raise self._wrong(section, name, "is missing")
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        wanted = str if default is None else type(default)
        if type(value) is not wanted:
            raise self._wrong(section, name, f"is not a {wanted.__name__}")
        return value  # type: ignore[return-value]  # the line above says so

    def formed(self, section: str, name: str, form: re.Pattern[str]) -> str:
        value: str = self.take(section, name, None)
        if not form.fullmatch(value):
            raise self._wrong(section, name, f"{value!r} does not have the form {form.pattern}")
        return value

    def one_of(self, section: str, name: str, values: "list[str] | tuple[str, ...]", default: str | None) -> str:
        value: str = self.take(section, name, default)
        if value not in values:
            raise self._wrong(section, name, f"{value!r} is none of {', '.join(values)}")
        return value

    def within(self, section: str, name: str, default: T, bounds: tuple[T, T]) -> T:
        value = self.take(section, name, default)
        if not bounds[0] <= value <= bounds[1]:
            raise self._wrong(section, name, f"{value} is not from {bounds[0]} to {bounds[1]}")
        return value

    def loopback(self, address: str) -> tuple[str, int]:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if host not in LOOPBACK or not port.isdecimal():
            raise self._wrong("inputs", "http", f"{address!r} is not a port of this machine, such as 127.0.0.1:8095")
        return host, int(port)

    def nothing_left(self) -> None:
        for section, members in self._left.items():
            for name in members:
                raise self._wrong(section, name, "is not known")

    def _wrong(self, section: str, name: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: [{section}] {name} {what}")
