"""The intake's end of the processes that examine long messages: one for each, there for as long as it is filed."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

import orjson
import structlog

from gateway.errors import Unavailable
from gateway.judging.channel import JudgingFailed
from gateway.judging.frames import (
    Frame,
    FrameDamaged,
    FrameReader,
    Kind,
    examined_of,
    packed,
    question_parts,
    refused_of,
    segment_of,
    trust_parts,
)
from gateway.judging.settings import LargeSettings, Question
from gateway.model import Examined, Judged, Standing, Submission
from gateway.sealing.trust import TrustTexts

READ_BYTES = 65_536
DIED = "the process that examined the message ended"

log = structlog.get_logger("judging")


class LongExamination:
    """One long message and the process that examines it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trust: TrustTexts, patience: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._trust = trust
        self._patience = patience
        self._frames = FrameReader()
        self._read: list[Frame] = []
        self._told = False

    async def examine(self, submission: Submission, standing: Standing | None) -> Examined:
        """As `gateway.pipeline.Judging` says; without a standing the message is not judged."""
        if not self._told:
            self._told = True
            await self._write(Kind.TRUST, trust_parts(self._trust))
        await self._write(Kind.QUESTION, question_parts(Question(b"", submission.received_at, standing)))
        frame = await self._answer(Kind.EXAMINED)
        return examined_of(frame.parts)[0]

    async def contents(self, judged: Judged) -> AsyncIterator[Judged]:
        """What was judged, segment by segment: the contents of its accepted items, which are read once more."""
        await self._write(Kind.CONTENTS, [])
        while True:
            frame = await self._answer(Kind.SEGMENT)
            numbers, keys, contents = segment_of(frame.parts)
            if not numbers:
                return
            yield Judged(judged.judgement, contents, numbers, keys)

    async def _write(self, kind: Kind, parts: list[bytes]) -> None:
        try:
            self._writer.writelines(packed(kind, 0, parts))
            await self._writer.drain()
        except OSError as error:
            raise Unavailable(DIED) from error

    async def _answer(self, kind: Kind) -> Frame:
        try:
            async with asyncio.timeout(self._patience):
                frame = await self._next()
        except TimeoutError as error:
            raise Unavailable("the message was not examined in time") from error
        except (OSError, FrameDamaged) as error:
            raise Unavailable(DIED) from error
        if frame.kind is Kind.REFUSED:
            raise refused_of(frame.parts)[0]
        if frame.kind is not kind:
            log.error("judging.failed", where=orjson.loads(frame.parts[0]))
            raise JudgingFailed("a judging process failed at this message")
        return frame

    async def _next(self) -> Frame:
        while not self._read:
            data = await self._reader.read(READ_BYTES)
            if not data:
                raise Unavailable(DIED)
            self._read.extend(self._frames.feed(data))
        return self._read.pop(0)


class LongJudging:
    """Starts a process for each long message; `trust` tells the trust of this moment."""

    def __init__(self, settings: LargeSettings, trust: Callable[[], TrustTexts]) -> None:
        self._settings = settings
        self._trust = trust

    @asynccontextmanager
    async def open(self, descriptor: int) -> AsyncIterator[LongExamination]:
        """The examination of the message in that file; the process ends with it. Raises Unavailable."""
        try:
            process, ours = await asyncio.to_thread(spawn, self._settings, descriptor)
        except OSError as error:
            raise Unavailable("a judging process can't be started") from error
        try:
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=READ_BYTES)
            try:
                yield LongExamination(reader, writer, self._trust(), self._settings.patience)
            finally:
                writer.transport.abort()
        finally:
            await asyncio.shield(asyncio.to_thread(_end, process))


def spawn(settings: LargeSettings, descriptor: int) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process, which inherits the file, and this side's end of the socket to it."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        told = orjson.dumps(asdict(settings)).decode("ascii")
        command = [sys.executable, "-P", "-m", "gateway.judging.large", str(theirs.fileno()), str(descriptor), told]
        process = subprocess.Popen(  # noqa: S603 - this very program
            command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno(), descriptor]
        )
    return process, ours


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
