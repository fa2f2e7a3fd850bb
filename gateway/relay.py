"""The log goes to Kafka: a reader of one ledger with a position, nothing more.

Batches are read, their chain is checked, and their records go out in the order of the log, each batch in one Kafka
transaction together with the position it reaches. A batch is whole entries, one at least, and BATCH_RECORDS records at
most where it is more than one. While one batch is being committed the next is read. A transaction costs the same for
one record as for hundreds: after a batch that was not full the next is let gather for a moment, the longer the more
there was, while the first message after a silence goes out at once.

A large entry goes out part by part, each part of its records in a transaction of its own, and the position tells how
many of them did. Before the first one PostgreSQL is asked for the digests of them all, and each is held against its
digest in the entry when it is read.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import orjson
import structlog

from gateway.bus.checkpoints import CHECKPOINT_EVENT, CHECKPOINTS_TOPIC
from gateway.bus.positions import Position
from gateway.errors import GatewayError
from gateway.following import Follower
from gateway.journal.encoding import CHAIN_START, chain_of
from gateway.journal.errors import JournalDamaged
from gateway.model import Checkpoint, Entry, Record
from gateway.sealing.receipts import ISSUER, moment_text

BATCH_ENTRIES = 512
BATCH_RECORDS = 8_192
BATCH_CHECKPOINTS = 512
IDLE_SECONDS = 0.5
GATHER_SECONDS = 0.05
BUSY_RECORDS = 16
BUSY_GATHER_SECONDS = 0.15

log = structlog.get_logger(__name__)


class LogBroken(GatewayError):
    """The log's entries do not follow from each other; nothing from the first wrong one on is published."""

    code = "log-broken"

    def __init__(self, ledger: int, seq: int, why: str) -> None:
        super().__init__(f"ledger {ledger}, entry {seq}: {why}; `gateway verify journal` tells more")
        self.ledger = ledger
        self.seq = seq


class PositionAhead(GatewayError):
    """Kafka holds more of a ledger than the log does: this is not the database that was published from."""

    code = "position-ahead"


class Head(Protocol):
    """The end of a ledger."""

    @property
    def seq(self) -> int:
        """The last entry's place, 0 in an empty ledger."""


class Log(Protocol):
    """What the relay needs of the journal."""

    async def head(self, ledger: int, /) -> Head:
        """The end of the ledger."""

    async def read(self, ledger: int, after: int, limit: int, /) -> Sequence[Entry]:
        """The entries that follow `after`, in order, `limit` at the most, at least one where there is one."""

    async def check_parts(self, entry: Entry, /) -> None:
        """Raises JournalDamaged where a large entry, or a part of its records, is not what its leaf covers."""

    async def records_of(self, entry: Entry, number: int, /) -> tuple[Record, ...]:
        """The records in one part of a large entry; raises JournalDamaged."""

    async def checkpoints_after(self, ledger: int, seq: int, limit: int, /) -> Sequence[Checkpoint]:
        """The checkpoints beyond this `seq`, in order."""

    async def wait_for_news(self, ledger: int, after: int, timeout: float) -> object:  # noqa: ASYNC109 - as the journal's
        """Returns when the ledger is longer than `after`, or after `timeout` seconds."""


class Publisher(Protocol):
    """Where the records go; `start` after `stop` begins anew."""

    async def start(self) -> Position | None:
        """Fences older publishers and returns the position reached."""

    async def publish(self, records: Sequence[Record], position: Position) -> None:
        """Records and position, all or none."""

    async def stop(self) -> None:
        """Ends what `start` began; harmless at any time."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Entries, and of the first one that part of its records whose turn it is, where it is a large one."""

    entries: Sequence[Entry]
    checkpoints: Sequence[Checkpoint]
    part: Sequence[Record] = ()


@dataclass(frozen=True, slots=True)
class _Batch:
    records: Sequence[Record]
    position: Position
    broken: LogBroken | None
    cut: bool = False


class Relay(Follower):
    """Publishes one ledger until it is stopped.

    `position`, `head`, `published_records`, `interruptions` and `last_published_at` tell how it is doing; `ready` is
    true while it is connected and knows its position. Kafka or PostgreSQL being away is waited out. With `until` it
    stops by itself once that position is reached. `run` raises
    RelayFenced when another relay takes over, LogBroken, PositionAhead, or whatever else waiting can't mend.
    """

    name = "relay"

    def __init__(
        self,
        log: Log,
        publisher: Publisher,
        ledger: int = 0,
        *,
        batch: int = BATCH_ENTRIES,
        checkpoints_topic: str = CHECKPOINTS_TOPIC,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        until: Position | None = None,
    ) -> None:
        super().__init__(ledger)
        self._until = until
        self.position: Position | None = None
        self.head = 0
        self.published_records = 0
        self.last_published_at: datetime | None = None
        self._log = log
        self._publisher = publisher
        self._batch = batch
        self._reach = batch
        self._checkpoints_topic = checkpoints_topic
        self._clock = clock

    @property
    def lag(self) -> int:
        """How many entries were in the log and not yet in Kafka when it was last looked at."""
        return max(0, self.head - (self.position.seq if self.position else 0))

    async def _end_session(self) -> None:
        await self._publisher.stop()

    def _done(self) -> int:
        return self.published_records

    async def _session(self) -> None:
        """From the fencing of older relays to the first error, or to the stop."""
        position = await self._publisher.start() or Position(self.ledger, 0, CHAIN_START)
        await self._compare(position)
        self.position = position
        self.ready = True
        log.info("relay.started", ledger=self.ledger, seq=position.seq, head=self.head)
        reading = asyncio.create_task(self._fetch(position))
        try:
            while not self._stopping.is_set():
                if self._until is not None and position.covers(self._until):
                    self.stop()
                    break
                batch = self._verified(position, await reading)
                moved = batch.position != position
                taken = batch.position.seq - position.seq
                full = batch.cut or taken >= self._reach
                self._reach = max(1, taken) if batch.cut else min(self._batch, 2 * self._reach)
                position = batch.position
                gather = 0 if full else gather_seconds(len(batch.records))
                reading = asyncio.create_task(self._fetch(position, idle=not moved, gather=gather))
                if moved:
                    await self._publish(batch)
                if batch.broken is not None:
                    raise batch.broken
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _compare(self, position: Position) -> None:
        """Holds the position against the log: same ledger, same history."""
        self.head = (await self._log.head(self.ledger)).seq
        if position.seq + bool(position.part) > self.head:
            raise PositionAhead(
                f"ledger {self.ledger}: Kafka holds entries up to {position.seq}, the log ends at {self.head}; "
                "relay and database do not belong together, or the database was set back: restore it up to that entry "
                "from its WAL, or publish the log anew into fresh topics with `gateway relay --rebuild`"
            )
        if position.seq:
            entries = await self._log.read(self.ledger, position.seq - 1, 1)
            if not entries or entries[0].chain != position.chain:
                raise LogBroken(self.ledger, position.seq, "it is not the entry that was published")
        if position.part:
            entries = await self._log.read(self.ledger, position.seq, 1)
            if not entries or entries[0].chain != position.within:
                raise LogBroken(self.ledger, position.seq + 1, "it is not the entry of which parts were published")

    async def _fetch(self, position: Position, *, idle: bool = False, gather: float = 0) -> _Fetched:
        """The entries and checkpoints after a position; `idle` waits for news first, `gather` so many seconds."""
        if idle:
            await self._unless_stopping(self._log.wait_for_news(self.ledger, position.seq, IDLE_SECONDS))
        elif gather:
            await self._unless_stopping(asyncio.sleep(gather))
        entries = await self._log.read(self.ledger, position.seq, self._reach)
        self.head = (await self._log.head(self.ledger)).seq if entries else position.seq
        part = await self._part(entries[0], position.part) if entries and entries[0].parts else ()
        after = position.checkpoint_seq
        return _Fetched(entries, await self._log.checkpoints_after(self.ledger, after, BATCH_CHECKPOINTS), part)

    async def _part(self, entry: Entry, number: int) -> Sequence[Record]:
        """The part of a large entry that is next; none where it has no records."""
        try:
            if number == 0:
                await self._log.check_parts(entry)
            return await self._log.records_of(entry, number) if number < _count_of_parts(entry) else ()
        except JournalDamaged as error:
            raise LogBroken(self.ledger, entry.seq, str(error)) from error

    def _verified(self, position: Position, fetched: _Fetched) -> _Batch:
        """What may be published of what was read: up to the first entry that does not follow from the one before."""
        if fetched.entries and fetched.entries[0].parts:
            return self._verified_part(position, fetched.entries[0], fetched)
        records: list[Record] = []
        seq, chain, broken, cut = position.seq, position.chain, None, False
        for entry in fetched.entries:
            cut = entry.parts is not None or (bool(records) and len(records) + len(entry.records) > BATCH_RECORDS)
            if cut:
                break
            broken = self._break(seq, chain, entry)
            if broken is not None:
                break
            seq, chain = entry.seq, entry.chain
            records += entry.records
        return self._reaching(replace(position, seq=seq, chain=chain), records, fetched, broken, cut=cut)

    def _verified_part(self, position: Position, entry: Entry, fetched: _Fetched) -> _Batch:
        """The part of a large entry that is next, if the entry follows from the one before."""
        broken = self._break(position.seq, position.chain, entry)
        if broken is not None:
            return self._reaching(position, [], fetched, broken)
        part = position.part + 1
        reached = replace(position, part=part, within=entry.chain)
        if part >= _count_of_parts(entry):
            reached = replace(position, seq=entry.seq, chain=entry.chain, part=0, within=b"")
        return self._reaching(reached, list(fetched.part), fetched, cut=True)

    def _reaching(
        self,
        position: Position,
        records: list[Record],
        fetched: _Fetched,
        broken: LogBroken | None = None,
        *,
        cut: bool = False,
    ) -> _Batch:
        """The batch of these records and the checkpoints that are due at the position it reaches."""
        due = [checkpoint for checkpoint in fetched.checkpoints if checkpoint.seq <= position.seq]
        records += [checkpoint_record(checkpoint, self._checkpoints_topic) for checkpoint in due]
        reached = due[-1].seq if due else position.checkpoint_seq
        return _Batch(records, replace(position, checkpoint_seq=reached), broken, cut)

    def _break(self, seq: int, chain: bytes, entry: Entry) -> LogBroken | None:
        if entry.seq != seq + 1:
            return LogBroken(self.ledger, seq + 1, f"missing, entry {entry.seq} follows")
        if entry.chain != chain_of(chain, entry.leaf):
            return LogBroken(self.ledger, entry.seq, "its chain value does not follow from the one before")
        return None

    async def _publish(self, batch: _Batch) -> None:
        await self._publisher.publish(batch.records, batch.position)
        self.position = batch.position
        self.published_records += len(batch.records)
        self.last_published_at = self._clock()


def _count_of_parts(entry: Entry) -> int:
    return len(entry.parts.records) if entry.parts else 0


def gather_seconds(records: int) -> float:
    """How long the next batch gathers after one of so many records that was not full.

    Where much comes, 0.1 s more takes four tenths of Kafka's CPU a message off and a third of the relay's.
    """
    return BUSY_GATHER_SECONDS if records >= BUSY_RECORDS else GATHER_SECONDS


def checkpoint_record(checkpoint: Checkpoint, topic: str = CHECKPOINTS_TOPIC) -> Record:
    """The record of a checkpoint: its JWS is its seal, the other members say the same in the clear.

    `cosignatures` are the words of witnesses on earlier checkpoints, newest known when this one was made.
    """
    made_at = moment_text(checkpoint.made_at)
    value = {
        "ledger": checkpoint.ledger,
        "seq": checkpoint.seq,
        "chain": checkpoint.chain.hex(),
        "made_at": made_at,
        "jws": checkpoint.jws,
        **({"cosignatures": list(checkpoint.cosignatures)} if checkpoint.cosignatures else {}),
    }
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"checkpoint-{checkpoint.ledger}-{checkpoint.seq}",
        "ce_type": CHECKPOINT_EVENT,
        "ce_source": ISSUER,
        "ce_time": made_at,
        "content-type": "application/json",
    }
    encoded = tuple((name, text.encode("utf-8")) for name, text in headers.items())
    return Record(topic, str(checkpoint.ledger), orjson.dumps(value), encoded)
