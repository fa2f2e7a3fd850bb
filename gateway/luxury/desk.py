"""The desk where codes are asked for, checked, and reserved in blocks: the order of the steps behind each request."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

from gateway.errors import GatewayError
from gateway.journal.luxury import LuxuryCodes
from gateway.journal.luxury_rows import Block, CodeRow, CodeState, WantedCode
from gateway.luxury.entries import group_body
from gateway.luxury.issuing import CodeIssuer, Log
from gateway.luxury.lookups import GroupedLookup
from gateway.luxury.refusals import AlreadyCoded, BlockUnknown, NotReserved, OperationConflict, WishRefused
from gateway.luxury.wishes import ItemWish, read_any_code, read_wish
from gateway.model import Finding
from gateway.sealing.item_codes import SealedCode, seal_code
from gateway.sealing.keys import KeyHolder
from validators.luxury.items import LuxuryTables, luxury_tables
from validators.luxury.unique_codes import CodeFault, CodeKind, CodeRefused, make_code, read_code
from validators.luxury.wishes import code_finding, unknown_item
from validators.values import local

MOST_RESERVED = 10_000
NO_CODE = "0" * 14
"""What is looked up in place of a text that is no code, so that both take the same time."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A code that was given out: its row, its JWS, whether it had been issued before, and warnings."""

    row: CodeRow
    jws: str
    repeated: bool
    findings: tuple[Finding, ...] = ()


class Desk:
    """All that is done with codes; an async context manager over the codes in one database."""

    def __init__(self, dsn: str, log: Log, keys: KeyHolder, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock
        self._codes = LuxuryCodes(dsn)
        self._issuer = CodeIssuer(self._codes, log, keys, clock)
        self._lookup = GroupedLookup(self._codes.by_code)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._codes)
        await self._open.enter_async_context(self._issuer)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    @property
    def tables(self) -> LuxuryTables:
        """The code tables of this day."""
        return luxury_tables(local(self._clock()).date())

    async def issue(self, owner: str, member: Mapping[str, object]) -> Granted:
        """The code of the thing or of the operation that the member describes.

        Raises WishRefused, OperationConflict, Unavailable.
        """
        wanted, findings = await self._wanted(owner, member)
        issued = await self._issuer.issue(wanted)
        if issued.row.item != wanted.item:
            raise OperationConflict(issued.row.operation or UUID(int=0), issued.row.code)
        return Granted(issued.row, await self.sealed(issued.row), issued.repeated, findings)

    async def issue_all(self, owner: str, members: Sequence[Mapping[str, object]]) -> list[Granted | GatewayError]:
        """The code of each member, or why it got none: one that is wrong does not hold up the others."""
        return await asyncio.gather(*(_or_error(self.issue(owner, member)) for member in members))

    async def check(self, typed: str) -> CodeRow | None:
        """The code that was typed, None where it is no code or was never issued: both take the same time."""
        try:
            code = read_code(typed).text
        except CodeRefused:
            code = NO_CODE
        return await self._lookup.find(code)

    async def operations_of(self, item: str, owner: str) -> list[CodeRow]:
        """The newest codes of operations with a thing that this owner asked for."""
        return await self._codes.operations_of(item, owner)

    async def sealed(self, row: CodeRow) -> str:
        """The compact JWS of an issued code."""
        return await seal_code(SealedCode(row.code, row.item_class or "", local(row.at).date()), self._keys)

    def state(self, row: CodeRow) -> CodeState:
        """The state of a code at this moment."""
        return row.state(self._clock())

    async def reserve(self, owner: str, block: UUID, kind: CodeKind, size: int, days: int) -> Block:
        """Reserves codes for use off line; the same block of the same kind and size is the same request.

        Raises BlockConflict, TooManyReserved and Unavailable.
        """
        now = self._clock()
        wanted = Block(block, kind.value, size, now, now + timedelta(days=days))
        drawn = [make_code(kind, secrets.choice).text for _ in range(size)]
        await self._codes.reserve(owner, wanted, drawn, MOST_RESERVED)
        return (await self._codes.blocks(owner, block))[0]

    async def blocks(self, owner: str) -> list[Block]:
        """The owner's newest blocks."""
        return await self._codes.blocks(owner)

    async def block(self, owner: str, block: UUID) -> tuple[Block, list[CodeRow]]:
        """An owner's block with its codes; raises BlockUnknown."""
        known = await self._codes.blocks(owner, block)
        if not known:
            raise BlockUnknown("the owner has no such block")
        return known[0], await self._codes.codes_of_block(owner, block)

    async def use(self, owner: str, code: str, member: Mapping[str, object]) -> Granted:
        """Gives a reserved code to the thing or operation that it was used for; again is harmless.

        Raises WishRefused, NotReserved, AlreadyCoded when it has another code, Unavailable.
        """
        reserved = read_any_code(code, "code").text
        wanted, findings = await self._wanted(owner, member)
        kind = CodeKind.ITEM if wanted.item is None else CodeKind.OPERATION
        if reserved[0] != kind.value:
            raise WishRefused([code_finding(code, "code", CodeFault.KIND)])
        outcome = await self._codes.use({reserved: wanted}, self._clock(), group_body)
        row = outcome.codes.get(wanted.identity)
        if row is None:
            raise NotReserved("the code is not reserved for this owner, or no longer")
        if row.code != reserved:
            raise AlreadyCoded(row.code)
        if outcome.unlogged is not None:
            await self._issuer.log(outcome.unlogged)
        return Granted(row, await self.sealed(row), outcome.unlogged is None, findings)

    async def give_back(self, owner: str, block: UUID, typed: Sequence[str] | None) -> list[str]:
        """Returns codes of a block that were not used, all of them where none is named."""
        codes = None if typed is None else [read_any_code(each, "codes").text for each in typed]
        return await self._codes.give_back(owner, block, codes, self._clock())

    async def _wanted(self, owner: str, member: Mapping[str, object]) -> tuple[WantedCode, tuple[Finding, ...]]:
        wish = read_wish(member, owner, self.tables)
        if isinstance(wish, ItemWish):
            return wish.wanted, wish.findings
        item = await self._lookup.find(wish.item.text)
        if item is None or item.item_class is None:
            raise WishRefused([unknown_item(wish.item)])
        return wish.wanted(item.item_class), ()


async def _or_error(granting: Awaitable[Granted]) -> Granted | GatewayError:
    try:
        return await granting
    except GatewayError as error:
        return error
