"""Long bodies on disk while they are filed: files without a name, gone when they are closed or the process ends."""

import asyncio
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from gateway.intake.refusals import Busy
from gateway.judging.longs import LongExamination, LongJudging

PIECE_BYTES = 1024 * 1024

log = structlog.get_logger("intake")


@dataclass(frozen=True)
class Spooled:
    """A body on disk, complete: what `gateway.pipeline.Large` says. `sha256` is lower-case hex."""

    file: IO[bytes]
    size: int
    sha256: str
    judging: LongJudging

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes in order, read past the offset that the judging process shares."""
        for offset in range(0, self.size, PIECE_BYTES):
            yield await asyncio.to_thread(os.pread, self.file.fileno(), PIECE_BYTES, offset)

    def examination(self) -> AbstractAsyncContextManager[LongExamination]:
        """What examines it, in a process of its own."""
        return self.judging.open(self.file.fileno())


class SpoolFile:
    """A body on its way to disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._held = bytearray()
        self.size = 0

    async def add(self, data: bytes) -> None:
        """Takes the next bytes; raises Busy where the disk is full."""
        self.size += len(data)
        self._held += data
        if len(self._held) >= PIECE_BYTES:
            await self._write()

    async def complete(self, judging: LongJudging) -> Spooled:
        """The body, once all of it came; raises Busy where the disk is full."""
        await self._write()
        return Spooled(self._file, self.size, self._digest.hexdigest(), judging)

    async def _write(self) -> None:
        held, self._held = self._held, bytearray()
        try:
            await asyncio.to_thread(self._store, held)
        except OSError as error:
            log.warning("spool.failed", error=type(error).__name__, errno=error.errno)
            raise Busy("a long message can't be put on disk") from error

    def _store(self, data: bytearray) -> None:
        self._digest.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file.fileno(), rest) :]


class Spool:
    """Where long bodies wait: at most `most` at once in this process, `each` of one address."""

    def __init__(self, directory: Path | None, most: int, each: int, judging: LongJudging) -> None:
        self._directory = directory
        self._most = most
        self._each = each
        self._held: Counter[str] = Counter()
        self.judging = judging

    @property
    def held(self) -> int:
        """How many are here."""
        return self._held.total()

    @contextmanager
    def place(self, address: str) -> Iterator[SpoolFile]:
        """A file for one body of that address, readable by nobody else; raises Busy where there is no room."""
        if self.held >= self._most or self._held[address] >= self._each:
            raise Busy("as many long messages are under way as may be")
        self._held[address] += 1
        try:
            with self._opened() as file:
                yield SpoolFile(file)
        finally:
            self._held[address] -= 1
            self._held += Counter()

    def _opened(self) -> IO[bytes]:
        try:
            return tempfile.TemporaryFile(dir=self._directory)
        except OSError as error:
            log.warning("spool.failed", error=type(error).__name__, errno=error.errno)
            raise Busy("a long message can't be put on disk") from error
