"""Every route against everybody: roles of the FMA's people, entities, strangers; and what is written down of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from gateway.intake.app import create_app
from gateway.intake.rights import ENTITY, PUBLIC, SIGNATURE, WITNESS, rights
from gateway.intake.services import Services
from gateway.journal import AuditLog, Directory, People, Role, SpentTokens
from tests.intake.kit import NOW, XML, World
from tests.intake.people import PURPOSE, Colleague, enrol_colleague
from tests.intake.test_filing import assert_problem, refresh

ROUTES = rights().routes
FMA_ROUTES = sorted(route for route in ROUTES if " /v1/fma/" in route)
OTHER_ROUTES = sorted(set(ROUTES) - set(FMA_ROUTES))
NOBODYS = "01890000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
async def colleagues(world: World, services: Services) -> Mapping[Role, Colleague]:
    return {role: await enrol_colleague(world, services, role) for role in Role}


@pytest.fixture(scope="module")
async def filed(client: httpx.AsyncClient, world: World, services: Services) -> str:
    """The id of the first of two messages of an entity."""
    await world.newcomer("asked about")
    await refresh(services)
    bodies = [world.message("asked about") for _ in range(2)]
    answers = [await client.post("/v1/messages", content=body, headers=XML) for body in bodies]
    return str(answers[0].json()["id"])


@dataclass(frozen=True)
class Scene:
    """A world with somebody of each role, and the id of a message in it."""

    world: World
    colleagues: Mapping[Role, Colleague]
    message: str


@pytest.fixture(scope="module")
def scene(world: World, colleagues: Mapping[Role, Colleague], filed: str) -> Scene:
    return Scene(world, colleagues, filed)


def routes_of(app: FastAPI) -> set[str]:
    return {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


def request_of(route: str, filed: str, world: World) -> tuple[str, str]:
    """Method and path of a request that the route would take."""
    method, path = route.split(" ", 1)
    about = world["asked about"].identifier
    for mark, value in {
        "{message}": filed,
        "{entity}": about,
        "{complex}": "KZ-CASINO-9",
        "{day}": "2026-01-01",
        "{code}": "T222222222222X",
        "{code:path}": "KZT",
        "{block}": NOBODYS,
        "{table}": "currencies",
        "{family}": "fm1",
        "{edition}": "2025-07-10",
        "{file}": "x.xsd",
    }.items():
        path = path.replace(mark, value)
    query = {"GET /v1/fma/messages": f"?sender={about}", "GET /v1/fma/tickets": f"?owner={about}"}
    return method, path + query.get(route, "")


async def entries(world: World) -> list[tuple[str, str, str, str]]:
    async with AuditLog(world.settings.database_url) as log:
        return [(entry.actor, entry.role, entry.action, entry.subject) for entry in await log.page(limit=100_000)]


def test_every_route_of_the_application_is_in_the_table_of_rights_and_no_other(services: Services) -> None:
    assert routes_of(create_app(services)) == set(ROUTES)


def test_every_right_is_somebodys_and_administration_and_audit_are_in_no_one_hand() -> None:
    needed = {
        right
        for right in (*ROUTES.values(), *rights().commands.values())
        if right not in (PUBLIC, SIGNATURE, ENTITY, WITNESS)
    }
    assert needed == set().union(*rights().roles.values())
    assert not rights().roles[Role.AUDITOR] & rights().roles[Role.ADMINISTRATOR]
    assert not rights().roles[Role.ADMINISTRATOR] & {"messages", "originals", "tickets", "audit"}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("route", FMA_ROUTES)
async def test_each_role_gets_what_its_rights_say_and_every_attempt_is_written_down(
    client: httpx.AsyncClient, scene: Scene, route: str, role: Role
) -> None:
    world, colleagues = scene.world, scene.colleagues
    method, path = request_of(route, scene.message, world)
    before = await entries(world)
    answer = await client.request(method, path, headers=await colleagues[role].headers())
    added = (await entries(world))[len(before) :]
    allowed = rights().allows(role, ROUTES[route])
    if allowed:
        assert answer.status_code == 200, answer.text
    else:
        assert_problem(answer, 403, "right-missing")
    [entry] = added
    assert entry[:2] == (f"{role.value}.one", role.value)
    assert (entry[2] == "refused") is not allowed


@pytest.mark.parametrize("who", [None, "asked about", "stranger"])
@pytest.mark.parametrize("route", FMA_ROUTES)
async def test_nobody_else_is_let_in_and_nothing_tells_what_is_there(
    client: httpx.AsyncClient, world: World, filed: str, route: str, who: str | None
) -> None:
    bearer = {} if who is None else await world[who].bearer()
    answers = []
    for message in (filed, NOBODYS):
        method, path = request_of(route, message, world)
        answers.append(await client.request(method, path, headers={**bearer, "Purpose": "a purpose"}))
    for answer in answers:
        assert assert_problem(answer, 401, "token-refused")["reason"] == (
            "missing" if who is None else "unknown-certificate"
        )
    assert answers[0].json() | {"instance": ""} == answers[1].json() | {"instance": ""}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("route", OTHER_ROUTES)
async def test_a_role_opens_no_route_of_entities_and_closes_no_public_one(
    client: httpx.AsyncClient, scene: Scene, route: str, role: Role
) -> None:
    world, colleagues = scene.world, scene.colleagues
    method, path = request_of(route, scene.message, world)
    bearer = await colleagues[role].headers()
    named = await client.request(method, path, headers=bearer)
    if ROUTES[route] in (ENTITY, WITNESS):
        assert_problem(named, 401, "token-refused")
    elif route != "GET /v1/luxury/codes/{code}":
        unnamed = await client.request(method, path)
        assert named.status_code == unnamed.status_code != 401


@pytest.mark.parametrize("route", [route for route in OTHER_ROUTES if ROUTES[route] == ENTITY])
async def test_a_route_of_entities_answers_nobody_without_a_token(
    client: httpx.AsyncClient, world: World, filed: str, route: str
) -> None:
    method, path = request_of(route, filed, world)
    assert_problem(await client.request(method, path), 401, "token-refused")


@pytest.mark.parametrize("purpose", [None, "", "abc", "x" * 301, "a\nbcdef", "%FF%FFabcdef"])
async def test_without_a_purpose_nothing_is_read(
    client: httpx.AsyncClient, colleagues: Mapping[Role, Colleague], filed: str, purpose: str | None
) -> None:
    headers = await colleagues[Role.OFFICER].headers(purpose)
    if purpose == "%FF%FFabcdef":
        headers["Purpose"] = purpose
    assert_problem(await client.get(f"/v1/fma/messages/{filed}", headers=headers), 400, "purpose-missing")


async def test_the_audit_log_says_who_read_what_and_why_and_is_read_by_the_auditor(
    client: httpx.AsyncClient, colleagues: Mapping[Role, Colleague], filed: str
) -> None:
    await client.get(f"/v1/fma/messages/{filed}/original", headers=await colleagues[Role.OFFICER].headers())
    auditor = await colleagues[Role.AUDITOR].headers("the yearly audit")
    page = (await client.get(f"/v1/fma/audit?subject={filed}&limit=100", headers=auditor)).json()
    last = page["entries"][-1]
    assert (last["actor"], last["role"], last["channel"]) == ("officer.one", "officer", "http")
    assert (last["action"], last["purpose"]) == ("original read", PURPOSE)
    assert page["checkpoint"] is None or page["checkpoint"].count(".") == 2


async def test_nothing_is_answered_while_the_audit_log_can_not_be_written(
    client: httpx.AsyncClient, world: World, colleagues: Mapping[Role, Colleague], filed: str
) -> None:
    headers = await colleagues[Role.OFFICER].headers()
    async with AuditLog(world.settings.database_url) as log, log._connection() as connection:
        await connection.execute("ALTER TABLE audit_entries RENAME TO audit_away")
        answer = await client.get(f"/v1/fma/messages/{filed}", headers=headers)
        await connection.execute("ALTER TABLE audit_away RENAME TO audit_entries")
    assert answer.status_code >= 500
    assert filed not in answer.text


async def test_a_purpose_may_be_sent_as_it_is_or_percent_encoded(
    client: httpx.AsyncClient, world: World, colleagues: Mapping[Role, Colleague], filed: str
) -> None:
    given = {**await colleagues[Role.OFFICER].headers(), "Purpose": PURPOSE}
    headers = [(name.encode(), value.encode()) for name, value in given.items()]
    assert (await client.get(f"/v1/fma/messages/{filed}", headers=headers)).status_code == 200
    async with AuditLog(world.settings.database_url) as log:
        assert (await log.page(limit=100_000))[-1].purpose == PURPOSE


async def test_a_message_that_does_not_exist_is_404_and_the_look_is_written_down(
    client: httpx.AsyncClient, world: World, colleagues: Mapping[Role, Colleague]
) -> None:
    for message in (NOBODYS, "nonsense"):
        headers = await colleagues[Role.ANALYST].headers()
        assert_problem(await client.get(f"/v1/fma/messages/{message}", headers=headers), 404, "not-found")
        assert (await entries(world))[-1] == ("analyst.one", "analyst", "message read", message)


async def test_an_administrator_suspends_and_resumes_and_each_token_does_it_once(
    client: httpx.AsyncClient, world: World, services: Services, colleagues: Mapping[Role, Colleague]
) -> None:
    world.add("steered")
    await world.enrol("steered")
    path = f"/v1/fma/entities/{world['steered'].identifier}"
    headers = await colleagues[Role.ADMINISTRATOR].headers()
    assert (await client.post(f"{path}/suspend", headers=headers)).json()["state"] == "suspended"
    again = await client.post(f"{path}/resume", headers=headers)
    assert assert_problem(again, 401, "token-refused")["reason"] == "replayed"
    await refresh(services)
    answer = await client.post("/v1/messages", content=world.message("steered"), headers=XML)
    assert_problem(answer, 403, "sender-suspended")
    resumed = await client.post(f"{path}/resume", headers=await colleagues[Role.ADMINISTRATOR].headers())
    assert resumed.json()["state"] == "active"
    nobody = await client.post("/v1/fma/entities/0/suspend", headers=await colleagues[Role.ADMINISTRATOR].headers())
    assert_problem(nobody, 404, "not-found")


async def test_entities_and_messages_are_read_page_by_page(
    client: httpx.AsyncClient, world: World, colleagues: Mapping[Role, Colleague], filed: str
) -> None:
    for path, name in (
        ("/v1/fma/entities?limit=2", "entities"),
        (f"/v1/fma/messages?sender={world['asked about'].identifier}&limit=1", "messages"),
    ):
        seen: list[str] = []
        following: str | None = path
        while following:
            page = (await client.get(following, headers=await colleagues[Role.OFFICER].headers())).json()
            seen += [each.get("identifier") or each["id"] for each in page[name]]
            following = page["next"]
        assert len(seen) == len(set(seen)) > 1
        assert (filed in seen) is (name == "messages")
        if name == "entities":
            assert seen == sorted(seen)
            assert world["asked about"].identifier in seen


async def test_a_change_needs_a_token_with_an_id(
    client: httpx.AsyncClient, world: World, colleagues: Mapping[Role, Colleague]
) -> None:
    headers = await colleagues[Role.ADMINISTRATOR].headers(token_id="")
    answer = await client.post(f"/v1/fma/entities/{world['bank'].identifier}/suspend", headers=headers)
    assert assert_problem(answer, 401, "token-refused")["reason"] == "token-id-missing"


async def test_who_is_suspended_or_whose_certificate_was_revoked_is_refused_everything(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    leaver = await enrol_colleague(world, services, Role.AUDITOR, "leaver")
    robbed = await enrol_colleague(world, services, Role.AUDITOR, "robbed")
    async with People(world.settings.database_url) as people:
        await people.set_active("leaver", NOW, active=False)
        [stolen] = next(person for person in await people.everybody() if person.id == "robbed").certificates
        await people.revoke("robbed", stolen, NOW)
    await services.identity.people.refresh()
    for colleague in (leaver, robbed):
        answer = await client.get("/v1/fma/audit", headers=await colleague.headers())
        assert assert_problem(answer, 401, "token-refused")["reason"] == "unknown-certificate"


@pytest.mark.usefixtures("filed")
async def test_a_persons_certificate_files_nothing_and_an_entitys_is_no_persons(
    world: World, colleagues: Mapping[Role, Colleague]
) -> None:
    officer = colleagues[Role.OFFICER].credentials.certificate
    async with Directory(world.settings.database_url) as directory:
        with pytest.raises(Exception, match="enrolled for somebody else"):
            await directory.add_certificate(world["asked about"].identifier, officer, NOW)


async def test_tokens_are_used_up_for_all_replicas_at_once(world: World) -> None:
    until = NOW.replace(year=NOW.year + 1)
    async with SpentTokens(world.settings.database_url) as one, SpentTokens(world.settings.database_url) as other:
        assert await one.spend("f" * 64, "id", until, NOW)
        assert not await other.spend("f" * 64, "id", until, NOW)
        assert await other.spend("e" * 64, "id", until, NOW)
        assert not await one.spend("e" * 64, "id", until, until)
        assert await one.spend("e" * 64, "id", until, until.replace(year=until.year + 1))
