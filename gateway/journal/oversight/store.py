"""Oversight's position in a ledger and all that it keeps; every run is one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Concatenate, ParamSpec, TypeVar

from asyncpg import exceptions as postgres

from gateway.errors import Unavailable
from gateway.journal.batches import append_last, log_length, prepare_partitions
from gateway.journal.connections import Connection, Session, close, connect, postgres_needed
from gateway.journal.encoding import Packer, leaf_of
from gateway.journal.errors import JournalDamaged, OverseerFenced
from gateway.journal.limits import MEBIBYTE
from gateway.journal.oversight.loading import Loader
from gateway.journal.oversight.rows import line_of
from gateway.journal.oversight.saving import save
from gateway.journal.parts import RECORDS, unpacked_values
from gateway.journal.queries import sql
from gateway.journal.settlement import Prepared
from gateway.model import Draft
from gateway.oversight.facts import Fact
from gateway.oversight.parameters import DueRules, Parameters
from gateway.oversight.reading import Line, Run
from gateway.oversight.state import Working

OVERSEEING = Session("overseer", by_index=True)
RUN_BYTES = MEBIBYTE
P = ParamSpec("P")
T = TypeVar("T")


class OversightStore:
    """What one overseer of one ledger says to PostgreSQL; `start` after `stop` begins anew.

    `start` fences the overseers before: whatever they commit from then on is refused. Every method raises Unavailable
    while PostgreSQL is away; a commit of which no answer came is found out by the position that `start` returns.
    `run_bytes` is how much of stored records one reading answers.
    """

    def __init__(
        self, dsn: str, ledger: int, parameters: Parameters, rules: DueRules, run_bytes: int = RUN_BYTES
    ) -> None:
        self._dsn = dsn
        self._ledger = ledger
        self._parameters = parameters
        self._rules = rules
        self._run_bytes = run_bytes
        self._packer = Packer()
        self._connection: Connection | None = None
        self._epoch = 0
        self._seq = 0
        self._part = 0

    async def start(self) -> int:
        """Takes the ledger over; returns the `seq` up to which it was overseen."""
        with postgres_needed():
            self._connection = await connect(self._dsn, OVERSEEING)
            row = await self._connection.fetchrow(sql("take_oversight"), self._ledger)
            if row is None:
                raise Unavailable("PostgreSQL gave no position")
        self._epoch, self._seq, self._part = row["epoch"], row["seq"], row["part"]
        return self._seq

    async def stop(self) -> None:
        """Ends the connection; harmless at any time."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)

    async def lines(self, limit: int) -> Run:
        """The entries that follow the position: at most `limit`, and fewer when they are heavy.

        A large one comes alone, without its records.
        """
        return await self._with(self._lines, limit)

    async def values(self, line: Line, number: int) -> Sequence[tuple[str, bytes]]:
        """Topic and value of each record in a part of a large entry.

        Raises JournalDamaged when it is not the part that the entry names.
        """
        return await self._with(self._values, line, number)

    async def for_facts(self, facts: Sequence[Fact]) -> Working:
        """The working set for these facts."""
        return await self._with(self._load, facts)

    async def for_tick(self, since: datetime, now: datetime) -> Working:
        """The working set for what time alone brings."""
        return await self._with(self._load_tick, since, now)

    async def commit(self, state: Working, upto: int, derived: Draft | None, part: int = 0) -> None:
        """Keeps the changes, moves the position to `upto` and appends the derived entry, all or nothing.

        `part` is how much of the entry behind `upto` was overseen too, where it is a large one: parts, or of a batch
        events. Raises OverseerFenced when another overseer took the ledger over.
        """
        prepared = None
        if derived is not None:
            row = self._packer.row(derived)
            prepared = Prepared(row, leaf_of(row))
        try:
            await self._with(self._commit, state, (upto, part), prepared)
        except postgres.CheckViolationError:
            await self._with(self._make_room)
            await self._with(self._commit, state, (upto, part), prepared)
        self._seq, self._part = upto, part

    async def _lines(self, connection: Connection, limit: int) -> Run:
        rows = await connection.fetch(sql("read_lines"), self._ledger, self._seq, limit, self._run_bytes)
        lines = [line_of(row, self._packer) for row in rows]
        if lines and lines[0].large is not None:
            taken = [replace(lines[0], large=replace(lines[0].large, overseen=self._part))]
        else:
            taken = list(takewhile(lambda line: line.large is None, lines))
        return Run(taken, more=bool(rows) and (len(taken) < rows[0]["found"] or rows[0]["found"] == limit))

    async def _values(self, connection: Connection, line: Line, number: int) -> Sequence[tuple[str, bytes]]:
        if line.large is None:
            raise ValueError("the entry has no parts")
        packed = await connection.fetchval(sql("read_part"), line.large.receipt_id, RECORDS, number)
        try:
            return await asyncio.to_thread(unpacked_values, line.large.parts[number], packed)
        except JournalDamaged as error:
            told = f"ledger {line.ledger}, entry {line.seq}, {RECORDS} part {number + 1}: {error}"
            raise JournalDamaged(told) from error

    async def _commit(
        self, connection: Connection, state: Working, reached: tuple[int, int], prepared: Prepared | None
    ) -> None:
        (upto, part), before = reached, (self._seq, self._part)
        async with connection.transaction():
            moved = await connection.fetchrow(
                sql("move_oversight"), self._ledger, self._epoch, before[0], upto, before[1], part
            )
            if moved is None:
                raise OverseerFenced(f"another overseer took ledger {self._ledger} over")
            await save(connection, self._ledger, state)
            if prepared is not None:
                await append_last(connection, self._ledger, prepared)

    async def _make_room(self, connection: Connection) -> None:
        """Makes the partition that the derived entry was refused for: nobody had yet."""
        await prepare_partitions(connection, await log_length(connection, self._ledger))

    async def _load(self, connection: Connection, facts: Sequence[Fact]) -> Working:
        return await self._loader(connection).for_facts(facts)

    async def _load_tick(self, connection: Connection, since: datetime, now: datetime) -> Working:
        return await self._loader(connection).for_tick(since, self._parameters.silence_factor, now)

    def _loader(self, connection: Connection) -> Loader:
        return Loader(connection, self._ledger, self._parameters, self._rules)

    async def _with(
        self, step: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._connection is None:
            raise Unavailable("the overseer is not connected")
        with postgres_needed():
            return await step(self._connection, *args, **kwargs)
