from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest
from lxml import etree

from gateway.intake.services import Services
from gateway.journal import Directory, LargeDraft
from tests.intake.kit import NOW, URL, XML, World
from tests.intake.test_filing import assert_problem, refresh
from tests.journal.support import Drafts


@pytest.fixture(scope="module")
async def filed(client: httpx.AsyncClient, world: World) -> dict[str, bytes]:
    """Five messages of the bank, by id in the order of filing."""
    bodies = [world.message("bank") for _ in range(4)] + [world.refused_message("bank")]
    return {(await client.post("/v1/messages", content=body, headers=XML)).json()["id"]: body for body in bodies}


async def test_an_entity_reads_its_own_message_receipt_and_bytes(
    client: httpx.AsyncClient, world: World, filed: dict[str, bytes]
) -> None:
    bearer = await world["bank"].bearer()
    for message, body in filed.items():
        facts = await client.get(f"/v1/messages/{message}", headers=bearer)
        assert facts.status_code == 200
        receipt = await client.get(f"/v1/receipts/{message}", headers=bearer)
        assert receipt.headers["content-type"] == "application/jose"
        assert receipt.text == facts.json()["receipt"]
        original = await client.get(f"/v1/messages/{message}/original", headers=bearer)
        assert original.headers["content-type"] == "application/xml"
        assert original.content == body


async def test_a_large_message_is_read_back_byte_for_byte_and_by_its_sender_alone(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    casino = world["casino"]
    draft = Drafts(made=700)(Random(1).randbytes(5_000_000), sender=casino.identifier)
    async with services.journal.stage(draft.receipt) as staging:
        await staging.add_body(draft.body)
        await staging.add_records(draft.records)
        await staging.append(LargeDraft(draft.receipt, len(draft.body)))
    path = f"/v1/messages/{draft.receipt.id}/original"
    async with client.stream("GET", path, headers=await casino.bearer()) as answer:
        assert (answer.status_code, answer.headers["content-length"]) == (200, "5000000")
        assert await answer.aread() == draft.body
    assert_problem(await client.get(path, headers=await world["bank"].bearer()), 404, "not-found")


async def test_the_notice_of_a_filed_message_is_read_as_xml(
    client: httpx.AsyncClient, world: World, filed: dict[str, bytes]
) -> None:
    headers = {**await world["bank"].bearer(), "Accept": "text/xml"}
    answer = await client.get(f"/v1/messages/{next(iter(filed))}", headers=headers)
    assert answer.headers["content-type"] == "text/xml"
    assert etree.fromstring(answer.content).tag == "ExportData"


@pytest.mark.parametrize("path", ["/v1/messages/{}", "/v1/messages/{}/original", "/v1/receipts/{}"])
async def test_others_messages_and_nonsense_do_not_exist(
    client: httpx.AsyncClient, world: World, filed: dict[str, bytes], path: str
) -> None:
    other = await world["casino"].bearer()
    for message in (next(iter(filed)), "01890000-0000-7000-8000-000000000000", "nonsense", "%00", "'; --"):
        assert_problem(await client.get(path.format(message), headers=other), 404, "not-found")


async def test_the_list_goes_through_all_ones_own_messages_page_by_page(
    client: httpx.AsyncClient, world: World, filed: dict[str, bytes]
) -> None:
    bearer = await world["bank"].bearer()
    seen: list[str] = []
    path: str | None = "/v1/messages?limit=2"
    while path:
        page = (await client.get(path, headers=bearer)).json()
        assert len(page["messages"]) <= 2
        assert all(message["sender"] == world["bank"].identifier for message in page["messages"])
        seen += [message["id"] for message in page["messages"]]
        path = page["next"]
    assert seen == list(filed)


async def test_a_cursor_that_was_bent_borrowed_or_made_up_is_refused(
    client: httpx.AsyncClient, world: World, filed: dict[str, bytes]
) -> None:
    assert filed
    bank, casino = await world["bank"].bearer(), await world["casino"].bearer()
    following = (await client.get("/v1/messages?limit=1", headers=bank)).json()["next"]
    assert_problem(await client.get(following, headers=casino), 400, "cursor")
    cursor = following.partition("after=")[2].partition("&")[0]
    for wrong in (
        cursor[:-1],
        cursor + "A",
        "B" + cursor[1:],
        cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        "é",
        "=",
        "0",
    ):
        answer = await client.get("/v1/messages", params={"after": wrong}, headers=bank)
        assert_problem(answer, 400, "cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1e9", ""])
async def test_a_limit_out_of_bounds_is_refused(client: httpx.AsyncClient, world: World, limit: str) -> None:
    answer = await client.get(f"/v1/messages?limit={limit}", headers=await world["bank"].bearer())
    assert "limit" in str(assert_problem(answer, 400, "parameter")["detail"])


async def test_reading_without_a_valid_token_gets_401_with_the_scheme(client: httpx.AsyncClient, world: World) -> None:
    good = (await world["bank"].bearer())["Authorization"]
    stranger = (await world["stranger"].bearer())["Authorization"]
    elsewhere = (await world["bank"].bearer("https://another.example"))["Authorization"]
    old = (await world["bank"].bearer(URL, datetime.now(UTC) - timedelta(hours=1)))["Authorization"]
    for value, reason in (
        (None, "missing"),
        ("Basic abc", "malformed"),
        ("Bearer", "malformed"),
        ("Bearer a.b.c", "malformed"),
        (good[:-4] + "AAAA", "signature"),
        (stranger, "unknown-certificate"),
        (elsewhere, "audience"),
        (old, "expired"),
    ):
        answer = await client.get("/v1/messages", headers={"Authorization": value} if value else {})
        assert assert_problem(answer, 401, "token-refused")["reason"] == reason
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_two_authorization_headers_are_refused(client: httpx.AsyncClient, world: World) -> None:
    value = (await world["bank"].bearer())["Authorization"]
    answer = await client.get("/v1/messages", headers=[("Authorization", value), ("Authorization", value)])
    assert_problem(answer, 401, "token-refused")


async def test_a_suspended_entity_still_reads_its_own(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    world.add("paused")
    await world.enrol("paused")
    await refresh(services)
    message = (await client.post("/v1/messages", content=world.message("paused"), headers=XML)).json()["id"]
    async with Directory(world.settings.database_url) as directory:
        await directory.suspend(world["paused"].identifier, NOW)
    await refresh(services)
    answer = await client.get(f"/v1/messages/{message}", headers=await world["paused"].bearer())
    assert answer.status_code == 200
