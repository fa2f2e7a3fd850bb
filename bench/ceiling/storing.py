"""Group commit with asyncpg: whatever waits goes into PostgreSQL by one COPY, with fsync, then all are answered."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg

MOST = 256

Row = tuple[object, ...]


class GroupCommit:
    """One writer of one table."""

    def __init__(self, dsn: str, table: str, columns: Sequence[str]) -> None:
        self._dsn = dsn
        self._table = table
        self._columns = columns
        self._waiting: asyncio.Queue[tuple[Row, Callable[[], None], asyncio.Future[None]]] = asyncio.Queue()

    async def store(self, row: Row, then: Callable[[], None] = lambda: None) -> None:
        """Returns when the row is on disk; `then` is called before, in the order of the rows."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((row, then, done))
        await done

    async def run(self) -> None:
        """Writes for ever."""
        connection = await asyncpg.connect(self._dsn)
        while True:
            group = [await self._waiting.get()]
            while len(group) < MOST and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            rows = [row for row, _, _ in group]
            await connection.copy_records_to_table(self._table, records=rows, columns=self._columns)
            for _, then, done in group:
                then()
                if not done.done():
                    done.set_result(None)
