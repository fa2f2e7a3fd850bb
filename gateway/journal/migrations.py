"""The history of the database, as numbered files that are never changed."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import asyncpg
import structlog
from asyncpg import exceptions as postgres

from gateway.journal.connections import MIGRATING, AnyConnection, Connection, close, connect, postgres_needed
from gateway.journal.errors import MigrationRefused
from gateway.journal.queries import sql

_FILE_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_HEADER = re.compile(r"-- deploy: (?P<deploy>pre|post)\n")
_log = structlog.get_logger(__name__)


class Deploy(StrEnum):
    """When a migration is applied: before the programs that need it start, or after the last that must not meet it."""

    PRE = "pre"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; `sha256` is the lower-case hex digest of its file."""

    number: int
    name: str
    deploy: Deploy
    sha256: str
    text: str


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations in their order, numbered 1, 2, 3 ..."""
    folder = files(__package__).joinpath("migrations")
    found = tuple(
        _migration(item.name, item.read_text("utf-8")) for item in folder.iterdir() if item.name.endswith(".sql")
    )
    ordered = tuple(sorted(found, key=lambda migration: migration.number))
    if [migration.number for migration in ordered] != list(range(1, len(ordered) + 1)):
        raise MigrationRefused("the migration files are not numbered 0001, 0002, 0003 ...")
    return ordered


async def migrate(dsn: str, ledgers: int | None = None, upto: Deploy = Deploy.POST) -> list[Migration]:
    """Brings the database up to date and answers what was applied; one at a time, however many processes call it.

    `ledgers` (1 unless given) fixes their number the first time. `upto=Deploy.PRE` stops before the first `post`
    migration. The rights of the parts' roles are stated anew each time. Raises MigrationRefused when the database's
    history differs, it holds another number of ledgers, or the rights can't be granted; Unavailable.
    """
    with postgres_needed():
        connection = await connect(dsn, MIGRATING)
        try:
            await connection.execute(sql("lock_migrations"))
            applied = await _apply_missing(connection, upto)
            await _fix_ledgers(connection, ledgers)
            await _grant_rights(connection)
            await connection.execute(sql("unlock_migrations"))
        finally:
            await close(connection)
    return applied


async def missing_migrations(connection: AnyConnection) -> list[str]:
    """The names of the `pre` migrations that this program needs and the database lacks."""
    try:
        known = {row["number"] for row in await connection.fetch(sql("applied_migrations"))}
    except postgres.UndefinedTableError:
        known = set()
    return [
        f"{migration.number:04}_{migration.name}"
        for migration in migrations()
        if migration.deploy is Deploy.PRE and migration.number not in known
    ]


def _migration(file_name: str, text: str) -> Migration:
    title, header = _FILE_NAME.fullmatch(file_name), _HEADER.match(text)
    if title is None or header is None:
        raise MigrationRefused(f"{file_name}: the name or the first line is not that of a migration")
    return Migration(
        number=int(title["number"]),
        name=title["name"],
        deploy=Deploy(header["deploy"]),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
    )


async def _apply_missing(connection: Connection, upto: Deploy) -> list[Migration]:
    await connection.execute(sql("create_migrations"))
    known = await connection.fetch(sql("applied_migrations"))
    _check_history(known)
    applied: list[Migration] = []
    for migration in migrations()[len(known) :]:
        if upto is Deploy.PRE and migration.deploy is Deploy.POST:
            break
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(sql("record_migration"), migration.number, migration.name, migration.sha256)
        _log.info("journal.migrated", number=migration.number, name=migration.name)
        applied.append(migration)
    return applied


def _check_history(known: list[asyncpg.Record]) -> None:
    """Refuses a history that is not a beginning of ours, or of which ours is not a beginning."""
    for migration, row in zip(migrations(), known, strict=False):
        if (row["number"], row["name"]) != (migration.number, migration.name):
            raise MigrationRefused(
                f"the database has migration {row['number']} {row['name']} where this program has "
                f"{migration.number} {migration.name}"
            )
        if row["sha256"] != migration.sha256:
            raise MigrationRefused(
                f"migration {migration.number} {migration.name} was changed after it was applied: undo the change and "
                "write a new migration"
            )


async def _grant_rights(connection: Connection) -> None:
    """States all rights in one transaction, so that no part meets a moment without its own."""
    text = files(__package__).joinpath("rights.sql").read_text("utf-8")
    try:
        async with connection.transaction():
            await connection.execute(text)
    except postgres.InsufficientPrivilegeError as error:
        raise MigrationRefused(
            f"{error}: migrate as the owner of the database, who may make roles, or make the roles of rights.sql first"
        ) from error


async def _fix_ledgers(connection: Connection, ledgers: int | None) -> None:
    heads = await connection.fetch(sql("heads"))
    if not heads:
        await connection.execute(sql("add_ledgers"), ledgers or 1)
    elif ledgers not in (None, len(heads)):
        raise MigrationRefused(
            f"the database was set up with {len(heads)} ledgers, not {ledgers}: their number is fixed"
        )
