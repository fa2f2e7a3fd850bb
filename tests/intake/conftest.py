import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.intake.server import IntakeServer, bind
from gateway.intake.services import Services
from gateway.intake.settings import IntakeSettings
from gateway.local.postgres import Postgres
from tests.intake.kit import URL, World, make_world

Live = Callable[[IntakeSettings], AbstractAsyncContextManager[tuple[str, int]]]


async def kafka_answers() -> bool:
    return True


@pytest.fixture(scope="session")
async def world(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> World:
    return await make_world(new_database(), Path(tmp_path_factory.mktemp("world")))


@pytest.fixture(scope="session")
async def services(world: World, postgres_server: Postgres) -> AsyncIterator[Services]:
    """The intake's services, with no other rights in the database than an intake has."""
    database = urlsplit(world.settings.database_url).path.removeprefix("/")
    own = replace(
        world.settings, database_url=postgres_server.create_login("intake_of_world", "gateway_intake", database)
    )
    async with open_services(own, kafka_check=kafka_answers) as services:
        yield services


@pytest.fixture(scope="session")
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


@asynccontextmanager
async def serve_live(settings: IntakeSettings) -> AsyncIterator[tuple[str, int]]:
    """A real server of these settings on a free port of 127.0.0.1, inside the test's loop."""
    started = asyncio.Event()
    listening = bind("127.0.0.1", 0)
    host, port = listening.getsockname()
    async with open_services(settings, kafka_check=kafka_answers) as services:
        server = IntakeServer(services, started.set)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await started.wait()
        try:
            yield host, port
        finally:
            server.should_exit = True
            await task


@pytest.fixture(scope="session")
def live() -> Live:
    return serve_live


@pytest.fixture(scope="session")
async def server(world: World) -> AsyncIterator[tuple[str, int]]:
    """One live server with small bounds, shared by the tests that speak raw HTTP."""
    settings = world.with_bounds(
        body_bytes=1_000_000,
        large_body_bytes=1_000_000,
        body_seconds=0.6,
        head_bytes=8_192,
        head_seconds=0.6,
        body_chunks=2_000,
        connections=60,
    )
    async with serve_live(settings) as address:
        yield address
