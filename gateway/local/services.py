"""The gateway's own processes in a local stack: intake, relay and overseer, started, found again and stopped."""

import contextlib
import http.client
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from gateway.local.ports import HOST
from gateway.local.processes import Process, failure, spawn

START_SECONDS = 60.0
STOP_SECONDS = 40.0
POLL = 0.05
RELAY_STARTED = b"relay.started"
OVERSEER_STARTED = b"overseer.started"


@dataclass(frozen=True, slots=True)
class Service:
    """One of the gateway's commands that runs on: its name in the stack, its arguments and its log.

    It is known again by its command line, so nothing need be noted and no reused process id can mislead.
    """

    part: str
    command: str
    directory: Path
    log: Path

    def start(self, *options: str) -> Process:
        """Starts it in the background; raises PartFailed when it ends at once."""
        return spawn(self.part, [sys.executable, *self._signature(), *options], self.log)

    def running(self) -> list[Process]:
        """Its processes, the ones that it started itself after it."""
        found: list[Process] = []
        for process in psutil.process_iter(["cmdline"]):
            if self._is_ours(process.info["cmdline"] or []):
                found += _family(process)
        return found

    def stop(self, grace: float = STOP_SECONDS) -> None:
        """Lets it finish what is under way, kills what has not ended by then; harmless when it does not run."""
        for process in self.running():
            process.stop(grace)

    def wait(self, process: Process, ready: Callable[[], bool]) -> None:
        """Returns when it is ready; raises PartFailed with the end of its log when it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if not process.alive():
                raise failure(self.part, "stopped while starting", self.log)
            if time.monotonic() > deadline:
                raise failure(self.part, f"was not ready after {START_SECONDS:.0f} s", self.log)
            time.sleep(POLL)

    def written(self) -> int:
        """How many bytes its log has now."""
        return self.log.stat().st_size if self.log.exists() else 0

    def said(self, text: bytes, since: int) -> bool:
        """True when its log holds the text after that many bytes."""
        if not self.log.exists():
            return False
        with self.log.open("rb") as file:
            file.seek(since)
            return text in file.read()

    def _signature(self) -> list[str]:
        return ["-m", "gateway", self.command, "--dir", str(self.directory)]

    def _is_ours(self, command: list[str]) -> bool:
        signature = self._signature()
        return command[1 : 1 + len(signature)] == signature


def answers_ready(port: int, timeout: float = 5.0) -> bool:
    """True when the intake on this port of 127.0.0.1 says that it and the parts it needs are ready."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    return False


def _family(process: psutil.Process) -> list[Process]:
    try:
        members = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    found = (Process.of(member.pid) for member in members)
    return [member for member in found if member is not None and member.alive()]
