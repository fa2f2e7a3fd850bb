"""Looking codes up together: what is asked for while one query runs is found by the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from gateway.journal.errors import Overloaded
from gateway.journal.luxury_rows import CodeRow

GROUP = 512
WAITING = 8_192

Find = Callable[[Sequence[str]], Awaitable[Mapping[str, CodeRow]]]


class GroupedLookup:
    """One code at a time for whoever asks, many in a query for PostgreSQL."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._waiting: list[tuple[str, asyncio.Future[CodeRow | None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def find(self, code: str) -> CodeRow | None:
        """The code, None where it does not exist; raises Unavailable, and Overloaded when too many ask."""
        if len(self._waiting) >= WAITING:
            raise Overloaded("too many codes are looked up")
        answer: asyncio.Future[CodeRow | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((code, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            try:
                found = await self._find([code for code, _ in group])
            except Exception as error:  # noqa: BLE001 - it is each asker's to know
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for code, answer in group:
                if not answer.done():
                    answer.set_result(found.get(code))
