"""Events as readers want them: sealed, decoded, once each."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Literal, Self

from aiokafka import ConsumerRecord

from gateway.bus.connecting import Bootstrap
from gateway.consumer.reading import Place, Reader
from gateway.consumer.seals import VALID, content_of, seal_of
from gateway.errors import GatewayError
from gateway.model import Event
from gateway.sealing.jws import KeySet

REMEMBERED = 100_000

OnBroken = Literal["raise", "yield"]


class BrokenSeal(GatewayError):
    """A record's seal does not hold: it is not what the gateway published."""

    code = "broken-seal"

    def __init__(self, event: Event) -> None:
        super().__init__(f"{event.topic}, partition {event.partition}, offset {event.offset}: seal {event.seal}")
        self.event = event


class Memory:
    """The last events' identities, topic and `ce_id` (both are under the seal), a bounded number of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def is_new(self, event: Event) -> bool:
        """False when the event was seen before; it is remembered from now on."""
        identity = (event.topic, event.headers.get("ce_id", ""))
        known = identity in self._seen
        self._seen[identity] = None
        self._seen.move_to_end(identity)
        if len(self._seen) > self._size:
            self._seen.popitem(last=False)
        return not known


class Subscription:
    """An async iterator of events; made by `subscribe`, used with `async with` or directly in `async for`.

    `positions` maps (topic, partition) to the offset where reading goes on: keep it beside one's own results and pass
    it as `start_at`, or use a group and `commit()`. `duplicates` counts the events that were dropped as doubles.
    """

    def __init__(self, reader: Reader, keys: KeySet, *, until_end: bool, on_broken: OnBroken, remember: int) -> None:
        self.duplicates = 0
        self._reader = reader
        self._keys = keys
        self._until_end = until_end
        self._on_broken = on_broken
        self._memory = Memory(remember)
        self._open = False

    @property
    def gone(self) -> Mapping[Place, int]:
        """The places from which records were deleted before they were read, and passed over."""
        return dict(self._reader.gone)

    @property
    def positions(self) -> Mapping[Place, int]:
        """Where reading would go on, after all events that were given out."""
        return dict(self._reader.positions)

    async def commit(self) -> None:
        """Tells the group that every event given out so far, the one in hand too, is dealt with."""
        await self._reader.commit()

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        await self._reader.__aexit__(kind, error, trace)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events() if self._open else self._opened_events()

    async def _opened_events(self) -> AsyncGenerator[Event, None]:
        async with self, aclosing(self._events()) as events:
            async for event in events:
                yield event

    async def _events(self) -> AsyncGenerator[Event, None]:
        async with aclosing(self._reader.records(until_end=self._until_end)) as records:
            async for record in records:
                event = event_of(record, self._keys)
                if event.seal == VALID:
                    if not self._memory.is_new(event):
                        self.duplicates += 1
                        continue
                elif self._on_broken == "raise":
                    raise BrokenSeal(event)
                yield event


def subscribe(
    topics: str | Sequence[str],
    *,
    bootstrap: Bootstrap,
    keys: KeySet,
    group: str | None = None,
    from_beginning: bool = False,
    start_at: Mapping[Place, int] | None = None,
    until_end: bool = False,
    on_broken: OnBroken = "raise",
    remember: int = REMEMBERED,
    skip_gone: bool = False,
) -> Subscription:
    """Events of one or more topics, committed ones only, each with its seal checked against `keys`.

    Without `group` and `start_at` reading begins with the next event, or with the oldest when `from_beginning`. With
    `until_end` it ends at what is committed now. An event whose seal does not hold raises BrokenSeal, or is given out
    with the reason in `seal` when `on_broken` is "yield". Doubles among the last `remember` events are dropped; only
    events that are truly sealed are remembered, so that a forged one can't hide the true one. Where retention deleted
    what was to be read next, reading raises RecordsGone, or goes on with the oldest event that is left when
    `skip_gone`. Opening raises KafkaUnavailable, KafkaRefused or TopicMissing.
    """
    names = [topics] if isinstance(topics, str) else list(topics)
    reader = Reader(
        names, bootstrap, group=group, from_beginning=from_beginning, start_at=start_at, skip_gone=skip_gone
    )
    return Subscription(reader, keys, until_end=until_end, on_broken=on_broken, remember=remember)


def event_of(record: ConsumerRecord, keys: KeySet) -> Event:
    """A record as an event; what can't be read is left empty, and the seal says why."""
    raw = record.value or b""
    seal = seal_of(record.topic, record.headers, raw, keys)
    return Event(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        headers={name: value.decode("utf-8", "replace") for name, value in record.headers},
        value=content_of(raw) or {},
        seal=seal,
        raw=raw,
    )
