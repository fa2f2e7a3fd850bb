"""Events as lines of JSON over a stream, each answered by a line: a Unix socket, standard input."""

import asyncio
import contextlib
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import orjson

from gateway.client.agent.checking import LONGEST_LINE
from gateway.client.agent.taking import MOST_LINES, Answer, Taker
from gateway.errors import ConfigurationError

CHUNK = 262_144
SOCKET_MODE = 0o660

Read = Callable[[], Awaitable[bytes]]


class LineSplitter:
    """Cuts a stream into its lines, blank ones left out; of one that is too long the beginning alone."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole by now."""
        *lines, rest = (self._rest + data).split(b"\n")
        if self._skipping and lines:
            lines[0] = b""
            self._skipping = False
        if self._skipping:
            rest = b""
        elif len(rest) > LONGEST_LINE:
            lines.append(rest[: LONGEST_LINE + 1])
            rest, self._skipping = b"", True
        self._rest = rest
        return [line for line in lines if line.strip()]

    def end(self) -> list[bytes]:
        """A last line without its end."""
        return self.feed(b"\n")


async def lines_of(read: Read) -> AsyncIterator[Sequence[bytes]]:
    """The lines of a stream to its end, as many at once as have come, up to MOST_LINES."""
    splitter = LineSplitter()
    data = b"\n"
    while data:
        data = await read()
        lines = splitter.feed(data) if data else splitter.end()
        for start in range(0, len(lines), MOST_LINES):
            yield lines[start : start + MOST_LINES]


def written(answers: Sequence[Answer]) -> bytes:
    """The answers, one a line."""
    return b"".join(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE) for answer in answers)


@contextlib.asynccontextmanager
async def listening_socket(path: Path, taker: Taker) -> AsyncIterator[None]:
    """Takes events from whoever connects to a Unix socket; the group of the agent's user may."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            async for lines in lines_of(lambda: reader.read(CHUNK)):
                writer.write(written(await taker.take(lines)))
                await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(talk, sock=_bound(path), limit=CHUNK)
    try:
        yield
    finally:
        server.close()
        _gone(path)


def _bound(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listening.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"the socket {path} can't be made: {error}") from error
    return listening


def _gone(path: Path) -> None:
    path.unlink(missing_ok=True)


async def take_standard_input(taker: Taker) -> None:
    """Takes events from standard input to its end and answers on standard output."""
    async for lines in lines_of(await _standard_input()):
        answers = written(await taker.take(lines))
        await asyncio.to_thread(_say, answers)


async def _standard_input() -> Read:
    if stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        return lambda: asyncio.to_thread(os.read, sys.stdin.fileno(), CHUNK)
    reader = asyncio.StreamReader(limit=CHUNK)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return lambda: reader.read(CHUNK)


def _say(answers: bytes) -> None:
    sys.stdout.buffer.write(answers)
    sys.stdout.buffer.flush()
