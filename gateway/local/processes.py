"""Background processes that outlive whoever started them, and are recognised again later."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import psutil

from gateway.errors import Unavailable

Progress = Callable[[str], None]

LAUNCHER = 'exec "$@" </dev/null >>"$0" 2>&1 & echo $!'
BIRTH_TOLERANCE = 2.0
POLL = 0.05


def silent(_line: str) -> None:
    """A progress callback that tells nobody."""


class PartFailed(Unavailable):
    """A part of the local stack did not start, or stopped by itself; the text names its log and what to do."""

    code = "local-part-failed"


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.run` that start a program as another user; empty for oneself."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started once: its id and when it was born (seconds since 1970), so a reused id is seen."""

    pid: int
    born: float

    def to_json(self) -> dict[str, Any]:
        """The two facts as plain data."""
        return {"pid": self.pid, "born": self.born}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Process":
        """The process that `to_json` described."""
        return cls(pid=int(data["pid"]), born=float(data["born"]))

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The living process that has this id now, None where there is none."""
        try:
            return cls(pid=pid, born=psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        """True while this very process runs; a zombie does not, and another one with the same id is not it.

        A zombie of which other threads are still ending holds its ports and files, and so counts as running.
        """
        return self._handle() is not None

    def stop(self, grace: float) -> bool:
        """Asks it to end, kills it after `grace` seconds, and returns when it is gone; False if it had to be killed."""
        handle = self._handle()
        if handle is None:
            return True
        with contextlib.suppress(psutil.NoSuchProcess):
            handle.terminate()
        if self.gone_within(grace):
            return True
        self.kill()
        return False

    def kill(self) -> None:
        """Ends it at once and returns when it is gone."""
        handle = self._handle()
        if handle is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                handle.kill()
            self.gone_within(10.0)

    def gone_within(self, seconds: float) -> bool:
        """Waits until it is gone, at most so long; False when it still runs then."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True

    def _handle(self) -> psutil.Process | None:
        try:
            handle = psutil.Process(self.pid)
            if handle.status() == psutil.STATUS_ZOMBIE and handle.num_threads() <= 1:
                return None
            return handle if abs(handle.create_time() - self.born) < BIRTH_TOLERANCE else None
        except psutil.NoSuchProcess:
            return None


def spawn(part: str, command: Sequence[str | Path], log: Path, identity: Identity | None = None) -> Process:
    """Starts a command in a session of its own, its output appended to `log`; raises PartFailed if it ends at once.

    A shell in between ends at once, so the process is an orphan from its first moment: it outlives the caller,
    never becomes the caller's zombie and is not stopped by the caller's terminal.
    """
    answer = subprocess.run(  # noqa: S603 - the shell's text is a constant, the command is passed as its arguments
        ["/bin/sh", "-c", LAUNCHER, str(log), *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
        check=True,
        text=True,
        **(identity or Identity()),
    )
    process = Process.of(int(answer.stdout))
    if process is None:
        raise failure(part, "ended at once", log)
    return process


def last_lines(log: Path, count: int = 12, limit: int = 16384) -> str:
    """The last lines of a log, indented, for an error message; empty when there is no log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-count:])


def failure(part: str, what: str, log: Path) -> PartFailed:
    """The error for a part that did not start: what happened, the end of its log, and where to read on."""
    tail = last_lines(log)
    shown = f"\n  the end of its log:\n{tail}" if tail else ""
    return PartFailed(f"{part}: {what}{shown}\n  read on in {log}")
