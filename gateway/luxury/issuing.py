"""Group issue: one task a process that finds or issues codes together for all that wait, and logs what is new."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

import structlog

from gateway.errors import GatewayError, Unavailable
from gateway.journal.errors import Overloaded
from gateway.journal.luxury import LuxuryCodes, Outcome
from gateway.journal.luxury_rows import CodeRow, Unlogged, WantedCode
from gateway.luxury.entries import draft_of, group_body
from gateway.model import Draft
from gateway.sealing.keys import KeyHolder
from validators.luxury.unique_codes import CodeKind, make_code

GROUP = 512
WAITING = 4_096
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.1
DRAIN_SECONDS = 10.0
SWEEP_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Log(Protocol):
    """What issuing needs of the journal."""

    async def append(self, draft: Draft) -> object: ...


@dataclass(frozen=True, slots=True)
class Issued:
    """The code of what was asked for; `repeated` when it had been issued before."""

    row: CodeRow
    repeated: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    wanted: WantedCode
    answer: asyncio.Future[Issued]


class CodeIssuer:
    """Issues codes; an async context manager.

    A code is given out once it is durable. Its group stands in the log right after that; should this process end
    before, any process logs it within seconds, and the log takes the same bytes once.
    """

    def __init__(self, codes: LuxuryCodes, log: Log, keys: KeyHolder, clock: Callable[[], datetime]) -> None:
        self._codes = codes
        self._journal = log
        self._keys = keys
        self._clock = clock
        self._queue: deque[_Waiting] = deque()
        self._something = asyncio.Event()
        self._stopping = False
        self._logging: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._serve(), name="unique codes"),
            asyncio.create_task(self._sweep(), name="unlogged codes"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping = True
        self._something.set()
        serving, sweeping = self._tasks
        sweeping.cancel()
        await asyncio.wait({serving}, timeout=DRAIN_SECONDS)
        serving.cancel()
        await asyncio.gather(serving, sweeping, return_exceptions=True)
        for waiting in self._queue:
            _refuse(waiting, Unavailable("the gateway stopped before this could be issued"))

    async def issue(self, wanted: WantedCode) -> Issued:
        """The code of what is wanted, issued together with what else waits.

        Raises Overloaded when too much waits; Unavailable when no answer came in time: asking again is harmless.
        """
        if self._stopping or len(self._queue) >= WAITING:
            raise Overloaded("too many codes are asked for")
        waiting = _Waiting(wanted, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._something.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await waiting.answer
        except TimeoutError:
            raise Unavailable("the codes were not issued in time") from None

    async def log(self, group: Unlogged) -> None:
        """Puts a group of new codes into the log, unless it stands there, and forgets it; later where that fails."""
        try:
            await self._journal.append(await draft_of(group, self._keys))
            await self._codes.logged(group.batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the group is kept and tried again
            _log.warning("luxury.not_logged_yet", batch=str(group.batch), error=type(error).__name__)

    async def _serve(self) -> None:
        while True:
            await self._something.wait()
            group = self._take()
            if group:
                await self._issue(group)
            elif self._stopping:
                await self._logged()
                return
            else:
                self._something.clear()

    def _take(self) -> list[_Waiting]:
        group = [self._queue.popleft() for _ in range(min(GROUP, len(self._queue)))]
        return [waiting for waiting in group if not waiting.answer.done()]

    async def _issue(self, group: list[_Waiting]) -> None:
        try:
            outcome = await self._attempt(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the service
            _log.error("luxury.group_failed", error=type(error).__name__)
            for waiting in group:
                _refuse(waiting, Unavailable(f"the codes could not be issued: {type(error).__name__}"))
            return
        fresh = set(outcome.new)
        for waiting in group:
            identity = waiting.wanted.identity
            if not waiting.answer.done():
                waiting.answer.set_result(Issued(outcome.codes[identity], identity not in fresh))
            fresh.discard(identity)
        if outcome.unlogged is not None:
            await self._logged()
            self._logging = asyncio.create_task(self.log(outcome.unlogged))

    async def _logged(self) -> None:
        """Waits for the group before: while one is logged the next is issued, and no more wait for the log."""
        if self._logging is not None:
            await self._logging

    async def _attempt(self, group: list[_Waiting]) -> Outcome:
        """Tries until PostgreSQL answers or nobody waits any more."""
        while True:
            try:
                wanted = [waiting.wanted for waiting in group]
                return await self._codes.issue(wanted, self._clock(), draw, group_body)
            except Unavailable:
                if all(waiting.answer.done() for waiting in group):
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _sweep(self) -> None:
        """Logs what other processes issued and could not log."""
        while True:
            try:
                for group in await self._codes.unlogged(self._clock() - timedelta(seconds=SWEEP_SECONDS)):
                    await self.log(group)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                _log.warning("luxury.not_swept", error=type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)


def draw(wanted: WantedCode) -> str:
    """A new code of the kind that is wanted."""
    kind = CodeKind.ITEM if wanted.item is None else CodeKind.OPERATION
    return make_code(kind, secrets.choice).text


def _refuse(waiting: _Waiting, error: GatewayError) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
