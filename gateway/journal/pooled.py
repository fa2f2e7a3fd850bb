"""What the parts share that keep a few connections to PostgreSQL of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from gateway.errors import Unavailable
from gateway.journal.connections import SERVING, AnyConnection, Pool, close, open_pool, postgres_needed

_CONNECTIONS = 2


class Pooled:
    """An async context manager that holds at most two connections, opened when first needed.

    Every method of an heir raises Unavailable while PostgreSQL is away, and outside of the context.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, SERVING, _CONNECTIONS)
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

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AnyConnection]:
        if self._pool is None:
            raise Unavailable(f"{type(self).__name__} is not open")
        with postgres_needed():
            async with self._pool.acquire() as connection:
                yield connection

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AnyConnection]:
        async with self._connection() as connection, connection.transaction():
            yield connection
