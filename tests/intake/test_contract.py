"""The intake keeps to its published contract: schemathesis makes the requests, right and wrong ones."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from string import Template

import httpx

from gateway.intake.services import Services
from gateway.journal import Role
from gateway.journal.oversight.store import OversightStore
from gateway.overseer import Judging, Overseer
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from tests.bus.kit import KEYS
from tests.intake.conftest import Live
from tests.intake.kit import URL, XML, World
from tests.intake.people import enrol_colleague
from tests.oversight.kit import PARAMETERS, RULES

SETTINGS = Path(__file__).with_name("schemathesis.toml")
CONTRACT = Path("docs/reference/openapi.json").resolve()


@asynccontextmanager
async def overseen(services: Services, world: World) -> AsyncIterator[None]:
    """Oversight at work, without which what it tells is answered 503."""
    store = OversightStore(world.settings.database_url, 0, PARAMETERS, RULES)
    overseer = Overseer(services.journal, store, KEYS, Judging(PARAMETERS, RULES))
    task = asyncio.create_task(overseer.run())
    yield
    overseer.stop()
    await task


async def settings_for(world: World, services: Services, url: str, directory: Path) -> Path:
    """The settings with tokens, and with ids of what is there."""
    officer = (await enrol_colleague(world, services, Role.OFFICER, "contract.officer")).credentials
    keys = LocalKeyHolder.from_pem(officer.key, officer.certificate)
    async with httpx.AsyncClient(base_url=url) as client:
        filed = (await client.post("/v1/messages", content=world.message(), headers=XML)).json()
    told = {
        "entity_token": (await world["casino"].bearer())["Authorization"].removeprefix("Bearer "),
        "person_token": await make_bearer("contract.officer", URL, datetime.now(UTC), keys),
        "entity": world["halted"].identifier,
        "message": filed["id"],
    }
    path = directory / SETTINGS.name
    path.write_text(Template(SETTINGS.read_text("utf-8")).substitute(told), encoding="utf-8")
    return path


async def test_requests_made_from_the_contract_are_answered_as_it_says(
    world: World, services: Services, live: Live, tmp_path: Path
) -> None:
    async with overseen(services, world), live(world.settings) as (host, port):
        url = f"http://{host}:{port}"
        settings = await settings_for(world, services, url, tmp_path)
        running = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", settings, "run", CONTRACT, "--url", url, "--no-color"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await running.communicate()
    assert running.returncode == 0, output.decode()
