"""The parts of the plant: each started as an operator's service manager would, and started again when it ends."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol, Self

import psutil

from gateway.local.kafka import Kafka, Ports
from gateway.local.postgres import Postgres
from gateway.local.processes import PartFailed

RESTART_SECONDS = 0.3
STOP_SECONDS = 40.0
JUDGING = "gateway.judging"


class Part(Protocol):
    """Something that runs, may be killed, and can be started again; `starts` counts how often it was."""

    name: str
    starts: int

    async def start(self) -> None:
        """Starts it; raises PartFailed when it can't be started now."""

    def pids(self) -> list[int]:
        """Its processes, empty when it does not run."""

    async def stop(self) -> None:
        """Ends it in good order."""


class Service:
    """One of the gateway's commands that runs on; `environment` and `tree` may be changed before the next start.

    `tree` is the directory of the release that is run, None for this one.
    """

    def __init__(self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.arguments = arguments
        self.environment = dict(environment)
        self.tree: Path | None = None
        self.starts = 0
        self.ended_with: list[int] = []
        self.process: asyncio.subprocess.Process | None = None
        self._log = log

    async def start(self) -> None:
        """Starts it; how the one before ended is kept in `ended_with`."""
        if self.process is not None and self.process.returncode is not None:
            self.ended_with.append(self.process.returncode)
        self.starts += 1
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", *self.arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                cwd=self.tree or self._log.parent,
                start_new_session=True,
            )

    def pids(self) -> list[int]:
        """The process that was started; its judging processes are `judging`'s."""
        return [] if self.process is None or self.process.returncode is not None else [self.process.pid]

    def judging(self) -> list[int]:
        """The judging processes of an intake."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = [child for pid in self.pids() for child in psutil.Process(pid).children()]
            return [child.pid for child in children if JUDGING in child.cmdline()]
        return []

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when it has not ended by then."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class Server:
    """PostgreSQL or Kafka."""

    def __init__(self, name: str, begin: Callable[[], Awaitable[None]], server: "Postgres | Kafka") -> None:
        self.name = name
        self.starts = 0
        self._begin = begin
        self._server = server

    async def start(self) -> None:
        """Starts it after whatever happened."""
        self.starts += 1
        await self._begin()

    def pids(self) -> list[int]:
        """Its main process."""
        running = self._server.running()
        return [running.pid] if running else []

    async def stop(self) -> None:
        """Ends it in good order."""
        await asyncio.to_thread(self._server.stop)


def postgres_part(postgres: Postgres) -> Server:
    """PostgreSQL as a part."""

    async def begin() -> None:
        await asyncio.to_thread(postgres.start)

    return Server("postgres", begin, postgres)


def kafka_part(kafka: Kafka, ports: Ports) -> Server:
    """Kafka as a part, always on the same ports."""

    async def begin() -> None:
        await asyncio.to_thread(kafka.start, wanted=ports)

    return Server("kafka", begin, kafka)


class Supervisor:
    """Starts again what has ended, as systemd's `Restart=always` does; an async context manager.

    Parts in `left` are left as they are.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.parts = parts
        self.left: set[str] = set()
        self.failed_starts = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for part in self.parts.values():
            self.keep(part)
        return self

    async def __aexit__(self, *_raised: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def keep(self, part: Part) -> None:
        """Starts a part, and again whenever it has ended, for as long as it is among the parts."""
        self._tasks.append(asyncio.create_task(self._keep(part)))

    async def _keep(self, part: Part) -> None:
        while part is self.parts.get(part.name):
            if part.name not in self.left and not part.pids():
                try:
                    await part.start()
                except (PartFailed, OSError):  # what it starts with can't be written: its disk is full
                    self.failed_starts += 1
            await asyncio.sleep(RESTART_SECONDS)


def send_signal(pids: list[int], number: signal.Signals) -> None:
    """Signals whatever of these processes is there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def family(pids: list[int]) -> list[int]:
    """These processes and all that they started."""
    found = list(pids)
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return found
