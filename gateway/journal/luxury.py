"""Unique codes of luxury goods in PostgreSQL: issued once for what they stand for, looked up, reserved in blocks."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import asyncpg
from asyncpg import exceptions as postgres

from gateway.errors import Unavailable
from gateway.journal.connections import SERVING, WRITING, AnyConnection, Pool, close, open_pool, postgres_needed
from gateway.journal.errors import BlockConflict, TooManyReserved
from gateway.journal.luxury_rows import Block, CodeRow, Unlogged, WantedCode
from gateway.journal.queries import sql
from gateway.journal.rows import plain_uuid

Draw = Callable[[WantedCode], str]
"""Draws a code that was never issued, as far as anybody can foresee."""
Body = Callable[[UUID, datetime, Sequence[CodeRow]], bytes]
"""The bytes that stand for a group of new codes in the log."""
_READERS = 2
_WRITERS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a group came to: the code of each identity, those that are new, and their group's bytes to be logged."""

    codes: Mapping[bytes, CodeRow]
    new: frozenset[bytes]
    unlogged: Unlogged | None


class LuxuryCodes:
    """The codes in one PostgreSQL database; an async context manager. It connects when first needed.

    Every method raises Unavailable while PostgreSQL is away; a change whose answer was lost is harmless to repeat.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._reading: Pool | None = None
        self._writing: Pool | None = None

    async def __aenter__(self) -> Self:
        self._reading = await open_pool(self._dsn, SERVING, _READERS)
        self._writing = await open_pool(self._dsn, WRITING, _WRITERS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pool in (self._reading, self._writing):
            if pool is not None:
                await close(pool)
        self._reading = self._writing = None

    async def by_code(self, codes: Sequence[str]) -> dict[str, CodeRow]:
        """The codes of these that exist."""
        return {row["code"]: _code_of(row) for row in await self._fetch("luxury_by_code", codes)}

    async def operations_of(self, item: str, owner: str) -> list[CodeRow]:
        """The newest codes of operations with a thing that this owner asked for, at most 100."""
        return [_code_of(row) for row in await self._fetch("luxury_operations_of", item, owner)]

    async def issue(self, wanted: Sequence[WantedCode], at: datetime, draw: Draw, body: Body) -> Outcome:
        """Finds or issues a code for each identity, in one transaction that also keeps what is to be logged.

        However many ask at once, in whatever process: an identity has one code.
        """
        distinct = {one.identity: one for one in wanted}
        async with self._changing() as connection:
            codes = await _known(connection, list(distinct))
            missing = [one for identity, one in sorted(distinct.items()) if identity not in codes]
            if not missing:
                return Outcome(codes, frozenset(), None)
            drawn = [draw(one) for one in missing]
            rows = await connection.fetch(sql("luxury_issue"), at, *_columns(drawn, missing))
            new = {row["identity"]: _code_of(row) for row in rows}
            late = [one.identity for one in missing if one.identity not in new]
            if late:
                codes |= await _known(connection, late)
            unlogged = await _keep(connection, at, list(new.values()), body)
        return Outcome(codes | new, frozenset(new), unlogged)

    async def use(self, uses: Mapping[str, WantedCode], at: datetime, body: Body) -> Outcome:
        """Gives reserved codes to what they were used for.

        A code that its owner does not hold in reserve, or no longer, is left out; so is one whose thing has a code,
        which is answered instead. Raises Unavailable when the same thing gets a code at this moment elsewhere.
        """
        distinct = {one.identity: (code, one) for code, one in uses.items()}
        try:
            async with self._changing() as connection:
                codes = await _known(connection, list(distinct))
                left = [pair for identity, pair in sorted(distinct.items()) if identity not in codes]
                columns = _columns([code for code, _ in left], [one for _, one in left])
                rows = await connection.fetch(sql("luxury_use"), at, *columns)
                new = {row["identity"]: _code_of(row) for row in rows}
                unlogged = await _keep(connection, at, list(new.values()), body)
        except postgres.UniqueViolationError as error:
            raise Unavailable("another request gave one of these things a code at this moment") from error
        return Outcome(codes | new, frozenset(new), unlogged)

    async def reserve(self, owner: str, block: Block, codes: Sequence[str], most: int) -> None:
        """Reserves a block of codes for an owner.

        Raises TooManyReserved when the owner would hold more than `most` in blocks that have not expired, and
        BlockConflict when he has another block of that name; one of the same kind and size is the same request.
        """
        async with self._changing() as connection:
            await connection.execute(sql("luxury_lock_owner"), owner)
            known = await connection.fetchrow(sql("luxury_blocks"), owner, block.id)
            if known is not None:
                if (known["kind"], known["size"]) != (block.kind, block.size):
                    raise BlockConflict("a block of this name has another kind or size")
                return
            if await connection.fetchval(sql("luxury_open_reservations"), owner, block.reserved_at) + block.size > most:
                raise TooManyReserved("too many codes are reserved and not expired")
            times = (block.reserved_at, block.expires_at)
            await connection.execute(sql("luxury_add_block"), owner, block.id, block.kind, block.size, *times)
            await connection.execute(sql("luxury_reserve"), codes, owner, times[0], block.id, times[1])

    async def blocks(self, owner: str, block: UUID | None = None) -> list[Block]:
        """The owner's newest blocks, at most 100, or the one that is named."""
        rows = await self._fetch("luxury_blocks", owner, block)
        return [
            Block(plain_uuid(row["block"]), row["kind"], row["size"], row["reserved_at"], row["expires_at"])
            for row in rows
        ]

    async def codes_of_block(self, owner: str, block: UUID) -> list[CodeRow]:
        """The codes of an owner's block, in alphabetical order."""
        return [_code_of(row) for row in await self._fetch("luxury_codes_of_block", owner, block)]

    async def give_back(self, owner: str, block: UUID, codes: Sequence[str] | None, at: datetime) -> list[str]:
        """Returns reserved codes of a block, all of them where none is named; answers which were returned now."""
        async with self._changing() as connection:
            rows = await connection.fetch(sql("luxury_give_back"), owner, block, at, codes)
        return [row["code"] for row in rows]

    async def unlogged(self, before: datetime) -> list[Unlogged]:
        """Groups that were issued before that moment and do not stand in the log yet, the oldest first."""
        rows = await self._fetch("luxury_unlogged", before)
        return [Unlogged(plain_uuid(row["batch"]), row["at"], row["body"]) for row in rows]

    async def logged(self, batch: UUID) -> None:
        """Forgets a group that stands in the log; should that be lost, it is only logged in vain once more."""
        async with self._changing() as connection:
            await connection.fetchval(sql("luxury_unhurried"))
            await connection.execute(sql("luxury_logged"), batch)

    async def _fetch(self, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        if self._reading is None:
            raise Unavailable("the codes are not open")
        with postgres_needed():
            return await self._reading.fetch(sql(query), *arguments)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AnyConnection]:
        if self._writing is None:
            raise Unavailable("the codes are not open")
        with postgres_needed():
            async with self._writing.acquire() as connection, connection.transaction():
                yield connection


async def _known(connection: AnyConnection, identities: list[bytes]) -> dict[bytes, CodeRow]:
    return {row["identity"]: _code_of(row) for row in await connection.fetch(sql("luxury_by_identity"), identities)}


async def _keep(connection: AnyConnection, at: datetime, new: Sequence[CodeRow], body: Body) -> Unlogged | None:
    if not new:
        return None
    batch = uuid4()
    unlogged = Unlogged(batch, at, body(batch, at, sorted(new, key=lambda row: row.code)))
    await connection.execute(sql("luxury_keep_unlogged"), batch, at, unlogged.body)
    return unlogged


def _columns(codes: Sequence[str], wanted: Sequence[WantedCode]) -> tuple[list[object], ...]:
    rows = [
        (code, one.owner, one.item_class, one.identity, one.identifiers, one.item, one.operation)
        for code, one in zip(codes, wanted, strict=True)
    ]
    return tuple([row[column] for row in rows] for column in range(7))


def _code_of(row: asyncpg.Record) -> CodeRow:
    return CodeRow(
        code=row["code"],
        stored_state=row["state"],
        owner=row["owner"],
        at=row["at"],
        item_class=row["class"],
        identifiers=row["identifiers"],
        item=row["item"],
        operation=row["operation"] and plain_uuid(row["operation"]),
        block=row["block"] and plain_uuid(row["block"]),
        expires_at=row["expires_at"],
    )
