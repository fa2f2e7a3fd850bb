"""The plant under test: real PostgreSQL, real Kafka and the gateway's own commands, with a proxy in every gap.

The services are started by the commands of a real deployment (`gateway serve`, `relay`, `oversee`, `agent run`), told
by environment variables where the proxies are. Whatever ends is started again by a supervisor of ours.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from chaos.disks import Disk
from chaos.parts import Part, Server, Service, Supervisor, kafka_part, postgres_part
from chaos.proxy import Address, Proxy
from gateway.local.kafka import Kafka, Ports
from gateway.local.owner import socket_directory
from gateway.local.ports import HOST, free_ports
from gateway.local.postgres import DATABASE, PORT, ROLE, Postgres
from gateway.sealing.generation import generate_gateway_key

READY_SECONDS = 90.0
COMMAND_SECONDS = 300.0


class CommandFailed(Exception):
    """A command of the gateway ended otherwise than it should have."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """The proxies: between clients and intake, intake and PostgreSQL, relay and PostgreSQL, relay and Kafka."""

    front: Proxy
    intake_postgres: Proxy
    relay_postgres: Proxy
    relay_kafka: Proxy

    def all(self) -> Mapping[str, Proxy]:
        """By the name that the matrix gives them."""
        return {
            "client-intake": self.front,
            "intake-postgres": self.intake_postgres,
            "relay-postgres": self.relay_postgres,
            "relay-kafka": self.relay_kafka,
        }


class Plant:
    """Everything below one directory; an async context manager.

    In a `direct` one the parts and the clients reach each other past the proxies, and clients have addresses.
    """

    def __init__(self, directory: Path, *, direct: bool = False) -> None:
        self.directory = directory
        self._direct = direct
        self.disks = {name: Disk(directory / name) for name in ("postgres", "kafka", "spool")}
        self.logs = directory / "logs"
        front, intake, second, broker, controller, inner, outer = free_ports((None,) * 7)
        self.intake_ports = (intake, second)
        self.front_port = front
        self.postgres = Postgres(
            directory / "postgres" / "data", socket_directory(directory), self.logs / "postgres.log"
        )
        self._ports = Ports(broker, controller)
        listeners = f"BROKER://{HOST}:${{broker_port}},INNER://{HOST}:{inner}"
        self.kafka = Kafka(
            directory / "kafka",
            self.logs / "kafka.log",
            further=(
                f"listeners={listeners},CONTROLLER://{HOST}:{controller}",
                f"advertised.listeners=BROKER://{HOST}:${{broker_port}},INNER://{HOST}:{outer}",
                "listener.security.protocol.map=BROKER:PLAINTEXT,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            ),
        )
        real = Address(self.postgres.sockets / f".s.PGSQL.{PORT}")
        self.gaps = Gaps(
            Proxy(Address(front), Address(intake)),
            Proxy(Address(self._socket("i")), real),
            Proxy(Address(self._socket("r")), real),
            Proxy(Address(outer), Address(inner)),
        )
        self.parts: dict[str, Part] = {
            "postgres": postgres_part(self.postgres),
            "kafka": kafka_part(self.kafka, self._ports),
        }
        self.supervisor = Supervisor(self.parts)
        self._way = contextlib.AsyncExitStack()
        self._relay_bootstrap = f"{HOST}:{broker if direct else outer}"

    @property
    def url(self) -> str:
        """Where clients reach the intake: the front proxy."""
        return f"http://{HOST}:{self.intake_ports[0] if self._direct else self.front_port}"

    @property
    def bootstrap(self) -> str:
        """Kafka without a proxy, for readers."""
        return f"{HOST}:{self._ports.broker}"

    @property
    def certificate(self) -> Path:
        """The gateway's certificate."""
        return self.directory / "keys" / "gateway.certificate.pem"

    def service(self, name: str) -> Service:
        """A part that is one of the gateway's commands."""
        part = self.parts[name]
        if not isinstance(part, Service):
            raise TypeError(name)
        return part

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self._way.aclose()
        services = [part for part in self.parts.values() if isinstance(part, Service)]
        await asyncio.gather(*(part.stop() for part in services))
        for proxy in self.gaps.all().values():
            await proxy.stop()
        await asyncio.gather(*(part.stop() for part in self.parts.values() if isinstance(part, Server)))
        for disk in self.disks.values():
            disk.unmount()

    async def ready(self, seconds: float = READY_SECONDS) -> None:
        """Returns when the intake says that it and all it needs are ready; raises TimeoutError."""
        async with asyncio.timeout(seconds), httpx.AsyncClient(base_url=self.url, timeout=5) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get("/readyz")).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(0.1)

    def environment(self, gap: Proxy | None = None, bootstrap: str | None = None) -> dict[str, str]:
        """What tells a command of the gateway where everything is; PostgreSQL through that gap's proxy."""
        sockets = self.postgres.sockets if gap is None or self._direct else _path_of(gap.listen).parent
        keys = self.directory / "keys"
        return {
            "GATEWAY_DATABASE_URL": f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(sockets))}&port={PORT}",
            "GATEWAY_KAFKA_BOOTSTRAP": bootstrap or self.bootstrap,
            "GATEWAY_URL": self.url,
            "GATEWAY_KEY_FILE": str(keys / "gateway.key.pem"),
            "GATEWAY_CERTIFICATE_FILE": str(keys / "gateway.certificate.pem"),
        }

    async def command(self, *arguments: str, tree: Path | None = None, expected: tuple[int, ...] = (0,)) -> str:
        """What `gateway ARGUMENTS` prints; raises CommandFailed when it ends with an unexpected status."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment()},
            cwd=tree or self.directory,
        )
        async with asyncio.timeout(COMMAND_SECONDS):
            out, errors = await process.communicate()
        if process.returncode not in expected:
            said = (errors or out).decode(errors="replace")[-500:]
            raise CommandFailed(f"gateway {' '.join(arguments)} ended with {process.returncode}: {said}")
        return out.decode()

    async def json_of(self, *arguments: str, expected: tuple[int, ...] = (0,)) -> dict[str, Any]:
        """The JSON object that a command prints."""
        facts: dict[str, Any] = json.loads(await self.command(*arguments, "--json", expected=expected))
        return facts

    async def _open(self) -> None:
        self.logs.mkdir(parents=True)
        for disk in self.disks.values():
            disk.mount()
        (self.directory / "keys").mkdir(mode=0o700)
        generate_gateway_key(self.directory / "keys", "Gateway under test", datetime.now(UTC))
        await asyncio.gather(*(part.start() for part in self.parts.values()))
        await asyncio.gather(self.command("migrate"), self.command("topics", "apply"))
        for proxy in self.gaps.all().values():
            await proxy.start()
        self._add_services()
        await self._way.enter_async_context(self.supervisor)
        await self.ready()

    def _add_services(self) -> None:
        reading = self.environment(self.gaps.relay_postgres, self._relay_bootstrap)
        self.add(self.intake("intake", self.intake_ports[0]))
        self.add(Service("relay", ("relay",), reading, self.logs / "relay.log"))
        self.add(Service("overseer", ("oversee",), self.environment(), self.logs / "overseer.log"))

    def intake(self, name: str, port: int) -> Service:
        """An intake on that port, not started and not supervised yet."""
        environment = self.environment(self.gaps.intake_postgres)
        return Service(name, ("serve", "--port", str(port)), environment, self.logs / "intake.log")

    def add(self, service: Service) -> None:
        """Puts a service among the parts, before the plant is open."""
        self.parts[service.name] = service

    async def adopt(self, service: Service) -> None:
        """Adds a service to a plant that is open: it is started and kept running."""
        self.parts[service.name] = service
        self.supervisor.keep(service)

    def _socket(self, name: str) -> Path:
        directory = self.postgres.sockets.with_name(f"{self.postgres.sockets.name}{name}")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return directory / f".s.PGSQL.{PORT}"


def _path_of(address: Address) -> Path:
    if not isinstance(address.place, Path):
        raise TypeError(address)
    return address.place
