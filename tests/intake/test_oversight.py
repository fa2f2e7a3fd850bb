"""What a casino reads of oversight, from the log through a running overseer."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.intake.services import Services
from gateway.journal import ComplexRegister, OversightReader
from gateway.journal.oversight.store import OversightStore
from gateway.overseer import Judging, Overseer
from tests.bus.kit import KEYS, until
from tests.intake.kit import World
from tests.intake.test_filing import assert_problem
from tests.oversight.kit import PARAMETERS, PLAYER, RULES, Casino, event

PATHS = ("/v1/gaming/complexes", "/v1/tickets", "/v1/obligations")


@pytest.fixture(scope="module")
async def overseer(services: Services, world: World) -> AsyncIterator[Overseer]:
    store = OversightStore(world.settings.database_url, 0, PARAMETERS, RULES)
    overseer = Overseer(services.journal, store, KEYS, Judging(PARAMETERS, RULES))
    task = asyncio.create_task(overseer.run())
    yield overseer
    overseer.stop()
    await task


@pytest.fixture(scope="module", autouse=True)
async def casino(services: Services, world: World, overseer: Overseer) -> Casino:
    """Batches 1 and 3 to 5 of a complex, with a hole in 4; the day is reported wrongly; an FM-1 is due."""
    await until(lambda: overseer.ready)
    casino = Casino("KZ-CASINO-1", world["casino"].identifier)
    paid = event(22, "CASH-OUT", "D-1", amount="1000000", means="CASH", player=PLAYER)
    drafts = [
        await casino.register(),
        await casino.batch(1, [event(1), event(2)]),
        await casino.batch(3, [event(10), event(11)]),
        await casino.batch(4, [event(12), event(15)]),
        await casino.batch(5, [event(20), event(21), paid]),
        await casino.end_of_day([("S-1", "HEARTBEAT", 12, 8, "0"), ("D-1", "CASH-OUT", 12, 1, "999999.50")]),
        await Casino("KZ-CASINO-2", world["casino"].identifier).register(),
    ]
    for draft in drafts:
        await services.journal.append(draft)
    return casino


async def read(client: httpx.AsyncClient, world: World, path: str, who: str = "casino") -> httpx.Response:
    return await client.get(path, headers=await world[who].bearer())


async def test_the_position_tells_what_was_received_and_what_is_missing(
    client: httpx.AsyncClient, world: World, casino: Casino
) -> None:
    position = (await read(client, world, "/v1/gaming/complexes/KZ-CASINO-1/position")).json()
    assert (position["last_batch"], position["last_batch_hash"], position["last_event"]) == (1, casino.hash(1), 2)
    assert (position["highest_batch"], position["highest_event"], position["received_batches"]) == (5, 22, 4)
    assert [(one["what"], one["first"], one["last"]) for one in position["missing"]] == [
        ("batch", 2, 2), ("event", 13, 14), ("event", 16, 19)
    ]  # fmt: skip
    kinds = sorted(one["kind"] for one in position["open_tickets"])
    assert kinds == ["gap", "gap", "gap", "totals"]
    assert {one["ticket"] for one in position["missing"]} < {one["id"] for one in position["open_tickets"]}
    assert position["state"] == "active"
    assert position["clock_difference_ms"] == 1000


async def test_a_complex_that_sent_nothing_stands_at_nothing(client: httpx.AsyncClient, world: World) -> None:
    position = (await read(client, world, "/v1/gaming/complexes/KZ-CASINO-2/position")).json()
    assert (position["last_batch"], position["last_batch_hash"], position["last_event"]) == (0, "0" * 64, 0)


async def test_complexes_are_listed_page_by_page_as_they_are_registered(
    client: httpx.AsyncClient, world: World, casino: Casino
) -> None:
    first = (await read(client, world, "/v1/gaming/complexes?limit=1")).json()
    assert [one["id"] for one in first["complexes"]] == ["KZ-CASINO-1"]
    second = (await read(client, world, first["next"])).json()
    assert ([one["id"] for one in second["complexes"]], second["next"]) == (["KZ-CASINO-2"], None)
    one = (await read(client, world, "/v1/gaming/complexes/KZ-CASINO-1")).json()
    assert {unit["id"] for unit in one["units"]} == casino.units.keys()
    assert (one["kind"], one["heartbeat_seconds"], one["software"]) == ("093", 60, ["aa" * 32])


async def test_a_day_has_both_sides_and_their_differences(client: httpx.AsyncClient, world: World) -> None:
    day = (await read(client, world, "/v1/gaming/complexes/KZ-CASINO-1/days/2026-11-26")).json()
    assert {"unit": "D-1", "kind": "CASH-OUT", "hour": 12, "count": 1, "amount": "1000000"} in day["figures"]
    assert day["differences"] == [
        {
            "unit": "D-1",
            "kind": "CASH-OUT",
            "hour": 12,
            "reported": {"count": 1, "amount": "999999.50"},
            "received": {"count": 1, "amount": "1000000"},
        }
    ]
    other = (await read(client, world, "/v1/gaming/complexes/KZ-CASINO-1/days/2026-11-25")).json()
    assert (other["figures"], other["reported"], other["differences"]) == ([], None, [])


async def test_tickets_are_paged_and_chosen_by_state_and_complex(client: httpx.AsyncClient, world: World) -> None:
    seen: list[str] = []
    path: str | None = "/v1/tickets?limit=3&state=open&complex=KZ-CASINO-1"
    while path:
        page = (await read(client, world, path)).json()
        seen += [one["id"] for one in page["tickets"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == 4
    assert (await read(client, world, "/v1/tickets?state=closed&complex=KZ-CASINO-1")).json()["tickets"] == []
    assert (await read(client, world, "/v1/tickets?complex=KZ-CASINO-2")).json() == {"tickets": [], "next": None}


async def test_an_obligation_is_read_until_the_fm1_that_closes_it(
    client: httpx.AsyncClient, world: World, services: Services, casino: Casino
) -> None:
    (due,) = (await read(client, world, "/v1/obligations?state=open")).json()["obligations"]
    assert (due["player"], due["day"], due["operation"]) == (PLAYER, "2026-11-26", "0121")
    assert (due["threshold"], due["total"], due["reported"], due["events"]) == ("1000000", "1000000", "0", 1)
    assert due["deadline"] == "2026-11-27T19:00:00.000000Z"
    await services.journal.append(await casino.notice(PLAYER, "1000000"))
    assert (await read(client, world, "/v1/obligations?state=open")).json()["obligations"] == []
    (closed,) = (await read(client, world, "/v1/obligations")).json()["obligations"]
    assert (closed["state"], closed["reported"], closed["id"]) == ("closed", "1000000", due["id"])


async def test_what_is_anothers_or_nonsense_does_not_exist(client: httpx.AsyncClient, world: World) -> None:
    for name in ("KZ-CASINO-1", "NO-SUCH", "%00", "'; --", "x"):
        for rest in ("", "/position", "/days/2026-11-26"):
            answer = await read(client, world, f"/v1/gaming/complexes/{name}{rest}", "bank")
            assert_problem(answer, 404, "not-found")
    for path in PATHS:
        page = (await read(client, world, path, "bank")).json()
        assert [value for name, value in page.items() if name != "next"] == [[]]
    cursor = (await read(client, world, "/v1/tickets?limit=1")).json()["next"]
    assert_problem(await read(client, world, cursor, "bank"), 400, "cursor")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/tickets?state=lost", "parameter"),
        ("/v1/obligations?state=", "parameter"),
        ("/v1/tickets?limit=101", "parameter"),
        ("/v1/tickets?after=nonsense", "cursor"),
        ("/v1/obligations?after=nonsense", "cursor"),
        ("/v1/gaming/complexes?after=%00", "cursor"),
        ("/v1/gaming/complexes/KZ-CASINO-1/days/20261126", "parameter"),
        ("/v1/gaming/complexes/KZ-CASINO-1/days/yesterday", "parameter"),
    ],
)
async def test_wrong_parameters_are_named(client: httpx.AsyncClient, world: World, path: str, code: str) -> None:
    assert_problem(await read(client, world, path), 400, code)


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_reads_without_a_token(client: httpx.AsyncClient, path: str) -> None:
    assert_problem(await client.get(path), 401, "token-refused")


async def test_a_complex_is_found_at_once_after_it_was_registered(services: Services, world: World) -> None:
    owner = world["casino"].identifier
    late = Casino("KZ-LATE-1", owner)
    async with (
        OversightReader(world.settings.database_url, services.journal) as reader,
        ComplexRegister(reader, seconds=60) as register,
    ):
        assert await register.complex_anew(owner, late.complex) is None
        await services.journal.append(await late.register())
        assert register.complex_of(late.complex) is None
        found = await register.complex_anew(owner, late.complex)
        assert found is not None
        assert register.complex_of(late.complex) == found
        await services.journal.append(await late.register("SUSPEND"))
        suspended = await register.complex_anew(owner, late.complex)
        assert suspended is not None
        assert suspended.state == "suspended"


async def test_without_an_overseer_reading_is_answered_503(
    client: httpx.AsyncClient, world: World, services: Services, overseer: Overseer
) -> None:
    overseer.stop()
    await until(lambda: not overseer.ready)
    await services.journal.append(await Casino("KZ-LATE-2", world["casino"].identifier).register())
    assert_problem(await read(client, world, "/v1/tickets"), 503, "unavailable")
