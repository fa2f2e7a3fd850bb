"""A large message is put into the log part by part, and becomes visible as a whole."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID

import asyncpg
import structlog

from gateway.errors import GatewayError
from gateway.journal.encoding import Packer, Row, frame_records, row_of
from gateway.journal.errors import EntryRefused, StagingLost
from gateway.journal.limits import JournalLimits
from gateway.journal.parts import BODY, RECORDS, listed, part_of
from gateway.model import Filed, Part, Receipt, Record

MOST_RECORDS = 8192
"""How many records one part holds at most: what the relay publishes in one transaction."""

Ask = Callable[..., Awaitable[Sequence[asyncpg.Record]]]
"""Runs a named query of the journal with its arguments."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LargeDraft:
    """What is about to be appended to the log once its parts are staged; `size` is the length of the body in bytes."""

    receipt: Receipt
    size: int


class Staging:
    """Parts of one message on their way into the log; an async context manager.

    Nobody sees them before `append`. What is left without it is given up: deleted at once, or, should PostgreSQL be
    away or the process end, when an hour after the last part somebody else begins to stage. One task at a time may
    use it. It holds one part of the body and one of the records at most, whatever the size of the message.

    Every method raises Unavailable while PostgreSQL is away, and StagingLost when all was swept because nothing
    came for an hour; the message has to be staged again then.
    """

    def __init__(
        self,
        receipt: Receipt,
        ask: Ask,
        file: Callable[[Row], Awaitable[Filed]],
        limits: JournalLimits,
    ) -> None:
        self._id: UUID = receipt.id
        self._ask = ask
        self._file = file
        self._limits = limits
        self._packer = Packer()
        self._digest = hashlib.sha256()
        self._piece = bytearray()
        self._body: list[Part] = []
        self._records: list[Part] = []

    async def __aenter__(self) -> Self:
        """Sweeps what others left long ago, and begins."""
        await self._delete("sweep_stagings")
        await self._ask("begin_staging", self._id)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._delete("give_up_staging", self._id)

    async def add_body(self, piece: bytes) -> None:
        """Takes the next bytes of the body, however many; they are stored in parts of `limits.part_bytes`."""
        self._digest.update(piece)
        rest = memoryview(piece)
        while rest:
            room = self._limits.part_bytes - len(self._piece)
            self._piece += rest[:room]
            rest = rest[room:]
            if len(self._piece) == self._limits.part_bytes:
                await self._store_piece()

    async def add_records(self, records: Sequence[Record]) -> None:
        """Takes the next records, sealed and in the order in which they will be published.

        A segment becomes one part, or several where its values are longer than `limits.record_part_bytes`. Raises
        ValueError where there are more than MOST_RECORDS.
        """
        if len(records) > MOST_RECORDS:
            raise ValueError(f"{len(records)} records: a segment holds at most {MOST_RECORDS}")
        for some in _split(records, self._limits.record_part_bytes):
            packed = await asyncio.to_thread(self._packed_records, some)
            await self._store(RECORDS, self._records, packed, len(some))

    async def append(self, draft: LargeDraft) -> Filed:
        """Files the message durably, or answers what was filed for the same bytes of the same sender before.

        Raises DocumentConflict, SeriesConflict, Overloaded, Unavailable (the message may have been filed all the
        same: sending it again is harmless), and EntryRefused when the receipt or the size are not those of what was
        staged. After Overloaded and Unavailable it may be called again, for as long as the context is open.
        """
        if self._piece:
            await self._store_piece()
        size = sum(part.holds for part in self._body)
        if (draft.receipt.id, draft.receipt.sha256, draft.size) != (self._id, self._digest.hexdigest(), size):
            raise EntryRefused("the receipt or the size are not those of the message that was staged")
        return await self._file(row_of(draft.receipt, listed(self._body), listed(self._records)))

    async def _delete(self, query: str, *arguments: object) -> None:
        """Deletes some parts after the others; what can't be deleted now is swept later."""
        try:
            while (await self._ask(query, *arguments))[0]["more"]:
                pass
        except GatewayError as failure:
            _log.warning("journal.staging_left", receipt=str(self._id), reason=failure.code)

    async def _store_piece(self) -> None:
        piece, self._piece = bytes(self._piece), bytearray()
        packed = await asyncio.to_thread(self._packer.pack, piece)
        await self._store(BODY, self._body, packed, len(piece))

    def _packed_records(self, records: Sequence[Record]) -> bytes:
        return self._packer.pack(frame_records(records))

    async def _store(self, kind: str, parts: list[Part], packed: bytes, holds: int) -> None:
        if not await self._ask("stage_part", self._id, kind, len(parts), packed):
            raise StagingLost("what was staged is swept, since nothing came for long")
        parts.append(part_of(packed, holds))


def _split(records: Sequence[Record], most: int) -> Iterator[Sequence[Record]]:
    """The records in runs whose values are together about so many bytes at most, one record at least."""
    begin, weight = 0, 0
    for at, record in enumerate(records):
        if at > begin and weight + len(record.value) > most:
            yield records[begin:at]
            begin, weight = at, 0
        weight += len(record.value)
    if begin < len(records):
        yield records[begin:]
