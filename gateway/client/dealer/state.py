"""What a dealer's program remembers: how far its series has come, which operations are filed, what waits to be sent.

One SQLite file beside the key. A report is kept there, signed, before it is sent, so that after an interruption the
same bytes go out again; and an operation is kept by its identity, so that no sheet files it a second time.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import zstandard

from gateway.errors import GatewayError
from gateway.named_sql import named_sql

SQL: Final = named_sql(__package__)
VERSION: Final = 1
_WAIT_SECONDS: Final = 5.0
_IN_MEMORY: Final = ":memory:"


class StateFails(GatewayError):
    """What was filed before can't be read or written."""

    code = "dealer-state"


@dataclass(frozen=True, slots=True)
class Position:
    """How far the series has come; `asked` says that the gateway was asked for it or has accepted a report."""

    reports: int = 0
    operations: int = 0
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed report with its number, and the numbers of its first and last operation."""

    number: int
    first: int
    last: int
    sha256: str
    body: bytes


class State:
    """The steps that read and change what is remembered; those in `transaction` hold together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the steps inside, or none of them where an exception leaves it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def position(self) -> Position:
        """How far the series has come."""
        _, reports, operations, asked = self._db.execute(SQL["position"]).fetchone()
        return Position(reports, operations, bool(asked))

    def move(self, reports: int, operations: int) -> None:
        """Remembers how far the series has come."""
        self._db.execute(SQL["move"], (reports, operations))

    def remembered(self) -> frozenset[int]:
        """The numbers of the reports whose operations are known."""
        return frozenset(number for (number,) in self._db.execute(SQL["remembered"]))

    def learn(self, position: Position, documents: Iterable[str], operations: Mapping[int, Iterable[str]]) -> None:
        """Remembers what the gateway says: how far the series has come, what it has accepted, operations by report."""
        self.move(position.reports, position.operations)
        for number, identities in operations.items():
            self.remember(identities, number)
        self._db.executemany(SQL["add_document"], ((document,) for document in documents))

    def ask_anew(self) -> None:
        """Forgets that the position is certain: the gateway is asked before anything else is prepared."""
        self._db.execute(SQL["ask_anew"])

    def knows_document(self, document: str) -> bool:
        """Whether the gateway said that it has accepted this document."""
        return self._db.execute(SQL["known_document"], (document,)).fetchone() is not None

    def remember(self, identities: Iterable[str], number: int = 0) -> None:
        """Remembers operations as filed, by the report of that number; 0 where that is not known."""
        rows = ((UUID(identity).bytes, number) for identity in identities)
        self._db.executemany(SQL["add_operation"], rows)

    def knows(self, identity: str) -> bool:
        """Whether an operation of that identity is filed, or waits to be."""
        return self._db.execute(SQL["known"], (UUID(identity).bytes,)).fetchone() is not None

    def add(self, report: Prepared, identities: Iterable[str]) -> None:
        """Keeps a report that is to be sent, and moves the series to it."""
        packed = zstandard.compress(report.body)
        self._db.execute(SQL["add_message"], (report.number, report.first, report.last, report.sha256, packed))
        self.remember(identities, report.number)
        self.move(report.number, report.last)

    def waiting(self) -> list[Prepared]:
        """The reports that have no receipt yet, in their order."""
        rows = self._db.execute(SQL["waiting"]).fetchall()
        return [
            Prepared(number, first, last, sha256, zstandard.decompress(packed))
            for number, first, last, sha256, packed in rows
        ]

    def filed(self, number: int, receipt: str, refused: Iterable[str]) -> None:
        """Remembers a receipt, and forgets the operations that were refused, so that they can be filed put right."""
        self._db.execute(SQL["filed"], (receipt, number))
        self._db.executemany(SQL["forget_operation"], ((UUID(identity).bytes,) for identity in refused))

    def give_up(self, report: Prepared) -> None:
        """Forgets a report that can't be filed, and those behind it."""
        self._db.execute(SQL["forget_operations_from"], (report.number,))
        self._db.execute(SQL["forget_messages_from"], (report.number,))
        self.move(report.number - 1, report.first - 1)


@contextmanager
def open_state(path: Path, series: str) -> Iterator[State]:
    """What is remembered in that file, made for its owner's eyes where it is not there; raises StateFails."""
    _make(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_WAIT_SECONDS)
        try:
            _prepare(connection, path, series)
            yield State(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        another = "; is another filing going on?" if isinstance(error, sqlite3.OperationalError) else ""
        raise StateFails(f"{path}: {error}{another}") from error


def _make(path: Path) -> None:
    if str(path) == _IN_MEMORY:
        return
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StateFails(f"{path}: {error.strerror}") from error


def _prepare(connection: sqlite3.Connection, path: Path, series: str) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == 0:
        for statement in SQL["schema"].split(";\n"):
            connection.execute(statement)
        connection.execute(SQL["begin"], (series,))
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if version > VERSION:
        raise StateFails(f"{path} was written by a later program (format {version}); install that one")
    owner = connection.execute(SQL["position"]).fetchone()[0]
    if owner != series:
        raise StateFails(f"{path} is that of {owner}, not of {series}: give each dealer a key of its own")
