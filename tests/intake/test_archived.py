"""What an entity reads of its messages whose bytes were moved to an archive."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gateway.archive.creating import Sealing
from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.intake.settings import IntakeSettings
from gateway.journal import Checkpointer, Journal
from gateway.sealing.checkpoints import seal_checkpoint
from tests.intake.conftest import kafka_answers
from tests.intake.kit import NOW, URL, XML, World, make_world
from tests.intake.test_filing import assert_problem
from tests.journal.archives import SIZE, file_sealed_large, small_partitions, take_out_oldest
from tests.journal.large import SMALL_PARTS, large
from tests.journal.support import Drafts


@asynccontextmanager
async def client_of(settings: IntakeSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_services(settings, kafka_check=kafka_answers) as services:
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield client


async def archive_oldest(settings: IntakeSettings, place: Path) -> None:
    async with open_services(settings, kafka_check=kafka_answers) as services:
        await Checkpointer(
            services.journal, lambda checkpoint: seal_checkpoint(checkpoint, services.keys), lambda: NOW
        ).make()
        await take_out_oldest(settings.database_url, place, Sealing(services.keys, services.keyset, NOW))


async def file_large(world: World) -> dict[str, bytes]:
    """The bank files a message in parts: its bytes by its id."""
    async with (
        open_services(world.settings, kafka_check=kafka_answers) as services,
        Journal(world.settings.database_url, limits=SMALL_PARTS) as journal,
    ):
        message = large(Drafts(), world.message("bank"), sender=world["bank"].identifier)
        made, filed = await file_sealed_large(journal, message, services.keys)
    return {str(filed.receipt_id): made.body}


@pytest.fixture(scope="module")
async def filed(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[World, dict[str, bytes], Path]:
    """A world, its messages by id, of which the first three, one in parts, are archived, and where the archives are."""
    world = await make_world(new_database(), Path(tmp_path_factory.mktemp("world")))
    await small_partitions(world.settings.database_url)
    by_id = await file_large(world)
    async with client_of(world.settings) as client:
        for body in [world.message("bank") for _ in range(SIZE + 1)]:
            by_id[(await client.post("/v1/messages", content=body, headers=XML)).json()["id"]] = body
    place = Path(tmp_path_factory.mktemp("archives"))
    await archive_oldest(world.settings, place)
    return world, by_id, place


async def test_receipts_facts_and_lists_go_on_and_the_bytes_come_from_a_mounted_archive(
    filed: tuple[World, dict[str, bytes], Path],
) -> None:
    world, by_id, place = filed
    bearer = await world["bank"].bearer()
    async with client_of(replace(world.settings, archives=place)) as client:
        listed = (await client.get("/v1/messages", headers=bearer)).json()["messages"]
        assert [message["id"] for message in listed] == list(by_id)
        for message, body in by_id.items():
            receipt = await client.get(f"/v1/receipts/{message}", headers=bearer)
            facts = (await client.get(f"/v1/messages/{message}", headers=bearer)).json()
            assert receipt.text == facts["receipt"]
            original = await client.get(f"/v1/messages/{message}/original", headers=bearer)
            assert (original.status_code, original.content) == (200, body)
            again = await client.post("/v1/messages", content=body, headers=XML)
            assert (again.status_code, again.json()["receipt"]) == (200, receipt.text)


@pytest.mark.parametrize(("language", "words"), [("kk", "мұрағат"), ("ru", "в архиве"), ("en", "in an archive")])
async def test_bytes_in_an_archive_that_is_not_mounted_are_said_to_be_there_and_how_to_ask(
    filed: tuple[World, dict[str, bytes], Path], tmp_path: Path, language: str, words: str
) -> None:
    world, by_id, _ = filed
    old, new = next(iter(by_id)), list(by_id)[-1]
    for archives in (None, tmp_path):
        async with client_of(replace(world.settings, archives=archives)) as client:
            bearer = await world["bank"].bearer()
            answer = await client.get(f"/v1/messages/{old}/original", headers={**bearer, "Accept-Language": language})
            assert_problem(answer, 410, "archived")
            assert words in answer.json()["detail"]
            assert old in answer.json()["detail"]
            other = await world["casino"].bearer()
            assert_problem(await client.get(f"/v1/messages/{old}/original", headers=other), 404, "not-found")
            assert (await client.get(f"/v1/messages/{new}/original", headers=bearer)).status_code == 200


async def test_a_large_message_in_a_damaged_archive_is_not_given_out(
    filed: tuple[World, dict[str, bytes], Path], tmp_path: Path
) -> None:
    world, by_id, place = filed
    copy = shutil.copytree(place, tmp_path / "damaged")
    (file,) = copy.glob("*/body-0-000000000001.xml.zst")
    file.write_bytes(file.read_bytes()[:-1])
    async with client_of(replace(world.settings, archives=copy)) as client:
        answer = await client.get(f"/v1/messages/{next(iter(by_id))}/original", headers=await world["bank"].bearer())
        assert_problem(answer, 410, "archived")
