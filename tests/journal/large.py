"""Large messages with small parts."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from gateway.journal import Journal, JournalLimits, LargeDraft
from gateway.model import Draft, Entry, Filed, Receipt, Record
from tests.journal.support import BANK, Drafts, sealed

SMALL_PARTS = JournalLimits(connections=2, part_bytes=1000, record_part_bytes=400)


@dataclass(frozen=True, slots=True)
class Large:
    """A message of some thousand bytes, and its records in segments."""

    receipt: Receipt
    body: bytes
    segments: tuple[tuple[Record, ...], ...]

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(record for segment in self.segments for record in segment)


def large(draft: Drafts, body: bytes | None = None, *, document: str | None = None, sender: str = BANK) -> Large:
    """A message of 4 500 bytes that do not compress, and 25 records, which are 4 parts."""
    content = body or b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(140)) + b"the end."
    one: Draft = draft(content, document=document, sender=sender)
    records = [Record("fma.gaming.events.v1", sender, b'{"n":%030d}' % number, ()) for number in range(25)]
    return Large(one.receipt, content, (tuple(records[:20]), tuple(records[20:])))


def again(message: Large, draft: Drafts) -> Large:
    """The same bytes under another receipt."""
    other = draft(message.body, document=message.receipt.document).receipt
    return replace(message, receipt=sealed(replace(other, version=message.receipt.version)))


async def file_large(journal: Journal, message: Large) -> Filed:
    async with journal.stage(message.receipt) as staging:
        for begin in range(0, len(message.body), 700):
            await staging.add_body(message.body[begin : begin + 700])
        for segment in message.segments:
            await staging.add_records(segment)
        return await staging.append(LargeDraft(message.receipt, len(message.body)))


async def file_in_parts(journal: Journal, drafts: Sequence[Draft], size: int = 2) -> None:
    """Files drafts as large ones, so many records a part."""
    for draft in drafts:
        async with journal.stage(draft.receipt) as staging:
            await staging.add_body(draft.body)
            for at in range(0, len(draft.records), size):
                await staging.add_records(draft.records[at : at + size])
            await staging.append(LargeDraft(draft.receipt, len(draft.body)))


async def pieces(found: AsyncIterator[bytes]) -> Sequence[bytes]:
    return [piece async for piece in found]


async def records_in(journal: Journal, entry: Entry) -> tuple[Record, ...]:
    assert entry.parts is not None
    return tuple(
        [record for number in range(len(entry.parts.records)) for record in await journal.records_of(entry, number)]
    )
