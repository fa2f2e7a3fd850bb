"""The whole stack on one machine: PostgreSQL, Kafka and the gateway's services, brought up, taken down, wiped."""

import asyncio
import dataclasses
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.errors import ConfigurationError
from gateway.journal import migrate
from gateway.local.guard import Guard
from gateway.local.kafka import Kafka, Ports
from gateway.local.owner import socket_directory
from gateway.local.places import Places
from gateway.local.ports import HOST, free_ports
from gateway.local.postgres import Postgres
from gateway.local.processes import PartFailed, Progress, silent
from gateway.local.services import OVERSEER_STARTED, RELAY_STARTED, Service, answers_ready
from gateway.sealing.generation import generate_gateway_key

PARTS = ("postgres", "kafka", "intake", "relay", "oversight")
SERVICES = ("intake", "relay", "oversight")
DATABASE_ROLES = {f"database_url_{role}": role for role in ("intake", "relay", "overseer")}
COMMON_NAME = "Local gateway"
ATTEMPTS = 3
PORT_TAKEN = b"ddress already in use"


@dataclass(frozen=True, slots=True)
class StackFacts:
    """Where a stack is and which of its processes live: the JSON of `gateway local up` and `status`."""

    directory: Path
    url: str | None
    database_url: str | None
    kafka: str | None
    metrics_url: str | None
    kafka_sasl: str | None
    kafka_tls: str | None
    pids: Mapping[str, list[int]]

    @property
    def up(self) -> bool:
        """True when every part runs."""
        return all(self.pids[part] for part in PARTS)

    @property
    def down(self) -> bool:
        """True when no part runs."""
        return not any(self.pids[part] for part in PARTS)

    @property
    def state(self) -> str:
        """`up`, `down` or `partly up`."""
        return "up" if self.up else "down" if self.down else "partly up"

    def to_json(self) -> dict[str, Any]:
        """The facts as plain data: `pids` of PostgreSQL and Kafka are one number or null, the others lists."""
        pids: dict[str, Any] = {part: list(self.pids[part]) for part in PARTS}
        pids |= {part: next(iter(self.pids[part]), None) for part in ("postgres", "kafka")}
        return {
            "state": self.state,
            "url": self.url,
            "database_url": self.database_url,
            "kafka": self.kafka,
            "metrics_url": self.metrics_url,
            "kafka_sasl": self.kafka_sasl,
            "kafka_tls": self.kafka_tls,
            "dir": str(self.directory),
            "pids": pids,
        }


class Stack:
    """The stack in one directory. Every change of it is made under the directory's lock; nothing is kept in memory."""

    def __init__(self, directory: Path) -> None:
        directory = directory.absolute()
        self._places = Places(directory)
        self._intake = Service("intake", "serve", directory, self._places.log("intake"))
        self._relay = Service("relay", "relay", directory, self._places.log("relay"))
        self._oversight = Service("oversight", "oversee", directory, self._places.log("oversight"))

    @property
    def directory(self) -> Path:
        """Where the stack keeps everything."""
        return self._places.directory

    def up(self, now: datetime, progress: Progress = silent, *, secured: bool | None = None) -> StackFacts:
        """Starts what does not run and returns when all of it is ready; harmless when everything runs.

        `now` dates the certificates that a new stack makes. `secured` shuts Kafka to all who have no user there, or
        opens it again; None leaves that as it is, open at first. Raises PartFailed when a part does not
        start; whatever this call started is stopped again then. Raises ConfigurationError for a directory that
        can't be used or a package that is missing.
        """
        self._places.claim()
        with self._places.turn(progress):
            ran = self._running()
            self._choose(secured=secured, running=bool(ran["kafka"]))
            try:
                return self._raise(now, progress)
            except BaseException:
                progress("stopping what was started")
                self._stop(tuple(part for part in PARTS if not ran[part]), silent)
                self._note()
                raise

    def status(self) -> StackFacts:
        """Where the stack is, and what of it runs now."""
        noted = self._places.read()
        names = ("url", "database_url", "kafka", "metrics_url", "kafka_sasl", "kafka_tls")
        return StackFacts(self._places.directory, **{name: noted.get(name) for name in names}, pids=self._running())

    def down(self, progress: Progress = silent) -> StackFacts:
        """Stops every part, the intake first and gracefully; data is kept. Harmless when nothing runs."""
        if self._places.is_stack():
            with self._places.turn(progress):
                self._stop(PARTS, progress)
                self._note()
        return self.status()

    def wipe(self, progress: Progress = silent) -> bool:
        """Stops every part and deletes the directory; False when there was none.

        Raises ConfigurationError when it holds something else than a stack.
        """
        directory = self._places.directory
        if not directory.exists():
            return False
        if not self._places.is_stack():
            raise ConfigurationError(f"{directory} holds no local stack; it is left as it is.")
        with self._places.turn(progress):
            self._stop(PARTS, progress)
            progress(f"deleting {directory}")
            try:
                self._places.delete()
            except OSError as error:
                raise ConfigurationError(f"{error.filename} can't be deleted: {error.strerror}") from error
        return True

    def _raise(self, now: datetime, progress: Progress) -> StackFacts:
        before = self._places.read()
        self._places.keys.mkdir(mode=0o700, exist_ok=True)
        generate_gateway_key(self._places.keys, COMMON_NAME, now)
        with ThreadPoolExecutor(2) as pool:
            postgres = pool.submit(self._raise_postgres, progress)
            kafka = pool.submit(self._raise_kafka, now, before, progress)
            state = {**before, **kafka.result(), **postgres.result()}
        if any(state[name] != before.get(name) for name in (*DATABASE_ROLES, "kafka_sasl")):
            self._stop(SERVICES, silent)
        state["ports"] = {**before.get("ports", {}), **dataclasses.asdict(self._kafka.ports())}
        state["sockets"] = str(self._postgres().sockets)
        self._places.write(state)
        started = [
            _started(self._relay, RELAY_STARTED, progress),
            _started(self._oversight, OVERSEER_STARTED, progress),
        ]
        self._raise_intake(state, progress)
        for wait in started:
            wait()
        self._note()
        return self.status()

    def _raise_postgres(self, progress: Progress) -> dict[str, str]:
        """Starts the server; the parts work under roles of their own, the owner's is for migrations and commands."""
        postgres = self._postgres()
        postgres.start(progress)
        asyncio.run(migrate(postgres.dsn))
        logins = {name: postgres.create_login(role, f"gateway_{role}") for name, role in DATABASE_ROLES.items()}
        return {"database_url": postgres.dsn, **logins}

    def _raise_kafka(self, now: datetime, before: Mapping[str, Any], progress: Progress) -> dict[str, str]:
        guard, kept = self._guard, before.get("ports", {})
        guard.prepare(now)
        names = {field.name for field in dataclasses.fields(Ports)}
        wanted = Ports(**{name: kept[name] for name in names}) if names <= kept.keys() else None
        if self._kafka.running() and not self._kafka.ports().sasl:
            self._kafka.stop()  # it was started by a version that knew no guard
        _process, ports = self._kafka.start(progress, wanted)
        guard.apply(ports.sasl)
        sasl = f"{HOST}:{ports.sasl}"
        open_to_all = f"{HOST}:{ports.broker}" if ports.broker else sasl
        return {"kafka": open_to_all, "kafka_sasl": sasl, "kafka_tls": f"{HOST}:{ports.tls}"}

    def _choose(self, *, secured: bool | None, running: bool) -> None:
        """Notes whether Kafka is shut to all without a user; raises ConfigurationError when it runs the other way."""
        noted = self._places.read()
        if secured is None or secured == noted.get("secured", False):
            return
        if running:
            raise ConfigurationError(
                f"the stack in {self._places.directory} runs {'open to all' if secured else 'secured'}: "
                "take it down first (`gateway local down`)"
            )
        self._places.write({**noted, "secured": secured})

    @property
    def _guard(self) -> Guard:
        return Guard(self._places.kafka / "users", open_to_all=not self._places.read().get("secured", False))

    @property
    def _kafka(self) -> Kafka:
        return Kafka(self._places.kafka, self._places.log("kafka"), self._guard)

    def _raise_intake(self, state: dict[str, Any], progress: Progress) -> None:
        """Starts the intake unless it runs, on its former ports where they are free, and waits until it is ready."""
        running = self._intake.running()
        if running:
            port = state["ports"]["intake"]
            self._intake.wait(running[0], lambda: answers_ready(port))
            return
        for attempt in range(ATTEMPTS):
            kept = state["ports"] if attempt == 0 else {}
            port, metrics = free_ports((kept.get("intake"), kept.get("metrics")))
            state["ports"] |= {"intake": port, "metrics": metrics}
            state |= {"url": f"http://{HOST}:{port}", "metrics_url": f"http://{HOST}:{metrics}/metrics"}
            self._places.write(state)
            if self._start_intake(port, metrics, progress, last=attempt == ATTEMPTS - 1):
                return

    def _start_intake(self, port: int, metrics: int, progress: Progress, *, last: bool) -> bool:
        """False when somebody else took one of the ports in the meantime, which is an error the last time."""
        progress(f"intake: starting on {HOST}:{port}")
        since = self._intake.written()
        try:
            process = self._intake.start("--port", str(port), "--metrics-port", str(metrics))
            self._intake.wait(process, lambda: answers_ready(port))
        except PartFailed:
            if last or not self._intake.said(PORT_TAKEN, since):
                raise
            return False
        return True

    def _stop(self, parts: Collection[str], progress: Progress) -> None:
        stops = {
            "intake": self._intake.stop,
            "relay": self._relay.stop,
            "oversight": self._oversight.stop,
            "kafka": self._kafka.stop,
            "postgres": self._postgres().stop,
        }
        for part, stop in stops.items():
            if part in parts and self._running()[part]:
                progress(f"{part}: stopping")
                stop()

    def _postgres(self) -> Postgres:
        noted = self._places.read().get("sockets")
        sockets = Path(noted) if noted else socket_directory(self._places.directory)
        return Postgres(self._places.postgres, sockets, self._places.log("postgres"))

    def _running(self) -> dict[str, list[int]]:
        postgres, kafka = self._postgres().running(), self._kafka.running()
        return {
            "postgres": [postgres.pid] if postgres else [],
            "kafka": [kafka.pid] if kafka else [],
            "intake": [process.pid for process in self._intake.running()],
            "relay": [process.pid for process in self._relay.running()],
            "oversight": [process.pid for process in self._oversight.running()],
        }

    def _note(self) -> None:
        """Writes down which processes live, beside what the file says already."""
        self._places.write({**self._places.read(), **self.status().to_json()})


def _started(service: Service, sign: bytes, progress: Progress) -> Callable[[], None]:
    """Starts a service unless it runs; what it returns waits until the sign in its log says that it is at work."""
    if service.running():
        return lambda: None
    progress(f"{service.part}: starting")
    since = service.written()
    process = service.start()
    return lambda: service.wait(process, lambda: service.said(sign, since))
