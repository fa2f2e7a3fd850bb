import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from gateway.intake.services import Services
from gateway.intake.turns import network_of
from gateway.journal.luxury import LuxuryCodes
from gateway.model import Record
from gateway.sealing.item_codes import read_sealed_code
from tests.intake.conftest import Live
from tests.intake.kit import World
from tests.intake.test_filing import assert_problem
from validators.luxury.unique_codes import ALPHABET, CodeKind, check_character, make_code, read_code

CODES, BLOCKS = "/v1/luxury/codes", "/v1/luxury/blocks"
RANDOM = Random(36)
UNKNOWN = {"exists": False, "class": None, "state": None}


def a_watch() -> dict[str, str]:
    return {"class": "WATCH", "maker": "Rolex", "serial": uuid4().hex}


async def post(client: httpx.AsyncClient, world: World, who: str, path: str, body: object) -> httpx.Response:
    return await client.post(path, content=orjson.dumps(body), headers=await world[who].bearer())


async def coded(client: httpx.AsyncClient, world: World, body: object, who: str = "jeweller") -> dict[str, Any]:
    answer = await post(client, world, who, CODES, body)
    assert answer.status_code in (200, 201), answer.text
    facts: dict[str, Any] = answer.json()
    return facts


async def test_a_thing_gets_a_code_once_and_the_same_one_however_it_is_typed(
    client: httpx.AsyncClient, world: World
) -> None:
    vin = f"WDB1240221J{RANDOM.randrange(10**6):06}"
    first = await post(client, world, "jeweller", CODES, {"class": "CAR", "vin": vin})
    assert first.status_code == 201
    again = await post(client, world, "casino", CODES, {"class": "CAR", "vin": f"{vin[:3].lower()} {vin[3:]}"})
    assert again.status_code == 200
    assert again.json() == first.json()
    facts = first.json()
    assert facts["class"] == "CAR"
    assert facts["state"] == "issued"
    assert read_code(facts["shown"], CodeKind.ITEM).text == facts["code"]


async def test_the_answer_is_signed_and_small(client: httpx.AsyncClient, world: World, services: Services) -> None:
    facts = await coded(client, world, a_watch())
    sealed = read_sealed_code(facts["token"], services.keyset)
    assert (sealed.code, sealed.item_class, sealed.issued.isoformat()) == (facts["code"], "WATCH", facts["issued_on"])
    assert len(facts["token"]) < 500


async def test_an_operation_gets_a_code_by_its_own_guid(client: httpx.AsyncClient, world: World) -> None:
    item = (await coded(client, world, a_watch()))["code"]
    wish = {"operation": str(uuid4()).upper(), "item": item.lower()}
    first = await coded(client, world, wish)
    assert first["code"].startswith("D")
    assert (first["item"], first["operation"], first["class"]) == (item, wish["operation"], "WATCH")
    assert (await coded(client, world, wish))["code"] == first["code"]
    assert (await coded(client, world, wish, who="casino"))["code"] != first["code"]
    other = {**wish, "item": (await coded(client, world, a_watch()))["code"]}
    assert_problem(await post(client, world, "jeweller", CODES, other), 409, "operation-conflict")


async def test_of_many_wishes_each_is_answered_alone(client: httpx.AsyncClient, world: World) -> None:
    good, wrong = a_watch(), {"class": "CAR", "vin": "WDB"}
    answer = await post(client, world, "jeweller", CODES, {"requests": [good, wrong, good, {"class": "TANK"}]})
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201, 422, 200, 422]
    assert results[0]["code"] == results[2]["code"]
    assert [finding["code"] for finding in results[1]["findings"]] == ["LUX-010"]


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ({}, "LUX-001"),
        ({"class": "CAR"}, "LUX-004"),
        ({"class": "CAR", "vin": 17}, "LUX-008"),
        ({"operation": "nonsense", "item": "T"}, "LUX-006 LUX-007"),
        ({"operation": str(uuid4()), "item": "T2222-22222-222"}, "LUX-007"),
        ({"operation": str(uuid4()), "item": make_code(CodeKind.ITEM, RANDOM.choice).text}, "LUX-005"),
        ({"operation": str(uuid4()), "item": make_code(CodeKind.OPERATION, RANDOM.choice).text}, "LUX-007"),
    ],
)
async def test_what_describes_nothing_is_refused_with_findings(
    client: httpx.AsyncClient, world: World, body: dict[str, Any], finding: str
) -> None:
    answer = await post(client, world, "jeweller", CODES, body)
    assert_problem(answer, 422, "luxury-refused")
    assert [found["code"] for found in answer.json()["findings"]] == finding.split()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"requests": [1]}', b'{"requests": {}}', b"\xff"])
async def test_a_body_that_is_not_that_json_is_refused(client: httpx.AsyncClient, world: World, body: bytes) -> None:
    answer = await client.post(CODES, content=body, headers=await world["jeweller"].bearer())
    assert answer.status_code in (400, 422)


async def test_codes_are_given_to_enrolled_active_entities_alone(client: httpx.AsyncClient, world: World) -> None:
    assert_problem(await client.post(CODES, json=a_watch()), 401, "token-refused")
    assert_problem(await post(client, world, "stranger", CODES, a_watch()), 401, "token-refused")
    assert_problem(await post(client, world, "halted", CODES, a_watch()), 403, "sender-suspended")


async def test_anybody_learns_whether_a_code_exists_its_class_and_state_and_no_more(
    client: httpx.AsyncClient, world: World
) -> None:
    facts = await coded(client, world, a_watch())
    for typed in (facts["code"], facts["shown"].lower(), facts["code"].replace("A", "А").replace("T", "т")):
        answer = await client.get(f"{CODES}/{typed}")
        assert answer.json() == {"exists": True, "class": "WATCH", "state": "issued"}


async def test_codes_never_issued_and_texts_that_are_none_get_one_and_the_same_answer(
    client: httpx.AsyncClient,
) -> None:
    never = make_code(CodeKind.ITEM, RANDOM.choice).text
    wrong = never[:-1] + next(sign for sign in ALPHABET if sign != check_character(never[:-1]))
    answers = [await client.get(f"{CODES}/{typed}") for typed in (never, wrong, "nonsense", "'; --", "%00", "T" * 400)]
    assert {answer.content for answer in answers} == {orjson.dumps(UNKNOWN)}
    assert len({(answer.status_code, *(answer.headers.keys())) for answer in answers}) == 1


async def test_an_owner_sees_his_own_operations_and_nobody_elses(client: httpx.AsyncClient, world: World) -> None:
    item = (await coded(client, world, a_watch()))["code"]
    mine = await coded(client, world, {"operation": str(uuid4()), "item": item})
    await coded(client, world, {"operation": str(uuid4()), "item": item}, who="casino")
    seen = (await client.get(f"{CODES}/{item}", headers=await world["jeweller"].bearer())).json()
    assert [operation["code"] for operation in seen["operations"]] == [mine["code"]]
    assert (await client.get(f"{CODES}/{item}", headers=await world["bank"].bearer())).json()["operations"] == []
    never = make_code(CodeKind.ITEM, RANDOM.choice).text
    unknown = (await client.get(f"{CODES}/{never}", headers=await world["bank"].bearer())).json()
    assert unknown == {**UNKNOWN, "operations": []}


async def test_one_address_can_not_go_on_asking(world: World, live: Live) -> None:
    async with (
        live(world.with_bounds(check_rate=1.0, check_burst=5)) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}") as client,
    ):
        answers = [await client.get(f"{CODES}/{'T' * 14}") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_an_ipv6_client_is_counted_by_its_network() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::2%eth0")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("a:b") == "a:b"


async def reserved(client: httpx.AsyncClient, world: World, **wish: object) -> dict[str, Any]:
    answer = await post(client, world, "jeweller", BLOCKS, wish)
    assert answer.status_code == 201, answer.text
    facts: dict[str, Any] = answer.json()
    return facts


async def test_a_block_is_reserved_used_returned_and_read_back(client: httpx.AsyncClient, world: World) -> None:
    block = await reserved(client, world, count=3)
    one, two, three = (code["code"] for code in block["codes"])
    assert (await client.get(f"{CODES}/{one}")).json() == {"exists": True, "class": None, "state": "reserved"}
    watch = a_watch()
    used = await post(client, world, "jeweller", f"{CODES}/{one}/use", watch)
    assert used.status_code == 201
    assert (await post(client, world, "jeweller", f"{CODES}/{one}/use", watch)).status_code == 200
    assert (await coded(client, world, watch))["code"] == one
    assert_problem(await post(client, world, "jeweller", f"{CODES}/{two}/use", watch), 409, "already-coded")
    assert_problem(await post(client, world, "casino", f"{CODES}/{two}/use", a_watch()), 409, "not-reserved")
    path = f"{BLOCKS}/{block['block']}"
    assert (await post(client, world, "jeweller", f"{path}/return", {"codes": [one, two]})).json() == {
        "returned": [two]
    }
    assert_problem(await post(client, world, "jeweller", f"{CODES}/{two}/use", a_watch()), 409, "not-reserved")
    bearer = await world["jeweller"].bearer()
    states = {code["code"]: code["state"] for code in (await client.get(path, headers=bearer)).json()["codes"]}
    assert states == {one: "issued", two: "returned", three: "reserved"}
    assert (await post(client, world, "jeweller", f"{path}/return", {})).json() == {"returned": [three]}
    assert block["block"] in [each["block"] for each in (await client.get(BLOCKS, headers=bearer)).json()["blocks"]]
    assert_problem(await client.get(path, headers=await world["casino"].bearer()), 404, "not-found")


async def test_reserving_again_under_the_same_guid_is_the_same_block(client: httpx.AsyncClient, world: World) -> None:
    wish = {"count": 2, "kind": "operation", "block": str(uuid4()).upper()}
    assert await reserved(client, world, **wish) == await reserved(client, world, **wish)
    other = {**wish, "count": 3}
    assert_problem(await post(client, world, "jeweller", BLOCKS, other), 409, "block-conflict")


async def test_a_reserved_code_of_an_operation_is_for_operations(client: httpx.AsyncClient, world: World) -> None:
    code = (await reserved(client, world, count=1, kind="operation"))["codes"][0]["code"]
    assert_problem(await post(client, world, "jeweller", f"{CODES}/{code}/use", a_watch()), 422, "luxury-refused")
    item = (await coded(client, world, a_watch()))["code"]
    wish = {"operation": str(uuid4()), "item": item}
    assert (await post(client, world, "jeweller", f"{CODES}/{code}/use", wish)).status_code == 201
    assert (await coded(client, world, wish))["code"] == code


async def test_nobody_holds_more_than_so_many_codes_in_reserve(client: httpx.AsyncClient, world: World) -> None:
    for _ in range(10):
        await post(client, world, "bank", BLOCKS, {"count": 1000})
    assert_problem(await post(client, world, "bank", BLOCKS, {"count": 1}), 409, "too-many-reserved")


@pytest.mark.parametrize("wish", [{"count": 0}, {"count": 1001}, {"count": True}, {}, {"count": 1, "days": 91}])
async def test_a_block_out_of_bounds_is_refused(client: httpx.AsyncClient, world: World, wish: object) -> None:
    assert_problem(await post(client, world, "jeweller", BLOCKS, wish), 400, "parameter")


async def test_what_was_reserved_expires_by_itself(client: httpx.AsyncClient, world: World, services: Services) -> None:
    block = await reserved(client, world, count=1, days=1)
    async with LuxuryCodes(world.settings.database_url) as codes:
        row = (await codes.by_code([block["codes"][0]["code"]]))[block["codes"][0]["code"]]
    assert services.desk.state(row) == "reserved"
    assert row.state(datetime.now(UTC) + timedelta(days=1, seconds=1)) == "expired"


@pytest.mark.parametrize(
    ("form", "media_type", "begin"), [("svg", "image/svg+xml", b"<?xml"), ("pdf", "application/pdf", b"%PDF")]
)
async def test_a_label_is_printed_for_issued_codes(
    client: httpx.AsyncClient, world: World, form: str, media_type: str, begin: bytes
) -> None:
    code = (await coded(client, world, a_watch()))["code"]
    bearer = await world["jeweller"].bearer()
    answer = await client.get(f"{CODES}/{code}/label?format={form}", headers=bearer)
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(begin)
    assert_problem(await client.get(f"{CODES}/{code}/label"), 401, "token-refused")
    reserved_code = (await reserved(client, world, count=1))["codes"][0]["code"]
    assert_problem(await client.get(f"{CODES}/{reserved_code}/label", headers=bearer), 404, "not-found")
    assert_problem(await client.get(f"{CODES}/{code}/label?format=gif", headers=bearer), 400, "parameter")


async def test_every_issued_code_stands_in_the_log_once_with_its_record(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    facts = await coded(client, world, a_watch())
    await coded(client, world, a_watch())
    records: list[Record] = []
    async with asyncio.timeout(40):
        while not records:
            head = await services.journal.head(0)
            latest = await services.journal.read(0, max(0, head.seq - 50), 60)
            records = [record for entry in latest for record in entry.records if record.key == facts["code"]]
    assert [record.topic for record in records] == ["fma.luxury.v1"]
    value = orjson.loads(records[0].value)
    assert value["issued"]["code"] == facts["code"]
    assert value["sender"] == world["jeweller"].identifier


async def test_a_misspelt_list_does_not_return_the_whole_block(client: httpx.AsyncClient, world: World) -> None:
    block = (await post(client, world, "jeweller", BLOCKS, {"count": 2})).json()
    place = f"{BLOCKS}/{block['block']}/return"
    assert_problem(await post(client, world, "jeweller", place, {"code": [block["codes"][0]["code"]]}), 400, "json")
    assert_problem(await post(client, world, "jeweller", BLOCKS, {"count": 1, "day": 1}), 400, "json")
    returned = (await post(client, world, "jeweller", place, {})).json()["returned"]
    assert len(returned) == 2
