"""The real PostgreSQL and Kafka of the tests: one of each a session, started only when a test asks for them."""

import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from gateway.local.kafka import Kafka
from gateway.local.owner import socket_directory
from gateway.local.ports import HOST
from gateway.local.postgres import Postgres
from gateway.local.stack import Stack, StackFacts
from gateway.logs import LogBridge

# The same examples each time: what is green once stays green. New ones are looked for with HYPOTHESIS=explore.
settings.register_profile("project", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS", "project"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files of long tests come first."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(autouse=True)
def logs_as_at_first() -> Iterator[None]:
    """What a command run within the process of the tests did to the logs ends with its test."""
    level = logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.setLevel(level)
    for handler in [one for one in logging.root.handlers if isinstance(one, LogBridge)]:
        logging.root.removeHandler(handler)


class Servers:
    """Both servers below one directory; those that are needed start side by side."""

    def __init__(self, directory: Path, needed: frozenset[str]) -> None:
        self.postgres = Postgres(
            directory / "postgres", socket_directory(directory), directory / "logs" / "postgres.log"
        )
        self.kafka = Kafka(directory / "kafka", directory / "logs" / "kafka.log")
        self._needed = needed
        self._pool = ThreadPoolExecutor(2)
        self._starting: dict[str, Future[str]] = {}

    def dsn(self) -> str:
        return self._started("postgres_server")

    def bootstrap(self) -> str:
        return self._started("kafka_bootstrap")

    def stop(self) -> None:
        self._pool.shutdown()
        self.kafka.stop()
        self.postgres.stop()

    def _started(self, wanted: str) -> str:
        starts = {"postgres_server": self._start_postgres, "kafka_bootstrap": self._start_kafka}
        for name in {wanted, *(self._needed & starts.keys())} - self._starting.keys():
            self._starting[name] = self._pool.submit(starts[name])
        return self._starting[wanted].result()

    def _start_postgres(self) -> str:
        self.postgres.start()
        return self.postgres.dsn

    def _start_kafka(self) -> str:
        _process, ports = self.kafka.start()
        return f"{HOST}:{ports.broker}"


@pytest.fixture(scope="session")
def short_directory() -> Iterator[Path]:
    """A directory that the user who runs root's PostgreSQL may pass through, as pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="fma-tests-")).resolve()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest, short_directory: Path) -> Iterator[Servers]:
    needed = frozenset(name for item in request.session.items for name in getattr(item, "fixturenames", ()))
    servers = Servers(short_directory / "servers", needed)
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def postgres_server(servers: Servers) -> Postgres:
    """The running PostgreSQL of the session."""
    servers.dsn()
    return servers.postgres


@pytest.fixture(scope="session")
def postgres_dsn(postgres_server: Postgres) -> str:
    """The DSN of the session's common database, empty at first."""
    return postgres_server.dsn


@pytest.fixture(scope="session")
def new_database(postgres_server: Postgres) -> Callable[[], str]:
    """Makes an empty database of its own and returns its DSN."""
    return lambda: postgres_server.create_database(f"test_{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
def kafka_bootstrap(servers: Servers) -> str:
    """HOST:PORT of the session's Kafka, without topics at first."""
    return servers.bootstrap()


@pytest.fixture(scope="session")
def stack(short_directory: Path) -> Iterator[StackFacts]:
    """A whole local stack, as `gateway local up` starts it: leave it running and whole."""
    stack = Stack(short_directory / "stack")
    yield stack.up(datetime.now(UTC))
    stack.wipe()
