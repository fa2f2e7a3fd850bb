"""Hearing of new entries as they are committed, and of those that were overseen."""

import asyncio
from contextlib import suppress

import structlog

from gateway.journal.connections import LISTENING, LOST, AnyConnection, close, connect
from gateway.journal.queries import sql

JOURNAL_NEWS = "journal_news"
OVERSIGHT_NEWS = "oversight_news"
_LENGTHS = {JOURNAL_NEWS: "heads", OVERSIGHT_NEWS: "oversight_positions"}
_AGAIN_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class News:
    """Keeps a connection that listens, and knows the longest length of each ledger that it heard of on a channel.

    While the connection is lost nothing is heard: whoever waits here also asks the log now and then.
    """

    def __init__(self, dsn: str, channel: str = JOURNAL_NEWS) -> None:
        self._dsn = dsn
        self._channel = channel
        self._lengths: dict[int, int] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def length(self, ledger: int) -> int:
        """The last `seq` that was heard of, 0 when none was."""
        return self._lengths.get(ledger, 0)

    def heard(self, ledger: int, seq: int) -> None:
        """Takes note that a ledger is at least so long, and wakes who waits."""
        if seq > self.length(ledger):
            self._lengths[ledger] = seq
            self._changed.set()
            self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Waits until anything is heard, at most so long."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name="journal news")
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def stop(self) -> None:
        """Hears no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except LOST as error:
                _log.warning("journal.news_lost", error=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen_once(self) -> None:
        connection = await connect(self._dsn, LISTENING)
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(self._channel, self._on_news)
            for row in await connection.fetch(sql(_LENGTHS[self._channel])):
                self.heard(row["ledger"], row["seq"])
            await ended.wait()
        finally:
            await close(connection)

    def _on_news(self, _connection: AnyConnection, _pid: int, _channel: str, payload: object) -> None:
        ledger, _, seq = str(payload).partition(" ")
        if ledger.isdecimal() and seq.isdecimal():
            self.heard(int(ledger), int(seq))
