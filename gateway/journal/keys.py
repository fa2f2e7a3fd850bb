"""The history of the gateway's keys in PostgreSQL: read by every replica, written by the administrator's commands."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from gateway.errors import Unavailable
from gateway.journal.connections import SERVING, AnyConnection, Pool, close, open_pool, postgres_needed
from gateway.journal.copies import FollowingCopy
from gateway.journal.queries import sql
from gateway.keyhistory import KeyEvent, KeyHistory, KeyState

Decide = Callable[[KeyHistory], Sequence[KeyEvent]]
"""What is to be added to a history; it may raise KeyChangeRefused."""


class KeyRegister:
    """The history in one PostgreSQL database; an async context manager. It connects when first needed.

    Its methods raise Unavailable while PostgreSQL is away.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, SERVING, 1)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        closing, self._pool = self._pool, None
        if closing is not None:
            await close(closing)

    async def history(self) -> KeyHistory:
        """What was decided so far."""
        async with self._connection() as connection:
            return await _history(connection)

    async def change(self, decide: Decide) -> KeyHistory:
        """Adds what is decided by the history as it stands, one change at a time, and answers the new history."""
        async with self._connection() as connection, connection.transaction():
            await connection.execute(sql("lock_gateway_keys"))
            for event in decide(await _history(connection)):
                await connection.execute(sql("add_gateway_key_event"), *_values(event))
            return await _history(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AnyConnection]:
        if self._pool is None:
            raise Unavailable("the register of keys is not open")
        with postgres_needed():
            async with self._pool.acquire() as connection:
                yield connection


class KeyHistoryCopy(FollowingCopy):
    """Tells each second, and at first, what the history is, so that a replica takes up a key without a restart."""

    name = "gateway-keys"

    def __init__(self, register: KeyRegister, told: Callable[[KeyHistory], None], seconds: float = 1.0) -> None:
        super().__init__(seconds)
        self._register = register
        self._told = told
        self._history = KeyHistory()

    @property
    def history(self) -> KeyHistory:
        """The history as it was last read."""
        return self._history

    async def refresh(self) -> None:
        """Reads the history and tells it, for moments pass too. Raises Unavailable."""
        try:
            self._history = await self._register.history()
        finally:
            self._told(self._history)


async def _history(connection: AnyConnection) -> KeyHistory:
    rows = await connection.fetch(sql("gateway_keys"))
    return KeyHistory(tuple(KeyEvent(**{**row, "state": KeyState(row["state"])}) for row in rows))


def _values(event: KeyEvent) -> tuple[str, str, datetime, datetime, str, str, str]:
    return (event.kid, event.state.value, event.since, event.at, event.by, event.reason, event.certificate)
