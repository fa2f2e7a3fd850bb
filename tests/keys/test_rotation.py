"""The key changes while messages come in: two replicas, real PostgreSQL, nothing lost and nothing that fails."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateway.consumer import load_keys
from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.journal import KeyRegister, verify_journal
from gateway.keyhistory import Decision
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.generation import Issued, make_gateway_key, write_issued
from gateway.sealing.jws import KeySet, kid_of
from gateway.sealing.keyring import CERTIFICATE_NAME, KEY_NAME
from gateway.sealing.keys import kid_of_certificate
from gateway.sealing.receipts import read_receipt
from gateway.sealing.refusals import SealUndetermined
from tests.intake.kit import NOW, URL, XML, World, make_world


@pytest.fixture
async def world(new_database: Callable[[], str], tmp_path: Path) -> World:
    return await make_world(new_database(), tmp_path)


def put_key(world: World) -> tuple[str, Issued]:
    """A key as `gateway keys generate` leaves it."""
    issued = make_gateway_key("Second key", NOW)
    kid = kid_of_certificate(issued.certificate)
    place = world.settings.certificate_file.parent
    write_issued(issued, place / KEY_NAME.format(kid=kid), place / CERTIFICATE_NAME.format(kid=kid))
    return kid, issued


async def announce(world: World, overlap: timedelta) -> str:
    kid, issued = put_key(world)
    decision = Decision("test", datetime.now(UTC))
    async with KeyRegister(world.settings.database_url) as register:
        await register.change(lambda past: past.announce(kid, issued.certificate.decode(), decision, overlap))
    return kid


async def replica(world: World, stack: AsyncExitStack) -> httpx.AsyncClient:
    services = await stack.enter_async_context(open_services(world.settings))
    transport = httpx.ASGITransport(create_app(services))
    return await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=URL))


async def published(client: httpx.AsyncClient) -> dict[str, str]:
    document = (await client.get("/.well-known/jwks.json")).json()
    return {key["kid"]: key["state"] for key in document["keys"]}


async def until_published(client: httpx.AsyncClient, kid: str, state: str) -> None:
    async with asyncio.timeout(40):
        while (await published(client)).get(kid) != state:
            await asyncio.sleep(0.05)


async def file(client: httpx.AsyncClient, body: bytes) -> str:
    answer = await client.post("/v1/messages", content=body, headers=XML)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["receipt"])


async def test_a_key_that_takes_over_under_load_loses_no_message_and_every_replica_published_it_before(
    world: World,
) -> None:
    receipts: list[str] = []
    async with AsyncExitStack() as stack:
        clients = [await replica(world, stack), await replica(world, stack)]
        first = next(iter(await published(clients[0])))
        stop = asyncio.Event()

        async def load(client: httpx.AsyncClient) -> None:
            while not stop.is_set():
                receipts.append(await file(client, world.message()))
                keys = await published(client)
                assert kid_of(receipts[-1]) in keys

        loads = [asyncio.create_task(load(client)) for client in clients for _ in range(2)]
        second = await announce(world, timedelta(0))
        for client in clients:
            await until_published(client, second, "next")
        assert {kid_of(receipt) for receipt in receipts} <= {first}
        async with KeyRegister(world.settings.database_url) as register:
            await register.change(lambda past: past.activate(second, Decision("test", datetime.now(UTC))))
        for client in clients:
            await until_published(client, second, "current")
        seen = len(receipts)
        async with asyncio.timeout(40):
            while len(receipts) < seen + 20 or kid_of(receipts[-1]) != second:
                await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*loads)
        jwks = load_keys((await clients[0].get("/.well-known/jwks.json")).content)
        body = world.message()
        receipt = await file(clients[0], body)
        again = await clients[1].post("/v1/messages", content=body, headers=XML)
        assert again.json()["receipt"] == receipt
    assert {kid_of(receipt) for receipt in receipts} == {first, second}
    assert len({read_receipt(receipt, jwks).id for receipt in receipts}) == len(receipts)
    report = await verify_journal(
        world.settings.database_url,
        lambda jws: read_receipt(jws, jwks),
        lambda jws: read_checkpoint(jws, jwks),
    )
    assert (report.intact, report.entries) == (True, len(receipts) + 1)


async def test_a_receipt_of_a_retired_key_is_given_again_after_a_restart_without_that_private_key(
    world: World,
) -> None:
    body = world.message()
    async with AsyncExitStack() as stack:
        client = await replica(world, stack)
        receipt = await file(client, body)
        second = await announce(world, timedelta(0))
        async with KeyRegister(world.settings.database_url) as register:
            await register.change(lambda past: past.activate(second, Decision("test", datetime.now(UTC))))
        await until_published(client, second, "current")
    world.settings.key_file.unlink()
    async with AsyncExitStack() as stack:
        client = await replica(world, stack)
        again = await client.post("/v1/messages", content=body, headers=XML)
        assert again.json()["receipt"] == receipt
        assert kid_of(await file(client, world.message())) == second


async def test_a_replica_that_lacks_the_new_private_key_goes_on_with_the_old_one_and_counts_it(world: World) -> None:
    issued = make_gateway_key("Elsewhere", NOW)
    kid = kid_of_certificate(issued.certificate)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(world.settings))
        transport = httpx.ASGITransport(create_app(services))
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=URL))
        first = services.keys.kid
        now = Decision("test", datetime.now(UTC))
        async with KeyRegister(world.settings.database_url) as register:
            await register.change(lambda past: past.announce(kid, issued.certificate.decode(), now, timedelta(0)))
            await register.change(lambda past: past.activate(kid, now))
        await until_published(client, kid, "current")
        assert kid_of(await file(client, world.message())) == first
        assert services.metrics.registry.get_sample_value("gateway_keys_missing") == 1


async def test_what_a_compromised_key_sealed_is_undetermined_to_those_who_read_the_published_history(
    world: World,
) -> None:
    async with AsyncExitStack() as stack:
        client = await replica(world, stack)
        receipt = await file(client, world.message())
        first = kid_of(receipt)
        second = await announce(world, timedelta(hours=1))
        decision = Decision("test", datetime.now(UTC))
        async with KeyRegister(world.settings.database_url) as register:
            await register.change(lambda past: past.compromise(first, decision.at, decision))
        await until_published(client, second, "current")
        assert (await published(client))[first] == "compromised"
        jwks: KeySet = load_keys((await client.get("/.well-known/jwks.json")).content)
        assert kid_of(await file(client, world.message())) == second
    with pytest.raises(SealUndetermined):
        read_receipt(receipt, jwks)
    assert read_receipt(receipt, jwks.regardless()).jws == receipt
