"""A proxy on this machine that can be told to cut, delay, fall silent, or swallow one kind of answer."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 65_536
END_TXN = 26
COMMIT = b"COMMIT"
BIND, SYNC = b"B", b"S\x00\x00\x00\x04"
VERDICT = b"accepted"
LINGER_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen or to connect: a Unix socket's path, or a port of 127.0.0.1."""

    place: Path | int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to it; raises OSError."""
        if isinstance(self.place, Path):
            return await asyncio.open_unix_connection(str(self.place))
        return await asyncio.open_connection("127.0.0.1", self.place)


@dataclass(eq=False, slots=True)
class Link:
    """One connection through the proxy; a silent one stays silent for ever, as half-open connections do."""

    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    silent: bool = False
    answers_swallowed: bool = False
    unread: bytes = b""
    appending: bool = False

    def cut(self) -> None:
        """Resets both sides."""
        for writer in self.writers:
            writer.transport.abort()


Watch = Callable[[Link, bytes], bool]
"""Looks at what a client sends, and says whether the answer to it is to be lost."""


class Proxy:
    """Between `listen` and `upstream`; an async context manager.

    `refusing` cuts every new connection, `delay` holds each piece of data back for so many seconds, `silent` lets
    nothing through while no connection is closed, `watch` names requests whose answer is swallowed before the
    connection is cut. `upstream` may be changed: it holds for new connections. `swallowed` counts lost answers.
    """

    def __init__(self, listen: Address, upstream: Address) -> None:
        self.listen = listen
        self.upstream = upstream
        self.refusing = False
        self.silent = False
        self.delay = 0.0
        self.watch: Watch | None = None
        self.swallowed = 0
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens."""
        if isinstance(self.listen.place, Path):
            self.listen.place.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._accept, path=str(self.listen.place))
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.listen.place)

    async def stop(self) -> None:
        """Stops listening and cuts what is open."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Resets every open connection."""
        for link in list(self._links):
            link.cut()

    def silence(self) -> None:
        """From now on nothing passes; the connections that are open now will never speak again."""
        self.silent = True
        for link in self._links:
            link.silent = True

    def mend(self) -> None:
        """Lets everything through again on new connections, and on those that were not silenced."""
        self.refusing = self.silent = False
        self.delay = 0.0
        self.watch = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link([writer], silent=self.silent)
        self._links.add(link)
        try:
            if not self.refusing:
                await self._join(link, reader, writer)
        finally:
            self._links.discard(link)
            link.cut()

    async def _join(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self.upstream.connect()
        except OSError:
            return
        link.writers.append(far_writer)
        pumps = [
            asyncio.create_task(self._pump(link, reader, far_writer, asking=True)),
            asyncio.create_task(self._pump(link, far_reader, writer, asking=False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if link.silent and not link.answers_swallowed:
                await asyncio.wait(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asking: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if link.silent or (link.answers_swallowed and not asking):
                    continue
                lost = asking and self.watch is not None and self.watch(link, data)
                if lost:
                    link.answers_swallowed = True
                writer.write(data)
                await writer.drain()
                if lost:
                    self.swallowed += 1
                    await asyncio.sleep(LINGER_SECONDS)
                    return


def every_commit(link: Link, data: bytes) -> bool:
    """A Watch: True where a client of PostgreSQL asks for a commit, or for the statement that appends by itself.

    The latter is known by the verdicts that are bound to it; it is asked for when the last of it has passed.
    """
    if data.startswith(BIND):
        link.appending = VERDICT in data
    return COMMIT in data or (link.appending and data.endswith(SYNC))


def every_end_of_transaction(link: Link, data: bytes) -> bool:
    """A Watch: True where a client of Kafka asks for the end of a transaction, committed or aborted (EndTxn)."""
    link.unread += data
    found = False
    while len(link.unread) >= 6:  # noqa: PLR2004 - four bytes of length, two of the request's kind
        length = int.from_bytes(link.unread[:4], "big")
        found |= int.from_bytes(link.unread[4:6], "big") == END_TXN
        if len(link.unread) < 4 + length:
            break
        link.unread = link.unread[4 + length :]
    return found
