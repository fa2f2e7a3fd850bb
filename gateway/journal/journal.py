"""The append-only log: filing, finding, reading."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self
from uuid import UUID

import asyncpg

from gateway.errors import ConfigurationError, GatewayError, Unavailable
from gateway.journal.connections import SERVING, Pool, close, open_pool, postgres_needed
from gateway.journal.encoding import Packer, leaf_of
from gateway.journal.errors import EntryArchived, JournalDamaged, SchemaOutdated
from gateway.journal.limits import DEFAULT_LIMITS, JournalLimits
from gateway.journal.migrations import missing_migrations
from gateway.journal.news import News
from gateway.journal.parts import BODY, RECORDS, unpacked_body, unpacked_records
from gateway.journal.queries import sql
from gateway.journal.rows import checkpoint_of, entry_of, filed_of, stored_of
from gateway.journal.settlement import Head
from gateway.journal.staging import Staging
from gateway.journal.writer import LedgerWriter
from gateway.model import Checkpoint, Cosignature, Draft, Entry, Filed, Parts, Receipt, Record

_POLL_SECONDS = 0.25
_DIGESTS_AT_ONCE = 64


class Journal:
    """The log in one PostgreSQL database; an async context manager.

    `ledgers`, where given, is how many the database must hold: their number is fixed when it is set up. Readers and
    writers connect when first needed. Every method raises Unavailable while PostgreSQL is away, and works again
    when it is back.
    """

    def __init__(self, dsn: str, ledgers: int | None = None, limits: JournalLimits = DEFAULT_LIMITS) -> None:
        self._dsn = dsn
        self._expected = ledgers
        self._limits = limits
        self._packer = Packer()
        self._news = News(dsn)
        self._pool: Pool | None = None
        self._writers: tuple[LedgerWriter, ...] = ()

    async def start(self) -> None:
        """Looks whether the database is the one this program needs, and begins to serve.

        Raises Unavailable, SchemaOutdated when migrations are missing, ConfigurationError when the number of ledgers
        is another one.
        """
        self._pool = await open_pool(self._dsn, SERVING, self._limits.connections)
        try:
            ledgers = await self._look()
        except GatewayError:
            await self._close_pool()
            raise
        self._writers = tuple(LedgerWriter(self._dsn, ledger, self._limits) for ledger in ledgers)
        for writer in self._writers:
            writer.start()

    async def stop(self) -> None:
        """Files what waits, answers everybody, and closes every connection."""
        await asyncio.gather(*(writer.stop() for writer in self._writers))
        await self._news.stop()
        await self._close_pool()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def ledgers(self) -> list[int]:
        """The numbers of the ledgers: 0, 1, 2 ..."""
        self._serving()
        return list(range(len(self._writers)))

    @property
    def waiting(self) -> int:
        """How many submissions wait in this process to be filed."""
        return sum(writer.waiting for writer in self._writers)

    def ledger_of(self, sender: str) -> int:
        """The ledger that this sender's messages always fall into."""
        self._serving()
        return int.from_bytes(hashlib.sha256(sender.encode()).digest()[:8]) % len(self._writers)

    async def append(self, draft: Draft) -> Filed:
        """Files a draft durably, or answers what was filed for the same bytes of the same sender before.

        Raises DocumentConflict, Overloaded (with `retry_after`), Unavailable (the draft may have been filed all the
        same: sending it again is harmless), EntryRefused.
        """
        return await self._writers[self.ledger_of(draft.receipt.sender)].append(self._packer.row(draft))

    def stage(self, receipt: Receipt) -> Staging:
        """Begins to put in a large message part by part, under the id of this receipt; see Staging."""
        writer = self._writers[self.ledger_of(receipt.sender)]
        return Staging(receipt, self._fetch, writer.append, self._limits)

    async def body(self, entry: Entry) -> AsyncIterator[bytes]:
        """The body of an entry in order, a large one piece by piece, each held against the digest in the entry.

        Raises JournalDamaged, naming the part, before any byte of it is given.
        """
        if entry.parts is None:
            yield entry.body
            return
        for number, part in enumerate(entry.parts.body):
            packed = await self._part(entry, BODY, number)
            with _told(entry, BODY, number):
                piece = await asyncio.to_thread(unpacked_body, part, packed)
            yield piece

    async def records_of(self, entry: Entry, number: int) -> tuple[Record, ...]:
        """The records in one part of a large entry, held against the digest in it; raises JournalDamaged."""
        part = _parts(entry).records[number]
        packed = await self._part(entry, RECORDS, number)
        with _told(entry, RECORDS, number):
            return await asyncio.to_thread(unpacked_records, part, packed)

    async def check_parts(self, entry: Entry) -> None:
        """Looks whether a large entry is its leaf's, and every part of its records there and the one it names.

        PostgreSQL computes the digests. Raises JournalDamaged.
        """
        found = await self._fetch("stored_entry", entry.ledger, entry.seq)
        if not found or leaf_of(stored_of(found[0]).row) != entry.leaf:
            raise JournalDamaged(f"ledger {entry.ledger}, entry {entry.seq}: its leaf is not that of the entry")
        parts = _parts(entry).records
        for begin in range(0, len(parts), _DIGESTS_AT_ONCE):
            end = begin + _DIGESTS_AT_ONCE
            rows = await self._fetch("part_digests", entry.receipt_id, RECORDS, begin, end)
            stored = {row["number"]: row["sha256"] for row in rows}
            for number, part in enumerate(parts[begin:end], begin):
                with _told(entry, RECORDS, number):
                    if stored.get(number) != part.sha256:
                        raise JournalDamaged("it is missing, or its bytes are not those that the entry names")

    async def find(self, sha256: str, sender: str | None = None) -> Filed | None:
        """What was filed for these bytes (lower-case hex SHA-256), by this sender where one is named."""
        try:
            digest = bytes.fromhex(sha256)
        except ValueError:
            return None
        found = await self._fetch("find_by_digest", digest, sender)
        return filed_of(found[0]) if found else None

    async def filed(self, receipt_id: UUID, sender: str) -> Filed | None:
        """What was filed for the sender under this receipt, archived or not; another's does not exist."""
        found = await self._fetch("find_by_receipt", receipt_id, sender)
        return filed_of(found[0]) if found else None

    async def by_id(self, receipt_id: UUID, sender: str) -> Entry | None:
        """The sender's entry with this receipt; another's does not exist. Raises EntryArchived."""
        found = await self._fetch("find_entry", receipt_id, sender)
        if found:
            return entry_of(found[0], self._packer)
        filed = await self.filed(receipt_id, sender)
        if filed is not None:
            raise EntryArchived(filed.ledger, filed.seq)
        return None

    async def page(self, sender: str, after: int = 0, limit: int = 50) -> list[Filed]:
        """What the sender filed after this `seq`, in that order, archived or not; the last `seq` is the next cursor."""
        return [filed_of(row) for row in await self._fetch("page_of_sender", sender, after, limit)]

    async def filed_by_anybody(self, receipt_id: UUID) -> Filed | None:
        """What was filed under this receipt, whoever sent it: for the FMA's people alone."""
        found = await self._fetch("find_message", receipt_id)
        return filed_of(found[0]) if found else None

    async def read(self, ledger: int, after: int, limit: int) -> list[Entry]:
        """The entries that follow `after` without a gap: at most `limit`, and fewer when they are heavy.

        Raises JournalDamaged rather than leave out an entry, EntryArchived where they begin in an archive.
        """
        found = await self._fetch("read_entries", ledger, after, limit, self._limits.read_bytes)
        for expected, row in enumerate(found, after + 1):
            if row["seq"] != expected:
                if (await self._fetch("is_archived", ledger, expected))[0][0]:
                    raise EntryArchived(ledger, expected)
                raise JournalDamaged(f"ledger {ledger} has no entry {expected}, and has {row['seq']}")
        return [entry_of(row, self._packer) for row in found]

    async def head(self, ledger: int) -> Head:
        """How long a ledger is, and its chain value there."""
        found = await self._fetch("head", ledger)
        if not found:
            raise ConfigurationError(f"there is no ledger {ledger}")
        return Head(ledger, found[0]["seq"], found[0]["chain"])

    async def wait_for_news(self, ledger: int, after: int, timeout: float) -> bool:  # noqa: ASYNC109 - ending without news is no error, so asyncio.timeout does not fit
        """Waits until the ledger is longer than `after`, at most `timeout` seconds; whether it is.

        Notifications wake it within milliseconds of a commit; should they be lost, it asks each 250 ms.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout
        while self._news.length(ledger) <= after:
            left = deadline - clock()
            if left <= 0:
                return False
            await self._news.wait(min(left, _POLL_SECONDS))
            if self._news.length(ledger) <= after:
                with suppress(Unavailable):
                    self._news.heard(ledger, (await self.head(ledger)).seq)
        return True

    async def store_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keeps a sealed checkpoint; the first one that any process stores for a `seq` stands."""
        await self._fetch(
            "store_checkpoint",
            checkpoint.ledger,
            checkpoint.seq,
            checkpoint.chain,
            checkpoint.made_at,
            checkpoint.jws,
        )

    async def latest_checkpoint(self, ledger: int) -> Checkpoint | None:
        """The checkpoint of the greatest `seq`."""
        found = await self._fetch("latest_checkpoint", ledger)
        return checkpoint_of(found[0]) if found else None

    async def checkpoints_after(self, ledger: int, seq: int, limit: int) -> list[Checkpoint]:
        """The checkpoints beyond this `seq`, in order."""
        return [checkpoint_of(row) for row in await self._fetch("checkpoints_after", ledger, seq, limit)]

    async def leaves(self, ledger: int, after: int, limit: int) -> list[bytes]:
        """The leaves of the entries that follow `after`, from which anybody computes the chain again.

        Archived or not, for their leaves stay in the log. They end before the first entry that is missing.
        """
        rows = await self._fetch("leaves", ledger, after, limit)
        return [row["leaf"] for expected, row in enumerate(rows, after + 1) if row["seq"] == expected]

    async def store_cosignature(self, cosignature: Cosignature) -> bool:
        """Keeps a witness's word beside the checkpoint that it is about; False where there is no such checkpoint."""
        found = await self._fetch("checkpoint_chain", cosignature.ledger, cosignature.seq)
        if not found or found[0]["chain"] != cosignature.chain:
            return False
        await self._fetch(
            "store_cosignature",
            cosignature.ledger,
            cosignature.seq,
            cosignature.witness,
            cosignature.chain,
            cosignature.seen_at,
            cosignature.jws,
        )
        return True

    async def newest_cosignatures(self, ledger: int) -> list[Cosignature]:
        """The word of each witness on the furthest checkpoint that it saw."""
        return [Cosignature(**row) for row in await self._fetch("newest_cosignatures", ledger)]

    async def database_ready(self) -> bool:
        """Whether PostgreSQL answers now."""
        try:
            await self._fetch("answer")
        except Unavailable:
            return False
        return True

    async def _part(self, entry: Entry, kind: str, number: int) -> bytes | None:
        found = await self._fetch("read_part", entry.receipt_id, kind, number)
        return found[0]["bytes"] if found else None

    async def _look(self) -> range:
        with postgres_needed():
            async with self._serving().acquire() as connection:
                missing = await missing_migrations(connection)
                heads = [] if missing else await connection.fetch(sql("heads"))
        if missing:
            raise SchemaOutdated(f"migrations are missing: {', '.join(missing)}; run `gateway migrate`")
        if [row["ledger"] for row in heads] != list(range(len(heads))) or not heads:
            raise JournalDamaged("the ledgers of the database are not numbered 0, 1, 2 ...")
        if self._expected not in (None, len(heads)):
            raise ConfigurationError(
                f"the database was set up with {len(heads)} ledgers, not {self._expected}: their number is fixed"
            )
        return range(len(heads))

    async def _fetch(self, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        with postgres_needed():
            return await self._serving().fetch(sql(query), *arguments)

    def _serving(self) -> Pool:
        if self._pool is None:
            raise Unavailable("the journal is not running")
        return self._pool

    async def _close_pool(self) -> None:
        closing, self._pool = self._pool, None
        if closing is not None:
            await close(closing)


def _parts(entry: Entry) -> Parts:
    if entry.parts is None:
        raise ValueError("the entry has no parts")
    return entry.parts


@contextmanager
def _told(entry: Entry, kind: str, number: int) -> Iterator[None]:
    """Names the entry and the part in what is raised about it; parts are counted from 1."""
    try:
        yield
    except JournalDamaged as error:
        raise JournalDamaged(f"ledger {entry.ledger}, entry {entry.seq}, {kind} part {number + 1}: {error}") from error
