"""The exact bytes of a message, wherever they are: in the log whole or in parts, or in a mounted archive."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from starlette.responses import Response, StreamingResponse

from gateway.archive.mounted import MountedArchives
from gateway.intake.refusals import Archived, NotFound
from gateway.intake.services import Services
from gateway.journal import EntryArchived
from gateway.model import Filed
from gateway.sealing.receipts import read_receipt

_HEADERS = {"Content-Type": "application/xml", "Cache-Control": "no-store"}


class Originals:
    """Gives out bytes as they were received."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._archives = MountedArchives(services.settings.archives)

    async def answer(self, filed: Filed, sender: str) -> Response:
        """The bytes of what this sender filed; raises Archived where their archive is not mounted.

        A large one is sent part by part, each after it was held against its digest, from the log or an archive: damage
        ends the answer short of its Content-Length.
        """
        try:
            entry = await self._services.journal.by_id(filed.receipt_id, sender)
        except EntryArchived:
            digest = read_receipt(filed.jws, self._services.keyset).sha256
            body = await asyncio.to_thread(self._archives.body, filed.ledger, filed.seq, digest)
            if body is None:
                raise Archived(message=str(filed.receipt_id)) from None
            return _streamed(body.pieces(), body.size)
        if entry is None:
            raise NotFound
        if entry.parts is None:
            return Response(entry.body, headers=_HEADERS)
        return _streamed(self._services.journal.body(entry), entry.parts.size)


def _streamed(pieces: AsyncIterator[bytes] | Iterator[bytes], size: int) -> Response:
    return StreamingResponse(pieces, headers={**_HEADERS, "Content-Length": str(size)})
