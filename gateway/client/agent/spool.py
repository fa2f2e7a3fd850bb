"""The spool: every event that was answered, every batch that was signed, every receipt, in one SQLite file.

Its methods are steps of a transaction that somebody else begins and commits (`writer`), all in one thread.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import zstandard

from gateway.client.agent.errors import SpoolFails
from gateway.client.agent.model import Batch, Doubled, Halt, Head, NewEvent, Position, Taken, Trouble
from gateway.named_sql import named_sql
from validators.gaming.model import NO_BATCH

FILE = "spool.sqlite"
VERSION = 1
CACHE_KIB = 4_000
ROWS = 250
"""In one statement."""
SQL = named_sql(__package__)
T = TypeVar("T")


def open_file(directory: Path, complex_id: str) -> sqlite3.Connection:
    """The spool's file, made when it is not there; raises SpoolFails when it is damaged or another complex's."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(directory / FILE, isolation_level=None, check_same_thread=False, timeout=30.0)
        _prepare(connection, complex_id)
    except (sqlite3.Error, OSError) as error:
        raise SpoolFails(f"{directory / FILE} can't be opened: {error}") from error
    return connection


def _prepare(connection: sqlite3.Connection, complex_id: str) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("BEGIN IMMEDIATE")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == 0:
        for statement in SQL["schema"].split(";\n"):
            connection.execute(statement)
        connection.execute(SQL["begin_head"], (complex_id, NO_BATCH))
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if version > VERSION:
        raise SpoolFails(f"this spool was written by a later agent (format {version}); install that one")
    owner = connection.execute(SQL["head"]).fetchone()[0]
    if owner != complex_id:
        raise SpoolFails(f"this spool is that of {owner}, not of {complex_id}: each complex has a directory of its own")


class Spool:
    """The steps that read and change a spool; none of them commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def head(self) -> Head:
        complex_id, last_event, batched, last_batch, last_hash, halted = self._db.execute(SQL["head"]).fetchone()
        return Head(complex_id, last_event, batched, last_batch, last_hash, _halt(halted))

    def add(self, events: Sequence[NewEvent], at: int) -> list[Taken | Doubled]:
        """Numbers the events in their order; one whose id is known keeps the number that it has."""
        known = self._known([event.id for event in events])
        before = last = self.head().last_event
        answers: list[Taken | Doubled] = []
        rows: list[Any] = []
        for event in events:
            there = known.get(event.id)
            if there is not None:
                answers.append(_again(event, *there))
                continue
            last += 1
            content = orjson.dumps(event.content)
            known[event.id] = last, content
            rows += (last, event.id, at, content)
            answers.append(Taken(last))
        if last != before:
            for place in range(0, len(rows), ROWS * 4):
                piece = rows[place : place + ROWS * 4]
                self._db.execute(_many(SQL["add_events"], "(?, ?, ?, ?)", len(piece) // 4), piece)
            self._db.execute(SQL["move_last_event"], (last,))
        return answers

    def _known(self, ids: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        known: dict[bytes, tuple[int, bytes]] = {}
        for place in range(0, len(ids), ROWS):
            piece = ids[place : place + ROWS]
            for identifier, sequence, content in self._db.execute(_many(SQL["events_by_id"], "?", len(piece)), piece):
                known[identifier] = sequence, content
        return known

    def unbatched(self, most: int, most_bytes: int) -> list[Mapping[str, Any]]:
        """The oldest events that are in no batch, with their numbers; at least one where there is any."""
        events: list[Mapping[str, Any]] = []
        (joined,) = self._db.execute(SQL["unbatched"], (self.head().batched_event, most)).fetchone()
        for line in joined.split("\n") if joined else ():
            sequence, _, content = line.partition("\t")
            most_bytes -= len(content)
            if events and most_bytes < 0:
                break
            events.append({"sequence": int(sequence), **orjson.loads(content)})
        return events

    def add_batch(self, batch: Batch, made_at: str) -> bool:
        """Keeps the exact bytes of the next batch, before anybody is sent them.

        False, and nothing kept, when somebody renumbered the spool since the batch was begun.
        """
        head = self.head()
        if head.halt or (batch.number, batch.first) != (head.last_batch + 1, head.batched_event + 1):
            return False
        packed = zstandard.compress(batch.body)
        self._db.execute(SQL["add_batch"], (batch.number, batch.first, batch.last, batch.hash, made_at, packed))
        self._db.execute(SQL["move_last_batch"], (batch.last, batch.number, batch.hash))
        return True

    def unanswered(self) -> Batch | None:
        """The batch that has no receipt yet; there is one at most."""
        return _batch(self._db.execute(SQL["unanswered"]).fetchone())

    def batch(self, number: int) -> Batch | None:
        """A batch that is kept, None where it is not."""
        return _batch(self._db.execute(SQL["batch"], (number,)).fetchone())

    def hash_of(self, number: int) -> str | None:
        """The hash of a batch, None where it is not kept any more."""
        head = self.head()
        if number == head.last_batch:
            return head.last_hash
        row = self._db.execute(SQL["hash_of"], (number,)).fetchone()
        return None if row is None else str(row[0])

    def keep_receipt(self, number: int, facts: Mapping[str, Any], at: int) -> None:
        """The batch is received; from here on it may be deleted when it is old."""
        self._db.execute(SQL["keep_receipt"], (at, orjson.dumps(facts), number))

    def halt(self, halt: Halt | None) -> None:
        """Stops the series, or lets it go on."""
        self._db.execute(SQL["halt"], (None if halt is None else json.dumps(asdict(halt)),))

    def received(self) -> int:
        """The number of the last batch that has a receipt; 0 where there is none."""
        return self.head().last_batch - (1 if self.unanswered() else 0)

    def last_answered(self) -> tuple[int, str, int, Mapping[str, Any]] | None:
        """Number, hash, time (milliseconds) and receipt of the last batch that is received."""
        row = self._db.execute(SQL["last_answered"]).fetchone()
        return None if row is None else (row[0], row[1], row[2], orjson.loads(row[3]))

    def remake(self, why: str) -> None:
        """Withdraws the batch that was refused: its events wait again, its number is given to their next batch."""
        head, batch = self.head(), self.unanswered()
        if batch is None:
            self.halt(None)
            return
        previous = _previous(batch.body)
        self._withdraw(why)
        self._db.execute(SQL["rebase"], (head.last_event, batch.first - 1, batch.number - 1, previous))

    def rebase(self, position: Position, why: str) -> int:
        """Numbers what the gateway does not have anew, behind what it has; returns by how much events moved on."""
        head, batch = self.head(), self.unanswered()
        kept = batch.first - 1 if batch else head.batched_event
        base = max(position.last_event, kept)
        moved = base - kept
        self._withdraw(why)
        if moved:
            self._db.execute(SQL["set_aside"], (moved, kept))
            self._db.execute(SQL["put_back"])
        self._db.execute(SQL["rebase"], (head.last_event + moved, base, position.last_batch, position.last_hash))
        return moved

    def _withdraw(self, why: str) -> None:
        self._db.execute(SQL["withdraw"], (datetime.now(UTC).isoformat(), why))
        self._db.execute(SQL["drop_unanswered"])

    def unsent(self) -> tuple[int, int | None]:
        """How many events have no receipt, and when the oldest of them was taken (milliseconds)."""
        head = self.head()
        batch = self._db.execute(SQL["first_unanswered_event"]).fetchone()
        first = batch[0] if batch else head.batched_event + 1
        oldest = self._db.execute(SQL["oldest_unsent"], (first,)).fetchone()
        return head.last_event - first + 1, oldest[0] if oldest else None

    def drop_old(self, before: int, most: int) -> int:
        """Deletes received batches that are older, and their events; returns how many batches."""
        rows = self._db.execute(SQL["oldest_batches"], (most,)).fetchall()
        old = [row for row in rows if row[3] is not None and row[3] < before]
        for number, first, last, _answered in old:
            self._db.execute(SQL["drop_events"], (first, last))
            self._db.execute(SQL["drop_batch"], (number,))
        if old:
            self._db.execute(SQL["give_back"]).fetchall()
        return len(old)

    def used(self) -> int:
        """The bytes that hold something."""
        pages, free, size = (
            int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def export(self, first: int, last: int, write: Callable[[Mapping[str, Any]], None]) -> int:
        """Gives the events of a range in their order, then the receipts of their batches; returns how many events."""
        count = 0
        for sequence, content in self._db.execute(SQL["export_events"], (first, last)):
            write({"sequence": sequence, **orjson.loads(content)})
            count += 1
        names = ("batch", "first", "last", "sha256", "made_at")
        for *facts, receipt in self._db.execute(SQL["export_batches"], (first, last)):
            told = dict(zip(names, facts, strict=True))
            write({**told, "receipt": orjson.loads(receipt) if receipt else None})
        return count


def read_spool(directory: Path, complex_id: str, work: Callable[[Spool], T]) -> T:
    """Does one piece of work in a transaction of its own, also beside an agent that runs."""
    try:
        with closing(open_file(directory, complex_id)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            result = work(Spool(connection))
            connection.execute("COMMIT")
            return result
    except sqlite3.Error as error:
        raise SpoolFails(f"{directory / FILE}: {error}") from error


def _many(statement: str, row: str, count: int) -> str:
    """The statement for so many rows in one step: between two steps another thread may hold the interpreter."""
    return statement.replace(row, ", ".join([row] * count))


def _again(event: NewEvent, sequence: int, content: bytes) -> Taken | Doubled:
    stored, given = orjson.loads(content), dict(event.content)
    if not event.timed:
        stored.pop("time")
        given.pop("time")
    return Taken(sequence, repeated=True) if stored == given else Doubled()


def _batch(row: Sequence[Any] | None) -> Batch | None:
    if row is None:
        return None
    number, first, last, digest, packed = row
    return Batch(number, first, last, digest, zstandard.decompress(packed))


def _halt(text: str | None) -> Halt | None:
    if text is None:
        return None
    facts = json.loads(text)
    return Halt(Trouble(facts.pop("trouble")), **facts)


def _previous(body: bytes) -> str:
    opening, closing_tag = b"<PreviousBatchHash>", b"</PreviousBatchHash>"
    return body.partition(opening)[2].partition(closing_tag)[0].decode("ascii")
