"""Revoked between two messages: refused within a bound. Not to be checked: flagged, or 503, as the policy is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from prometheus_client import generate_latest

from gateway.errors import ConfigurationError
from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.intake.services import Services
from gateway.intake.settings import RevocationSettings, UndeterminedPolicy
from gateway.journal import Directory
from tests.intake.conftest import kafka_answers
from tests.intake.kit import NOW, URL, XML, World
from tests.intake.test_filing import assert_problem, refresh
from tests.support.ocsp import Responder


@pytest.fixture
def signer(world: World) -> str:
    """An entity that no other test files for."""
    label = f"signer {len(world.parties)}"
    world.add(label)
    return label


@asynccontextmanager
async def intake(world: World, *lists: Path, **settings: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    changed = replace(world.settings, revocation_lists=lists, revocation=RevocationSettings(**settings))
    async with open_services(changed, kafka_check=kafka_answers) as services:
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield client, services


async def file(client: httpx.AsyncClient, world: World, label: str) -> httpx.Response:
    return await client.post("/v1/messages", content=world.message(label), headers=XML)


def codes(answer: httpx.Response) -> list[str]:
    return [finding["code"] for finding in answer.json()["findings"]]


def serial(world: World, label: str) -> int:
    return x509.load_pem_x509_certificate(world[label].credentials.certificate).serial_number


def write_list(world: World, path: Path, until: datetime, *revoked: int) -> None:
    authority = x509.load_pem_x509_certificate(world.authority.certificate)
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.subject)
    builder = builder.last_update(NOW - timedelta(days=2)).next_update(until)
    for number in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(NOW - timedelta(days=1))
        builder = builder.add_revoked_certificate(entry.build())
    key: Any = serialization.load_pem_private_key(world.authority.key, None)
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_certificate_revoked_between_two_messages_is_refused_when_the_answer_is_no_longer_fresh(
    world: World, signer: str
) -> None:
    await world.enrol(signer)
    with Responder(world.authority) as responder:
        async with intake(world, responder=responder.url, fresh_seconds=0.4) as (client, services):
            first = await file(client, world, signer)
            assert (first.status_code, "SIG-001" in codes(first)) == (201, False)
            responder.revoked.add(serial(world, signer))
            since = datetime.now(UTC)
            answers = [first]
            async with asyncio.timeout(40):
                while answers[-1].status_code == 201:
                    answers.append(await file(client, world, signer))
            assert assert_problem(answers[-1], 401, "certificate-refused")["reason"] == "revoked"
            [known] = services.revocations._known.values()
            assert known.at >= since
            reading = await client.get("/v1/messages", headers=await world[signer].bearer())
            assert assert_problem(reading, 401, "token-refused")["reason"] == "certificate-revoked"


async def test_one_answer_serves_many_messages(world: World, signer: str) -> None:
    await world.enrol(signer)
    with Responder(world.authority) as responder:
        async with intake(world, responder=responder.url) as (client, _):
            answers = await asyncio.gather(*(file(client, world, signer) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert responder.asked == 1


@pytest.mark.parametrize("said", ["nothing", "rubbish", "busy", "unknown"])
async def test_a_check_that_can_not_be_made_flags_the_message_or_asks_to_come_later(
    world: World, signer: str, said: str
) -> None:
    await world.enrol(signer)
    body = world.message(signer)
    with Responder(world.authority, said) as responder:
        policy = UndeterminedPolicy.LATER
        async with intake(world, responder=responder.url, policy=policy, retry_seconds=0.2) as (client, _):
            later = await client.post("/v1/messages", content=body, headers=XML)
            assert_problem(later, 503, "revocation-undetermined")
            assert later.headers["retry-after"] == "1"
            responder.say = "good"
            await asyncio.sleep(0.25)
            assert (await client.post("/v1/messages", content=body, headers=XML)).status_code == 201
        responder.say = said
        async with intake(world, responder=responder.url) as (client, services):
            flagged = await file(client, world, signer)
            assert (flagged.status_code, flagged.json()["verdict"]) == (201, "accepted with warnings")
            assert codes(flagged)[-1] == "SIG-001"
            again = await client.post("/v1/messages", content=body, headers=XML)
            assert again.status_code == 200
            assert "gateway_revocation_undetermined_total 2.0" in generate_latest(services.metrics.registry).decode()


async def test_a_responder_that_is_silent_costs_a_bounded_time_once(world: World, signer: str) -> None:
    await world.enrol(signer)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    host, port = silent.sockets[0].getsockname()
    async with silent, intake(world, responder=f"http://{host}:{port}/", seconds=0.2, retry_seconds=60) as (client, _):
        async with asyncio.timeout(40):
            answers = [await file(client, world, signer) for _ in range(5)]
    assert all(codes(answer)[-1] == "SIG-001" for answer in answers)


async def test_a_list_that_has_ended_flags_and_one_that_is_renewed_is_taken_up(
    world: World, signer: str, tmp_path: Path
) -> None:
    await world.enrol(signer)
    path = tmp_path / "ca.crl"
    write_list(world, path, NOW - timedelta(hours=1))
    async with intake(world, path) as (client, services):
        assert codes(await file(client, world, signer))[-1] == "SIG-001"
        before = services.senders.trust
        write_list(world, path, NOW + timedelta(days=1), 1)
        await until(lambda: services.senders.trust is not before)
        assert "SIG-001" not in codes(await file(client, world, signer))
        before = services.senders.trust
        path.write_bytes(b"no list")
        await asyncio.sleep(1.2)
        assert services.senders.trust is before
        write_list(world, path, NOW + timedelta(days=1), serial(world, signer))
        await until(lambda: services.senders.trust is not before)
        refused = await file(client, world, signer)
        assert assert_problem(refused, 401, "certificate-refused")["reason"] == "revoked"
        reading = await client.get("/v1/messages", headers=await world[signer].bearer())
        assert assert_problem(reading, 401, "token-refused")["reason"] == "certificate-revoked"


async def test_bytes_filed_before_get_their_receipt_after_the_certificate_was_taken_from_the_entity(
    world: World, signer: str, client: httpx.AsyncClient, services: Services
) -> None:
    await world.enrol(signer)
    await refresh(services)
    body = world.message(signer)
    first = await client.post("/v1/messages", content=body, headers=XML)
    async with Directory(world.settings.database_url) as directory:
        [fingerprint] = await directory.certificates(world[signer].identifier)
        await directory.revoke_certificate(world[signer].identifier, fingerprint.fingerprint, NOW)
    await refresh(services)
    again = await client.post("/v1/messages", content=body, headers=XML)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert_problem(await file(client, world, signer), 403, "sender-not-enrolled")


@pytest.mark.parametrize("address", ["http://a:port/", "ocsp.example.kz", "ftp://ocsp.example.kz/", "http://"])
async def test_an_address_that_is_none_is_said_at_the_start(world: World, address: str) -> None:
    with pytest.raises(ConfigurationError, match="no URL of an OCSP responder"):
        async with intake(world, responder=address):
            pass
