"""The log is overseen: a reader of one ledger with a position, that writes what it finds into the same ledger.

A run of entries is read, judged against what is kept of the past, sealed, and kept in one transaction with the
position it reaches; a run costs much the same for one entry as for many, so that runs begin a moment apart where the
log is read up to its end. Whether a complex is silent or a deadline has passed is asked once a second: as of now when
nothing is left to be read, else as of the last entry that was read, so that a log which is behind makes nobody silent.

A large entry is taken in little by little, each time with the position that it reaches, so that no more of it is held
than of a short one and a stop, or the end of the process, in the middle loses little: a dealer's report part by part,
a batch of events by some thousand of them in the order of their sequences.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Protocol

import structlog

from gateway.errors import Unavailable
from gateway.following import Follower
from gateway.logs import failure
from gateway.model import Draft
from gateway.oversight.dealers import REPORTS
from gateway.oversight.engine import Engine
from gateway.oversight.facts import Fact
from gateway.oversight.parameters import CODES, EDITION, DueRules, Parameters
from gateway.oversight.reading import LargeBatch, LargeRecords, Line, Reader, Run, Unreadable, readable
from gateway.oversight.scattered import MOST, Event, Sorting, Stretch, events_in, in_order
from gateway.oversight.state import Working
from gateway.oversight.tallying import Tallier
from gateway.sealing.derived import Derived, seal_derived
from gateway.sealing.keys import KeyHolder
from validators.luxury.chains import chain_rules

RUN_ENTRIES = 256
IDLE_SECONDS = 0.5
PACE_SECONDS = 0.1
"""How long after the begin of a run that reached the end of the log the next one begins, with all that came meanwhile.

A run costs 2 ms of CPU here and in PostgreSQL beside what its entries cost.
"""
TICK = timedelta(seconds=1)

log = structlog.get_logger(__name__)


class News(Protocol):
    """What the overseer needs of the journal."""

    async def wait_for_news(self, ledger: int, after: int, timeout: float) -> object:  # noqa: ASYNC109 - as the journal's
        """Returns when the ledger is longer than `after`, or after `timeout` seconds."""


class Store(Protocol):
    """Where the position and the state are; `start` after `stop` begins anew."""

    async def start(self) -> int:
        """Fences older overseers and returns the position."""

    async def stop(self) -> None:
        """Ends what `start` began; harmless at any time."""

    async def lines(self, limit: int) -> Run:
        """The entries that follow the position."""

    async def values(self, line: Line, number: int) -> Sequence[tuple[str, bytes]]:
        """Topic and value of each record in a part of a large entry."""

    async def for_facts(self, facts: Sequence[Fact]) -> Working:
        """The working set for these facts."""

    async def for_tick(self, since: datetime, now: datetime) -> Working:
        """The working set for what time alone brings."""

    async def commit(self, state: Working, upto: int, derived: Draft | None, part: int = 0) -> None:
        """Changes, position (with so much of the next entry) and derived entry, all or none."""


@dataclass(frozen=True, slots=True)
class Judging:
    """By what entries are judged."""

    parameters: Parameters
    rules: DueRules
    engine: Engine = field(init=False)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "engine", Engine(self.parameters, self.rules, chain_rules()))
        tallier = Tallier(self.parameters, self.rules)
        object.__setattr__(self, "reader", Reader(tallier, self.rules))

    @property
    def codes_digest(self) -> str:
        """The digest of the code tables."""
        return self.rules.book.edition(CODES).digest


class Overseer(Follower):
    """Oversees one ledger until it is stopped.

    `position`, `derived`, `interruptions`, `unreadable` and `ready` tell how it is doing. PostgreSQL being away is
    waited out, and so is a full disk. `run` raises OverseerFenced when another overseer takes over, or whatever else
    waiting can't mend.
    """

    name = "overseer"

    def __init__(
        self,
        news: News,
        store: Store,
        keys: KeyHolder,
        judging: Judging,
        ledger: int = 0,
        *,
        most: int = MOST,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(ledger)
        self.position = 0
        self.derived = 0
        self.unreadable = 0
        self._news = news
        self._store = store
        self._keys = keys
        self._judging = judging
        self._most = most
        self._clock = clock

    async def _end_session(self) -> None:
        await self._store.stop()

    def _done(self) -> int:
        return self.position

    async def _session(self) -> None:
        """From the fencing of older overseers to the first error, or to the stop."""
        self.position = await self._store.start()
        since = ticked = self._clock()
        self.ready = True
        log.info("overseer.started", ledger=self.ledger, seq=self.position)
        while not self._stopping.is_set():
            begun = asyncio.get_running_loop().time()
            run = await self._store.lines(RUN_ENTRIES)
            lines = run.lines
            if lines and lines[0].large is not None:
                await self._unless_stopping(self._oversee_large(lines[0], lines[0].large))
                if self._stopping.is_set():
                    return
            elif lines:
                await self._oversee(lines)
            moment = lines[-1].received_at if lines else self._clock()
            if moment - ticked >= TICK:
                ticked = moment
                await self._tick(since, moment)
            if not lines:
                await self._unless_stopping(self._news.wait_for_news(self.ledger, self.position, IDLE_SECONDS))
            elif not run.more:
                await self._let_gather(begun + PACE_SECONDS)

    async def _let_gather(self, until: float) -> None:
        """Waits until that time of the loop; what is slow by itself waits for nothing."""
        seconds = until - asyncio.get_running_loop().time()
        if seconds > 0:
            await self._unless_stopping(asyncio.sleep(seconds))

    async def _oversee(self, lines: Sequence[Line]) -> None:
        await self._take([fact for line in lines if (fact := self._fact(line)) is not None], lines[-1].seq)

    async def _take(self, facts: Sequence[Fact], upto: int, part: int = 0) -> None:
        state = await self._store.for_facts(facts)
        self._judging.engine.apply(state, facts)
        await self._commit(state, upto, part)

    async def _oversee_large(self, line: Line, large: LargeRecords) -> None:
        count = len(large.parts)
        if line.family not in REPORTS and count > 1:
            await self._oversee_batch(line, large)
            return
        for number in range(large.overseen, max(count, 1)):
            values = await self._store.values(line, number) if count else ()
            fact = self._fact(replace(line, records=values))
            reached = (line.seq, 0) if number + 1 >= count else (line.seq - 1, number + 1)
            await self._take([] if fact is None else [fact], *reached)

    async def _oversee_batch(self, line: Line, large: LargeRecords) -> None:
        """Takes a batch in, some thousand events a time; from what can't be read on, it is passed over."""
        try:
            batch = self._judging.reader.large_batch(line, self._most)
            if batch is not None:
                async with aclosing(self._rows(line, large, batch)) as rows:
                    async for events in rows:
                        await self._take_events(line, batch, events)
                return
        except Unreadable as error:
            self._passed_over(line, error)
        await self._take([], line.seq)

    async def _take_events(self, line: Line, batch: LargeBatch, events: Sequence[Event]) -> None:
        with readable(line):
            fact = await asyncio.to_thread(batch.fact, events)
        reached = (line.seq, 0) if batch.done else (line.seq - 1, batch.taken)
        if fact is not None:
            await self._take([fact], *reached)

    async def _rows(self, line: Line, large: LargeRecords, batch: LargeBatch) -> AsyncGenerator[Sequence[Event], None]:
        """The events of a batch in ascending order, some at a time; the work is done beside the loop."""
        with readable(line):
            for number in range(len(large.parts)):
                await asyncio.to_thread(batch.survey, number, await self._store.values(line, number))
        stretches = batch.stretches(large.overseen)
        if not stretches:
            yield []
        for stretch in stretches:
            if stretch.events <= batch.most or len(stretch.parts) == 1:
                yield in_order([event for number in stretch.parts for event in await self._events(line, number)])
                continue
            async with aclosing(self._sorted(line, stretch, batch.most)) as rows:
                async for events in rows:
                    yield events

    async def _sorted(self, line: Line, stretch: Stretch, most: int) -> AsyncGenerator[Sequence[Event], None]:
        """The events of a stretch that is too long to be held: sorted in a file without a name."""
        with _on_disk() as file:
            sorting, events = Sorting(file), list[Event]()
            for number in stretch.parts:
                events += await self._events(line, number)
                if len(events) >= most or number == stretch.parts[-1]:
                    await asyncio.to_thread(sorting.add, events)
                    events = []
            row = sorting.row()
            while events := await asyncio.to_thread(lambda: list(islice(row, most))):
                yield events

    async def _events(self, line: Line, number: int) -> list[Event]:
        values = await self._store.values(line, number)
        return await asyncio.to_thread(lambda: list(events_in(values)))

    def _fact(self, line: Line) -> Fact | None:
        """What a line says; one that can't be read is logged and passed over, so that it does not stop all others."""
        try:
            return self._judging.reader.fact(line)
        except Unreadable as error:
            self._passed_over(line, error)
            return None

    def _passed_over(self, line: Line, error: Unreadable) -> None:
        self.unreadable += 1
        told = failure(error.__cause__ or error)
        log.error("overseer.entry_unreadable", ledger=line.ledger, seq=line.seq, **told)

    async def _tick(self, since: datetime, now: datetime) -> None:
        state = await self._store.for_tick(since, now)
        self._judging.engine.tick(state, since, now)
        if state.tickets.told or state.changes.told:
            await self._commit(state, self.position)

    async def _commit(self, state: Working, upto: int, part: int = 0) -> None:
        draft = await self._derived(state, upto)
        await self._store.commit(state, upto, draft, part)
        self.position = upto
        self.derived += len(draft.records) if draft else 0

    async def _derived(self, state: Working, upto: int) -> Draft | None:
        tickets, obligations, findings = state.tickets.told, state.changes.told, state.things.told
        if not tickets and not obligations and not findings:
            return None
        digest = self._judging.codes_digest
        at = self._clock()
        derived = Derived(self.ledger, self.position, upto, at, EDITION, digest, tickets, obligations, findings)
        return await seal_derived(derived, self._keys)


@contextmanager
def _on_disk() -> Iterator[IO[bytes]]:
    """A file without a name; raises Unavailable where the disk is full or gone."""
    try:
        with TemporaryFile() as file:
            yield file
    except OSError as error:
        raise Unavailable(f"events can't be sorted on disk: {error.strerror}") from error
