"""A stack's directory: what lies where, the lock by which commands take turns, the file that says where all is."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import ConfigurationError, Unavailable
from gateway.local.processes import Progress

STACK_FILE = "stack.json"
MARK = ".gateway-stack"
TURN_SECONDS = 300.0
POLL = 0.1


@dataclass(frozen=True, slots=True)
class Places:
    """Everything below a stack's directory; `directory` is absolute."""

    directory: Path

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"

    @property
    def kafka(self) -> Path:
        return self.directory / "kafka"

    @property
    def keys(self) -> Path:
        return self.directory / "keys"

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.directory / "logs" / f"{part}.log"

    def is_stack(self) -> bool:
        """True when a stack was started here before."""
        return (self.directory / MARK).is_file()

    def claim(self) -> None:
        """Makes the directory a stack's; raises ConfigurationError when it holds something else or can't be made."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if not self.is_stack() and any(self.directory.iterdir()):
                raise ConfigurationError(
                    f"{self.directory} is not empty and holds no local stack: choose a new directory with --dir."
                )
            (self.directory / MARK).touch(mode=0o600)
        except OSError as error:
            raise ConfigurationError(
                f"{self.directory} can't hold a local stack ({error.strerror}): choose another with --dir."
            ) from error

    @contextlib.contextmanager
    def turn(self, progress: Progress) -> Iterator[None]:
        """Holds the directory for one command at a time; raises Unavailable when another one does not end."""
        deadline = time.monotonic() + TURN_SECONDS
        waiting = False
        while (held := self._hold()) is None:
            if not waiting:
                progress(f"waiting for another command that is at work on {self.directory}")
            if time.monotonic() > deadline:
                raise Unavailable(f"Another command has been at work on {self.directory} for {TURN_SECONDS:.0f} s.")
            waiting = True
            time.sleep(POLL)
        try:
            yield
        finally:
            os.close(held)

    def _hold(self) -> int | None:
        """The locked mark; None while another holds it. A mark that was wiped meanwhile is made again."""
        while True:
            handle = os.open(self.directory / MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _same_file(handle, self.directory / MARK):
                    return handle
            except BlockingIOError:
                os.close(handle)
                return None
            os.close(handle)

    def read(self) -> Mapping[str, Any]:
        """What the stack's file says, empty when there is none or it is not readable as JSON."""
        try:
            state = json.loads((self.directory / STACK_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def write(self, state: Mapping[str, Any]) -> None:
        """Replaces the stack's file at once, so that no reader ever meets half of it."""
        handle, name = tempfile.mkstemp(prefix=f".{STACK_FILE}.", dir=self.directory)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=2, ensure_ascii=False)
            file.write("\n")
        Path(name).replace(self.directory / STACK_FILE)

    def delete(self) -> None:
        """Deletes the directory and all that is in it; the mark goes last, so this can be repeated."""
        for path in self.directory.iterdir():
            if path.name == MARK:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        (self.directory / MARK).unlink(missing_ok=True)
        self.directory.rmdir()


def _same_file(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
