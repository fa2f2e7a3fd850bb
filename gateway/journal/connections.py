"""Connections to PostgreSQL, and what it means when they are lost."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from asyncpg import exceptions as postgres
from asyncpg.pool import PoolConnectionProxy

from gateway.errors import Unavailable
from gateway.journal.errors import DatabaseRefused, JournalDamaged, SchemaOutdated
from gateway.journal.queries import sql

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
AnyConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    postgres.PostgresConnectionError,
    postgres.InsufficientResourcesError,
    postgres.OperatorInterventionError,
    postgres.LockNotAvailableError,
    postgres.TransactionRollbackError,
    postgres.ReadOnlySQLTransactionError,
    postgres.IdleInTransactionSessionTimeoutError,
    postgres.PostgresSystemError,
    postgres.InvalidCatalogNameError,
    postgres.InvalidAuthorizationSpecificationError,
)
"""What asyncpg raises when PostgreSQL is away, stopping, starting, full, standing by, or slower than it may be.

InternalClientError is what a session that PostgreSQL ended between two messages of one query gives.
"""

_ON_THE_WAY_SECONDS = 2.0
_WITHOUT = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin")


@dataclass(frozen=True, slots=True)
class Session:
    """How a connection behaves: its name in PostgreSQL's views, its time limits in milliseconds (0: none).

    `by_index` has PostgreSQL find and order every row through an index where there is one. Over TCP the server notices
    within 25 seconds that this side is gone without a word.
    """

    name: str
    statement_timeout: int = 10_000
    lock_timeout: int = 4_000
    idle_in_transaction_timeout: int = 10_000
    by_index: bool = False

    @property
    def command_seconds(self) -> float | None:
        """How long an answer is waited for: a little longer than PostgreSQL works on it; None: for ever.

        Whoever waited that long has a connection that is dead, though nobody said so, and makes another.
        """
        return self.statement_timeout / 1000 + _ON_THE_WAY_SECONDS if self.statement_timeout else None

    def settings(self) -> dict[str, str]:
        """The session as PostgreSQL's run-time parameters."""
        settings = {
            "application_name": f"fma-gateway {self.name}",
            "statement_timeout": str(self.statement_timeout),
            "lock_timeout": str(self.lock_timeout),
            "idle_in_transaction_session_timeout": str(self.idle_in_transaction_timeout),
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
            "synchronous_commit": "on",
            "timezone": "UTC",
            "jit": "off",
        }
        if self.by_index:
            # a plan made while a table was small, or unknown, would scan or sort it when it is large
            settings |= dict.fromkeys(_WITHOUT, "off") | {"max_parallel_workers_per_gather": "0"}
        return settings


SERVING = Session("reader", statement_timeout=5_000, by_index=True)
WRITING = Session("writer", statement_timeout=5_000, idle_in_transaction_timeout=5_000, by_index=True)
LISTENING = Session("listener")
MIGRATING = Session("migration", statement_timeout=0, lock_timeout=30_000)
VERIFYING = Session("verification", statement_timeout=0, idle_in_transaction_timeout=0, by_index=True)
_CONNECT_SECONDS = 3.0
_CLOSE_SECONDS = 2.0


async def connect(dsn: str, session: Session) -> Connection:
    """One connection of this kind of session.

    Raises whatever asyncpg raises: callers stand inside `postgres_needed()` or look at LOST.
    """
    return await asyncpg.connect(
        dsn,
        timeout=_CONNECT_SECONDS,
        command_timeout=session.command_seconds,
        server_settings=session.settings(),
    )


async def open_pool(dsn: str, session: Session, size: int) -> Pool:
    """A pool of at most `size` connections, none of them opened yet."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=_CONNECT_SECONDS,
        command_timeout=session.command_seconds,
        server_settings=session.settings(),
    )


async def close(held: "Connection | Pool") -> None:
    """Ends a connection, or a pool and its connections, in good order; at once when that takes over 2 seconds."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await held.close()
    except LOST:
        held.terminate()
        await asyncio.sleep(0)


@contextmanager
def postgres_needed() -> Iterator[None]:
    """Turns what asyncpg raises into what the journal raises.

    Unavailable when PostgreSQL is away, SchemaOutdated when a table is missing, DatabaseRefused when the role lacks a
    right, JournalDamaged when PostgreSQL finds its own files damaged.
    """
    try:
        yield
    except LOST as error:
        raise Unavailable(f"PostgreSQL does not answer as it should: {type(error).__name__}") from error
    except (postgres.UndefinedTableError, postgres.UndefinedColumnError, postgres.UndefinedFunctionError) as error:
        raise SchemaOutdated("the database is not migrated: run `gateway migrate`") from error
    except postgres.InsufficientPrivilegeError as error:
        raise DatabaseRefused(
            f"{error}; the role of the DSN must be a member of the part's own (gateway_intake, gateway_relay, "
            "gateway_overseer), and the database migrated"
        ) from error
    except postgres.DataCorruptedError as error:
        raise JournalDamaged("PostgreSQL cannot read what it stored; `gateway verify journal` tells where") from error


async def database_ready(dsn: str) -> bool:
    """Whether PostgreSQL takes connections at this DSN and answers."""
    try:
        connection = await connect(dsn, SERVING)
        try:
            await connection.fetchval(sql("answer"))
        finally:
            await close(connection)
    except LOST:
        return False
    return True
