"""Events become the next batch: built, signed, and in the spool before anybody sees it."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gateway.client.agent.model import Batch, Head
from gateway.client.agent.settings import AgentSettings
from gateway.client.agent.writer import Writer
from gateway.client.envelopes import Envelope
from gateway.client.gaming import BatchHeader, EventContent, batch_xml, rfc3339
from gateway.sealing.keys import KeyHolder
from gateway.sealing.xmldsig import sign_tree

MOST_BYTES = 1_500_000
"""Of the events' JSON in one batch: its XML stays below what a gateway takes."""

BACKWARDS = timedelta(seconds=60)
"""How far an event may lie before one that stands ahead of it in its batch; the gateway allows for more."""
CLOCK_CHANGED = "CLOCK-CHANGED"


class Batcher:
    """Makes one batch at a time, for its chain and its moment are only known when the one before was received."""

    def __init__(self, writer: Writer, settings: AgentSettings, keys: KeyHolder, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._news = asyncio.Event()

    def notice(self) -> None:
        """Events were taken."""
        self._news.set()

    async def next(self) -> Batch | None:
        """Waits until a batch is full, or the longest wait since the first event is over, and makes it.

        None when the spool was renumbered meanwhile.
        """
        await self._worth_it()
        head, events = await self._writer.call(
            lambda spool: (spool.head(), spool.unbatched(self._settings.batch_size, MOST_BYTES))
        )
        made_at = self._clock()
        batch = await self._signed(head, in_order(events), made_at)
        kept = await self._writer.call(lambda spool: spool.add_batch(batch, rfc3339(made_at)))
        return batch if kept else None

    async def _worth_it(self) -> None:
        size = self._settings.batch_size
        waiting = await self._waiting()
        while waiting == 0:
            await self._news.wait()
            waiting = await self._waiting()
        try:
            async with asyncio.timeout(self._settings.batch_seconds):
                while waiting < size:
                    await self._news.wait()
                    waiting = await self._waiting()
        except TimeoutError:
            return

    async def _waiting(self) -> int:
        self._news.clear()
        head = await self._writer.call(lambda spool: spool.head())
        return head.waiting

    async def _signed(self, head: Head, events: Sequence[EventContent], made_at: datetime) -> Batch:
        envelope = Envelope(self._settings.owner, self._settings.kind, made_at)
        first, last = events[0]["sequence"], events[-1]["sequence"]
        header = BatchHeader(head.complex, head.last_batch + 1, head.last_hash)
        body = await sign_tree(batch_xml(envelope, header, events), self._keys, "UTF-8")
        return Batch(header.number, first, last, hashlib.sha256(body).hexdigest(), body)


def in_order(events: Sequence[EventContent]) -> Sequence[EventContent]:
    """The events up to the first that goes back in time, which is allowed from one batch to the next alone.

    So a file of the hour before can follow a heart-beat of now.
    """
    latest: datetime | None = None
    for place, event in enumerate(events):
        moment = datetime.fromisoformat(event["time"])
        if latest is None or moment > latest or event["kind"] == CLOCK_CHANGED:
            latest = moment
        elif moment < latest - BACKWARDS:
            return events[:place]
    return events
