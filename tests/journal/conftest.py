"""A migrated database of its own for each test, copied from a template."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from gateway.journal import ArchiveStore, Journal, JournalLimits, migrate
from tests.journal.archives import ClosedLog, closed_log
from tests.journal.support import Drafts, dsn_of, run


@pytest.fixture(scope="session")
async def template(postgres_dsn: str) -> str:
    name = f"journal_template_{uuid.uuid4().hex[:8]}"
    await run(postgres_dsn, f"CREATE DATABASE {name}")
    await migrate(dsn_of(postgres_dsn, name))
    return name


@pytest.fixture
async def dsn(postgres_dsn: str, template: str) -> AsyncIterator[str]:
    """A migrated, empty database."""
    name = f"journal_{uuid.uuid4().hex[:12]}"
    await run(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield dsn_of(postgres_dsn, name)
    await run(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def bare_dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"journal_{uuid.uuid4().hex[:12]}"
    await run(postgres_dsn, f"CREATE DATABASE {name}")
    yield dsn_of(postgres_dsn, name)
    await run(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def journal(dsn: str) -> AsyncIterator[Journal]:
    async with Journal(dsn, limits=JournalLimits(connections=2)) as journal:
        yield journal


@pytest.fixture
def draft() -> Drafts:
    return Drafts()


@pytest.fixture(scope="session")
async def closed_template(postgres_dsn: str, template: str) -> ClosedLog:
    name = f"{template}_closed"
    await run(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
    return await closed_log(dsn_of(postgres_dsn, name))


@pytest.fixture
async def closed(postgres_dsn: str, closed_template: ClosedLog) -> AsyncIterator[ClosedLog]:
    """A log with three closed partitions, a copy for each test."""
    name = f"journal_{uuid.uuid4().hex[:12]}"
    model = urlsplit(closed_template.dsn).path.removeprefix("/")
    await run(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {model}")
    yield replace(closed_template, dsn=dsn_of(postgres_dsn, name))
    await run(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def store(closed: ClosedLog) -> AsyncIterator[ArchiveStore]:
    async with ArchiveStore(closed.dsn) as store:
        yield store
