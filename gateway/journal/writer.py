"""Group commit: one writer a ledger and process, that files together what waits together."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from asyncpg import exceptions as postgres

from gateway.errors import GatewayError, Unavailable
from gateway.journal.batches import file_batch, log_length, prepare_partitions
from gateway.journal.connections import LOST, WRITING, Connection, close, connect
from gateway.journal.encoding import Row, leaf_of
from gateway.journal.errors import EntryRefused, Overloaded
from gateway.journal.limits import JournalLimits
from gateway.journal.settlement import Head, Prepared, Settlement
from gateway.model import Filed

_BACK_OFF_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
_REFUSED = (
    postgres.DataError,
    postgres.IntegrityConstraintViolationError,
    postgres.ProgramLimitExceededError,
)
_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    row: Row
    leaf: bytes
    answer: asyncio.Future[Filed]
    attempted: bool = False

    @property
    def weight(self) -> int:
        return len(self.row.body) + len(self.row.records) + len(self.row.receipt)

    def refuse(self, error: GatewayError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class LedgerWriter:
    """Appends to one ledger. It connects when first needed, and again, ever slower, whenever PostgreSQL was lost."""

    def __init__(self, dsn: str, ledger: int, limits: JournalLimits) -> None:
        self._dsn = dsn
        self._ledger = ledger
        self._limits = limits
        self._queue: deque[_Waiting] = deque()
        self._weight = 0
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._connection: Connection | None = None
        self._prepare_at = 0
        self._reached = -1
        self._expected: Head | None = None

    @property
    def waiting(self) -> int:
        """How many submissions wait for the next transaction."""
        return len(self._queue)

    def start(self) -> None:
        """Begins to serve; `append` may be called from here on."""
        self._task = asyncio.create_task(self._serve(), name=f"ledger {self._ledger} writer")

    async def stop(self) -> None:
        """Takes nothing more, files what waits, and ends; what cannot be filed in time is answered Unavailable."""
        self._stopping = True
        self._something.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._limits.drain)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for waiting in self._queue:
            waiting.refuse(Unavailable("the journal stopped before this could be filed"))
        self._queue.clear()

    async def append(self, row: Row) -> Filed:
        """Files one row, together with what else waits, and answers once it is durable.

        Raises DocumentConflict; Overloaded when too much waits; Unavailable when no answer came within
        `limits.patience` (the row may have been filed: sending it again is harmless); EntryRefused.
        """
        waiting = _Waiting(row, leaf_of(row), asyncio.get_running_loop().create_future())
        self._admit(waiting)
        try:
            async with asyncio.timeout(self._limits.patience):
                return await waiting.answer
        except TimeoutError:
            raise Unavailable("the log did not answer in time") from None

    def _admit(self, waiting: _Waiting) -> None:
        if self._task is None or self._stopping or self._task.done():
            raise Unavailable("the journal is not running")
        full = len(self._queue) >= self._limits.waiting
        if full or (self._queue and self._weight + waiting.weight > self._limits.waiting_bytes):
            raise Overloaded("too many submissions wait for the log")
        self._queue.append(waiting)
        self._weight += waiting.weight
        self._something.set()

    async def _serve(self) -> None:
        try:
            while True:
                await self._something.wait()
                batch = self._take()
                if batch:
                    await self._file(batch)
                    await self._let_gather(len(batch))
                elif self._stopping:
                    return
                else:
                    self._something.clear()
        finally:
            if self._connection is not None:
                await close(self._connection)

    async def _let_gather(self, filed: int) -> None:
        """Waits a moment where much comes: a transaction costs the same for one entry as for many.

        Whoever files alone is never made to wait.
        """
        if filed >= self._limits.busy and len(self._queue) < self._limits.batch and not self._stopping:
            await asyncio.sleep(self._limits.gather)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        weight = 0
        while self._queue and len(batch) < self._limits.batch:
            if batch and weight + self._queue[0].weight > self._limits.batch_bytes:
                break
            waiting = self._queue.popleft()
            self._weight -= waiting.weight
            if not waiting.answer.done():
                weight += waiting.weight
                batch.append(waiting)
        return batch

    async def _file(self, batch: list[_Waiting]) -> None:
        try:
            await self._file_until_answered(batch)
        except asyncio.CancelledError:
            for waiting in batch:
                waiting.refuse(Unavailable("the journal stopped while this was being filed"))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the service of the ledger
            _log.error("journal.batch_failed", ledger=self._ledger, error=type(error).__name__)
            self._disconnect()
            for waiting in batch:
                waiting.refuse(Unavailable(f"the log failed: {type(error).__name__}"))

    async def _file_until_answered(self, batch: list[_Waiting]) -> None:
        attempts, room_wanted = 0, False
        while batch := [waiting for waiting in batch if not waiting.answer.done()]:
            try:
                if room_wanted:
                    await self._make_room()
                settlement = await self._attempt(batch)
            except LOST as error:
                _log.warning("journal.postgres_lost", ledger=self._ledger, error=type(error).__name__)
                await self._back_off(batch, attempts)
                attempts += 1
            except _REFUSED as error:
                if room_wanted or not isinstance(error, postgres.CheckViolationError):
                    await self._file_apart(batch, error)
                room_wanted = True
            else:
                _answer(batch, settlement)
                await self._look_ahead(settlement.head.seq)

    async def _attempt(self, batch: Sequence[_Waiting]) -> Settlement:
        connection = await self._connected()
        prepared = [Prepared(waiting.row, waiting.leaf, waiting.attempted) for waiting in batch]
        expected, self._expected = self._expected, None
        settlement = await file_batch(connection, self._ledger, prepared, expected)
        self._note(settlement)
        return settlement

    def _note(self, settlement: Settlement) -> None:
        """Expects the head where it is now, if it was where this writer had left it: then nobody else writes.

        Not behind a batch of which something was taken: where messages are sent again, the next one holds some too.
        """
        appended = len(settlement.appended)
        alone = settlement.head.seq - appended == self._reached
        self._expected = settlement.head if alone and appended == len(settlement.answers) else None
        self._reached = settlement.head.seq

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, WRITING)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _back_off(self, batch: Sequence[_Waiting], attempts: int) -> None:
        self._disconnect()
        for waiting in batch:
            waiting.attempted = True
        await asyncio.sleep(_BACK_OFF_SECONDS[min(attempts, len(_BACK_OFF_SECONDS) - 1)])

    async def _file_apart(self, batch: Sequence[_Waiting], error: Exception) -> None:
        if len(batch) > 1:
            for waiting in batch:
                await self._file_until_answered([waiting])
            return
        _log.error("journal.entry_refused", ledger=self._ledger, error=type(error).__name__)
        batch[0].refuse(EntryRefused(f"PostgreSQL refused the entry: {type(error).__name__}"))

    async def _make_room(self) -> None:
        """Makes the partitions for the next entries, unless another process has: PostgreSQL found none for them."""
        connection = await self._connected()
        await prepare_partitions(connection, await log_length(connection, self._ledger))

    async def _look_ahead(self, seq: int) -> None:
        if seq < self._prepare_at:
            return
        try:
            self._prepare_at = await prepare_partitions(await self._connected(), seq)
        except LOST as error:
            _log.warning("journal.partition_not_prepared", ledger=self._ledger, error=type(error).__name__)
            self._disconnect()


def _answer(batch: Sequence[_Waiting], settlement: Settlement) -> None:
    for waiting, answer in zip(batch, settlement.answers, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(answer, Filed):
            waiting.answer.set_result(answer)
        else:
            waiting.answer.set_exception(answer)
