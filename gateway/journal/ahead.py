"""Rows that are read beside others, in one order."""

from collections.abc import AsyncIterator

import asyncpg


class Ahead:
    """A stream of rows ordered by `seq` with a look at the next one."""

    def __init__(self, rows: AsyncIterator[asyncpg.Record]) -> None:
        self._rows = rows
        self._next: asyncpg.Record | None = None

    async def upto(self, seq: int | None) -> AsyncIterator[asyncpg.Record]:
        """The rows that follow, as far as `seq`; all when it is None."""
        while True:
            if self._next is None:
                self._next = await anext(self._rows, None)
            if self._next is None or (seq is not None and self._next["seq"] > seq):
                return
            row, self._next = self._next, None
            yield row
