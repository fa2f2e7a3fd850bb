import asyncio
import hashlib

import httpx
import pytest

from codes.editions import load_codebook
from gateway.intake.health import ReadyChecks
from gateway.intake.services import Services
from gateway.model import Checkpoint
from gateway.sealing.checkpoints import read_checkpoint, seal_checkpoint
from gateway.sealing.jws import KeySet
from gateway.sealing.receipts import read_receipt
from tests.intake.kit import NOW, XML, World
from tests.intake.test_filing import assert_problem


async def test_a_receipt_verifies_with_the_published_keys_alone(client: httpx.AsyncClient, world: World) -> None:
    keys = KeySet.from_jwks((await client.get("/.well-known/jwks.json")).content)
    facts = (await client.post("/v1/messages", content=world.message(), headers=XML)).json()
    assert read_receipt(facts["receipt"], keys).sha256 == facts["sha256"]


async def test_the_newest_checkpoint_verifies_and_a_ledger_without_one_is_not_there(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    await client.post("/v1/messages", content=world.message(), headers=XML)
    head = await services.journal.head(0)
    await services.journal.store_checkpoint(
        await seal_checkpoint(Checkpoint(0, head.seq, head.chain, NOW), services.keys)
    )
    facts = (await client.get("/v1/checkpoints/latest")).json()
    assert read_checkpoint(facts["checkpoint"], services.keyset).seq == facts["seq"] >= head.seq
    assert_problem(await client.get("/v1/checkpoints/latest?ledger=77"), 404, "not-found")
    assert_problem(await client.get("/v1/checkpoints/latest?ledger=-1"), 400, "parameter")
    assert_problem(await client.get("/v1/checkpoints/latest?ledger=99999999999999999999"), 400, "parameter")


async def test_the_code_tables_are_listed_with_their_editions(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/codes")).json()["editions"]
    book = load_codebook()
    assert [edition["edition"] for edition in listed] == [edition.name for edition in book.editions]
    counts = {table["table"]: table["rows"] for table in listed[0]["tables"]}
    assert counts == {name: len(table) for name, table in book.editions[0].tables.items()}


async def test_every_code_of_every_table_is_found_by_its_own_address(client: httpx.AsyncClient) -> None:
    for name, table in load_codebook().editions[-1].tables.items():
        for entry in list(table)[:3]:
            answer = await client.get(f"/v1/codes/{name}/" + "/".join(entry.key))
            assert answer.status_code == 200, (name, entry.key)
            assert answer.json()["code"] == entry.code


async def test_a_codes_name_is_given_in_the_language_asked_for(client: httpx.AsyncClient) -> None:
    names = {
        lang: (await client.get(f"/v1/codes/operation_kinds/0121?lang={lang}")).json()["name"]
        for lang in ("kk", "ru", "en")
    }
    assert len(set(names.values())) == 3
    assert (await client.get("/v1/codes/operation_kinds/0121")).json()["names"] == names


@pytest.mark.parametrize("path", ["nothing", "operation_kinds/121", "operation_kinds?edition=1999-01-01"])
async def test_codes_tables_and_editions_that_are_not_there_get_404(client: httpx.AsyncClient, path: str) -> None:
    assert_problem(await client.get(f"/v1/codes/{path}"), 404, "not-found")


@pytest.mark.parametrize("query", ["on=yesterday", "on=2026-02-31", "lang=de"])
async def test_a_wrong_day_or_language_gets_400(client: httpx.AsyncClient, query: str) -> None:
    assert_problem(await client.get(f"/v1/codes/operation_kinds?{query}"), 400, "parameter")


async def test_every_listed_schema_is_served_as_it_is_listed(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/schemas")).json()["schemas"]
    assert {item["file"] for item in listed} >= {"doc.xsd", "Ack1.xsd", "Ack2.xsd"}
    for item in listed:
        answer = await client.get(item["href"])
        assert answer.headers["content-type"] == "application/xml"
        assert hashlib.sha256(answer.content).hexdigest() == item["sha256"]


@pytest.mark.parametrize(
    "path", ["fm1/2025-07-10/manifest.toml", "fm1/2025-07-10/none.xsd", "a/b/c", "%2e%2e/%2e%2e/x.xsd"]
)
async def test_nothing_but_the_schemas_is_served_there(client: httpx.AsyncClient, path: str) -> None:
    assert_problem(await client.get(f"/v1/schemas/{path}"), 404, "not-found")


async def test_the_limits_are_those_that_hold(client: httpx.AsyncClient, services: Services) -> None:
    limits = (await client.get("/v1/limits")).json()
    assert limits["request"]["body_bytes"] == services.settings.bounds.body_bytes == limits["message"]["bytes"]


async def test_the_process_says_that_it_lives_and_that_it_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "parts": {"postgresql": "ready", "kafka": "ready"}}


async def test_a_part_that_fails_or_hangs_is_named_as_unavailable() -> None:
    async def fails() -> bool:
        raise OSError

    async def hangs() -> bool:
        await asyncio.sleep(60)
        return True

    async def answers() -> bool:
        return True

    checks = ReadyChecks({"a": fails, "b": hangs, "c": answers}, 0.05, lambda: 0.0)
    assert await checks.ask() == {"a": "unavailable", "b": "unavailable", "c": "ready"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/v1/messages/", 404, "not-found"),
        ("GET", "/docs", 404, "not-found"),
        ("GET", "/metrics", 404, "not-found"),
        ("GET", "/v1/validate", 405, "method-not-allowed"),
        ("DELETE", "/v1/messages", 405, "method-not-allowed"),
        ("POST", "/healthz", 405, "method-not-allowed"),
        ("BREW", "/v1/codes", 405, "method-not-allowed"),
    ],
)
async def test_wrong_addresses_and_methods_get_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    assert_problem(await client.request(method, path), status, code)


async def test_the_methods_that_are_allowed_are_all_named(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1/messages")
    assert {method.strip() for method in answer.headers["allow"].split(",")} == {"GET", "POST"}


async def test_the_running_intake_makes_checkpoints_by_itself(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    await client.post("/v1/messages", content=world.message(), headers=XML)
    length = (await services.journal.head(0)).seq
    async with asyncio.timeout(40):
        while True:
            answer = await client.get("/v1/checkpoints/latest")
            if answer.status_code == 200 and answer.json()["seq"] >= length:
                break
            await asyncio.sleep(0.1)
