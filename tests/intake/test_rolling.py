"""A certificate is renewed, rolled and revoked while its entity files: no message is lost, none is filed twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random

import httpx
import pytest

from gateway.journal import Directory, Journal
from gateway.local.people import make_person
from gateway.sealing.certificates import describe
from gateway.sealing.generation import Subject, issue
from tests.intake.conftest import Live
from tests.intake.kit import NOW, SINCE, XML, Party, World

WORKERS, MESSAGES = 4, 10


class Filer:
    """An entity's software: it signs with the certificate of the moment, and again where that no longer stands."""

    def __init__(self, client: httpx.AsyncClient, world: World, label: str) -> None:
        self.client, self.world, self.label = client, world, label
        self.party: Party = world[label]
        self.accepted: list[str] = []
        self.refused = 0

    async def file(self) -> None:
        tree = self.world.tree(self.label)
        while True:
            answer = await self.client.post("/v1/messages", content=self.party.sign(tree), headers=XML)
            if answer.status_code == 201:
                self.accepted.append(answer.json()["id"])
                return
            assert answer.status_code == 403, answer.text
            self.refused += 1
            await asyncio.sleep(0.02)

    async def file_many(self) -> None:
        async def work() -> None:
            for _ in range(MESSAGES):
                await self.file()

        await asyncio.gather(*(work() for _ in range(WORKERS)))


def renewed(world: World, party: Party) -> Party:
    subject = Subject("RENEWED", iin=make_person(Random(7), NOW.date()).iin, bin=party.identifier)
    return replace(party, credentials=issue(world.authority, subject, SINCE, timedelta(days=800)))


@pytest.fixture
def label(world: World) -> str:
    name = f"rolling {len(world.parties)}"
    world.add(name)
    return name


async def test_no_message_is_lost_while_certificates_overlap_and_the_old_one_is_revoked(
    world: World, live: Live, label: str
) -> None:
    await world.enrol(label)
    old, new = world[label], renewed(world, world[label])
    async with (
        live(world.settings) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as client,
        Directory(world.settings.database_url) as directory,
    ):
        filer = Filer(client, world, label)
        filing = asyncio.create_task(filer.file_many())
        await asyncio.sleep(0.1)
        await directory.add_certificate(old.identifier, new.credentials.certificate, NOW)
        filer.party = new
        await asyncio.sleep(0.1)
        gone = describe(old.credentials.certificate)[0].fingerprint
        await directory.revoke_certificate(old.identifier, gone, NOW)
        await filing
        by_new = asyncio.create_task(filer.file_many())
        await directory.suspend(old.identifier, NOW)
        await asyncio.sleep(0.4)
        own = await client.get("/v1/messages", headers=await new.bearer())
        assert own.status_code == 200
        await directory.resume(old.identifier, NOW)
        await by_new
    async with Journal(world.settings.database_url) as journal:
        entries = await journal.page(old.identifier, 0, 1_000)
    kept = [str(entry.receipt_id) for entry in entries]
    assert len(kept) == len(set(kept)) == 2 * WORKERS * MESSAGES
    assert sorted(kept) == sorted(filer.accepted)
