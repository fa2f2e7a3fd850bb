"""Nothing that an entity can see tells it of another's reports, or of the FMA's interest in its own.

Each test is one row of docs/explanation/no-tipping-off.md.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch
from uuid import UUID

import asyncpg
import httpx
import pytest
from lxml import etree
from prometheus_client import generate_latest

from gateway.intake.cursors import make_cursor
from gateway.intake.gates import Quota
from gateway.intake.refusals import RateExceeded
from gateway.intake.services import Services
from gateway.journal import Directory, Journal, Role
from tests.intake.kit import NOW, XML, World
from tests.intake.people import enrol_colleague
from tests.intake.test_filing import refresh

NOBODYS = "01890000-0000-7000-8000-000000000000"
PLATFORM = {"implementation", "major", "minor", "patchlevel", "version", "generation"}
VARYING = {"request-id", "date", "content-length"}


@pytest.fixture(scope="module")
async def filed(client: httpx.AsyncClient, world: World, services: Services) -> str:
    """The id of a report of an entity."""
    await world.newcomer("watched")
    await refresh(services)
    body = world.message("watched")
    answer = await client.post("/v1/messages", content=body, headers=XML)
    assert answer.status_code in (201, 422)
    return str(answer.json()["id"])


def seen(answer: httpx.Response) -> tuple[int, dict[str, str], object]:
    """All that a client sees of an answer but what is new in each: the ids of the request and of the occurrence."""
    headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
    if "json" not in answer.headers.get("content-type", ""):
        return answer.status_code, headers, answer.content
    return answer.status_code, headers, {**answer.json(), "instance": ""}


@pytest.mark.parametrize(
    "path",
    ["/v1/messages/{}", "/v1/messages/{}/original", "/v1/receipts/{}", "/v1/luxury/blocks/{}"],
)
async def test_anothers_id_is_answered_like_one_that_was_never_given(
    client: httpx.AsyncClient, world: World, filed: str, path: str
) -> None:
    bearer = await world["casino"].bearer()
    answers = [seen(await client.get(path.format(name), headers=bearer)) for name in (filed, NOBODYS, "nonsense")]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 404


@pytest.mark.parametrize("path", ["/v1/messages/{}", "/v1/messages/{}/original", "/v1/receipts/{}"])
async def test_the_same_is_asked_of_the_database_for_anothers_id_and_for_none(
    client: httpx.AsyncClient, world: World, filed: str, path: str
) -> None:
    asked: list[str] = []
    real = Journal._fetch

    async def counted(self: Journal, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        asked.append(query)
        return await real(self, query, *arguments)

    told = []
    with patch.object(Journal, "_fetch", counted):
        for name in (filed, NOBODYS):
            bearer = await world["casino"].bearer()
            asked.clear()
            await client.get(path.format(name), headers=bearer)
            told.append([query for query in asked if query not in ("head", "latest_checkpoint", "answer")])
    assert told[0] == told[1] == ["find_by_receipt"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/fma/messages"])
async def test_a_cursor_of_another_is_refused_like_one_of_nobody(
    client: httpx.AsyncClient, world: World, filed: str, path: str
) -> None:
    bearer = await world["casino"].bearer()
    query = f"?sender={world['bank'].identifier}&" if "fma" in path else "?"
    answers = [
        seen(await client.get(f"{path}{query}after={make_cursor(UUID(name))}", headers=bearer))
        for name in (filed, NOBODYS)
    ]
    assert answers[0] == answers[1]


async def test_a_list_tells_of_nobody_elses_messages_and_counts_nothing(
    client: httpx.AsyncClient, world: World, filed: str
) -> None:
    page = (await client.get("/v1/messages?limit=100", headers=await world["casino"].bearer())).json()
    assert filed not in json.dumps(page)
    assert set(page) == {"messages", "next"}
    assert not {"seq", "ledger", "total", "count"} & {name for facts in page["messages"] for name in facts}


@pytest.mark.usefixtures("filed")
async def test_the_document_and_version_of_another_are_free_for_oneself(
    client: httpx.AsyncClient, world: World
) -> None:
    first = world.message("casino")
    root = etree.fromstring(first)
    changes = {
        "DocumentUniqueIdentifier": root.findtext("SignedData/Data/Root/DocumentUniqueIdentifier"),
        "Version": root.findtext("SignedData/Data/Root/Version"),
    }
    assert (await client.post("/v1/messages", content=first, headers=XML)).status_code == 201
    other = await client.post("/v1/messages", content=world.message("watched", changes), headers=XML)
    assert other.status_code != 409
    assert other.json()["document"] == changes["DocumentUniqueIdentifier"]


@pytest.mark.usefixtures("filed")
async def test_naming_another_entity_is_refused_alike_whether_it_is_enrolled_suspended_or_unknown(
    client: httpx.AsyncClient, world: World
) -> None:
    answers = []
    for label in ("watched", "halted", "stranger"):
        body = world.message("casino", {"PersonalData/IINBIN": world[label].identifier})
        answers.append(seen(await client.post("/v1/messages", content=body, headers=XML)))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 403


@pytest.mark.usefixtures("filed")
async def test_a_token_in_anothers_name_is_refused_alike_whoever_that_is(
    client: httpx.AsyncClient, world: World
) -> None:
    answers = []
    for label in ("watched", "halted", "stranger"):
        forged = replace(world["casino"], identifier=world[label].identifier)
        answers.append(seen(await client.get("/v1/messages", headers=await forged.bearer())))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401


async def test_what_an_entity_reads_is_the_same_before_and_after_an_officer_read_it(
    client: httpx.AsyncClient, world: World, services: Services, filed: str
) -> None:
    officer = await enrol_colleague(world, services, Role.OFFICER, "curious")
    bearer = await world["watched"].bearer()
    paths = (f"/v1/messages/{filed}", f"/v1/messages/{filed}/original", f"/v1/receipts/{filed}", "/v1/messages")
    before = [seen(await client.get(path, headers=bearer)) for path in paths]
    for path in (f"/v1/fma/messages/{filed}", f"/v1/fma/messages/{filed}/original"):
        assert (await client.get(path, headers=await officer.headers())).status_code == 200
    bank = world["watched"].identifier
    assert (await client.get(f"/v1/fma/messages?sender={bank}", headers=await officer.headers())).status_code == 200
    assert [seen(await client.get(path, headers=bearer)) for path in paths] == before


@pytest.mark.parametrize(
    "path", ["/v1/messages", "/v1/messages/{}", "/v1/messages/{}/original", "/v1/receipts/{}", "/v1/luxury/blocks"]
)
async def test_what_is_ones_own_is_kept_by_no_cache_and_carries_no_mark(
    client: httpx.AsyncClient, world: World, filed: str, path: str
) -> None:
    answer = await client.get(path.format(filed), headers=await world["watched"].bearer())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified", "x-ratelimit-remaining", "ratelimit", "server", "age"} & set(answer.headers)


async def test_a_suspicious_report_is_answered_with_the_same_members_and_headers_as_any_other(
    client: httpx.AsyncClient, world: World
) -> None:
    answers = []
    for reason, indicator in (("1", None), ("2", "1022")):
        changes = {"MessageInformation/ReasonFilingId": reason}
        if indicator:
            changes["MessageInformation/SuspicionFirst"] = indicator
        answers.append(await client.post("/v1/messages", content=world.message("casino", changes), headers=XML))
    assert set(answers[0].json()) == set(answers[1].json())
    assert set(answers[0].headers) == set(answers[1].headers)


async def test_the_metrics_name_no_entity_no_person_and_no_message(
    client: httpx.AsyncClient, world: World, services: Services, filed: str
) -> None:
    officer = await enrol_colleague(world, services, Role.OFFICER, "measured")
    await client.get(f"/v1/fma/messages/{filed}", headers=await officer.headers())
    await client.get(f"/v1/messages/{filed}", headers=await world["watched"].bearer())
    text = generate_latest(services.metrics.registry).decode()
    for secret in (filed, "measured", world["watched"].identifier, world["casino"].identifier):
        assert secret not in text
    labels = set(re.findall(r'(\w+)="', text))
    assert labels <= {"route", "method", "status", "step", "verdict", "repeated", "code", "le"} | PLATFORM


async def test_suspending_one_entity_changes_nothing_for_another(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    world.add("beside")
    await world.enrol("beside")
    await refresh(services)
    bearer = await world["beside"].bearer()
    before = seen(await client.get("/v1/messages", headers=bearer))
    async with Directory(world.settings.database_url) as directory:
        await directory.suspend(world["jeweller"].identifier, NOW)
        await refresh(services)
        after = seen(await client.get("/v1/messages", headers=bearer))
        await directory.resume(world["jeweller"].identifier, NOW)
    await refresh(services)
    assert before == after


async def test_a_quota_that_one_entity_has_used_up_is_not_felt_by_another() -> None:
    quota = Quota(1.0, 1, lambda: 0.0)
    quota("one")
    with pytest.raises(RateExceeded):
        quota("one")
    quota("other")
