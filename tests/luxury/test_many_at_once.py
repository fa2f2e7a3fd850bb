"""64 clients, two intake processes, `kill -9` of one of them in the middle: a thing has one code, whoever asks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

import httpx
import orjson
import pytest

from gateway.journal import Journal, verify_journal
from gateway.journal.luxury import LuxuryCodes
from gateway.luxury.entries import CODE_ISSUED
from gateway.model import Record
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.receipts import read_receipt
from gateway.sealing.records import VALID, check_record
from tests.intake.kit import World, make_world
from tests.journal.support import run
from tests.luxury.kit import Intake
from validators.luxury.unique_codes import CodeKind, read_code

pytestmark = pytest.mark.long

CLIENTS, ITEMS, TOGETHER = 64, 1_000, 50
THINGS = [{"class": "WATCH", "maker": "Patek Philippe", "serial": f"PP {number:06}"} for number in range(ITEMS)]
WAYS = ("PP {}", "pp-{}", "Рр{}", "P P {}")


@pytest.fixture
async def world(new_database: Callable[[], str], tmp_path: Path) -> World:
    return await make_world(new_database(), tmp_path)


@asynccontextmanager
async def two_intakes(world: World) -> AsyncIterator[list[Intake]]:
    intakes = [Intake(world), Intake(world)]
    try:
        await asyncio.gather(*(intake.ready() for intake in intakes))
        yield intakes
    finally:
        for intake in intakes:
            intake.stop()


async def ask_for_all(number: int, ports: list[int], bearer: dict[str, str], given: list[set[str]]) -> None:
    """One client: every thing once, in an order and a spelling of its own, asked again until it is answered."""
    random = Random(number)
    order = random.sample(range(ITEMS), ITEMS)
    async with httpx.AsyncClient(headers=bearer, timeout=20) as client:
        for start in range(0, ITEMS, TOGETHER):
            chosen = order[start : start + TOGETHER]
            wishes = [{**THINGS[place], "serial": random.choice(WAYS).format(f"{place:06}")} for place in chosen]
            while wishes:
                codes = await codes_for(client, random.choice(ports), wishes)
                for place, code in zip(chosen, codes, strict=True):
                    if code is not None:
                        given[place].add(code)
                left = [at for at, code in enumerate(codes) if code is None]
                chosen, wishes = [chosen[at] for at in left], [wishes[at] for at in left]


async def codes_for(client: httpx.AsyncClient, port: int, wishes: list[dict[str, str]]) -> list[str | None]:
    """The code that each wish was answered with, None where it was not answered."""
    body = orjson.dumps({"requests": wishes})
    try:
        answer = await client.post(f"http://127.0.0.1:{port}/v1/luxury/codes", content=body)
        answer.raise_for_status()
    except httpx.HTTPError:
        await asyncio.sleep(0.1)
        return [None] * len(wishes)
    return [result.get("code") if result["status"] in (200, 201) else None for result in answer.json()["results"]]


async def records_of(dsn: str, expected: int) -> list[Record]:
    """The records of issued codes in the log, once there are so many."""
    records: list[Record] = []
    async with Journal(dsn) as journal:
        for _ in range(60):
            records.clear()
            entries_read = 0
            while entries := await journal.read(0, entries_read, 500):
                entries_read = entries[-1].seq
                records += [record for entry in entries for record in entry.records]
            if len(records) >= expected:
                break
            await asyncio.sleep(0.5)
    return records


async def test_a_thousand_things_get_a_thousand_codes_whoever_asks_and_whatever_is_killed(world: World) -> None:
    given: list[set[str]] = [set() for _ in THINGS]
    dsn = world.settings.database_url
    async with two_intakes(world) as intakes:
        ports = [intake.port for intake in intakes]
        bearer = await world["jeweller"].bearer()
        asking = [asyncio.create_task(ask_for_all(number, ports, bearer, given)) for number in range(CLIENTS)]
        while sum(map(bool, given)) < ITEMS // 3:
            await asyncio.sleep(0.005)
        intakes[0].kill()
        intakes[0].start()
        await asyncio.gather(*asking)
        records = await records_of(dsn, ITEMS)

    assert [len(codes) for codes in given] == [1] * ITEMS
    codes = {code for each in given for code in each}
    assert len(codes) == ITEMS
    assert all(read_code(code, CodeKind.ITEM).text == code for code in codes)
    async with LuxuryCodes(dsn) as stored:
        assert set(await stored.by_code(list(codes))) == codes
    assert (await run(dsn, "SELECT count(*) FROM luxury_codes"))[0]["count"] == ITEMS
    assert (await run(dsn, "SELECT count(*) FROM luxury_unlogged"))[0]["count"] == 0
    assert Counter(record.key for record in records) == Counter(codes)
    await everything_is_sealed(world, records)


async def everything_is_sealed(world: World, records: list[Record]) -> None:
    keys = KeySet.of(LocalKeyHolder.load(world.settings.key_file, world.settings.certificate_file))
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        assert headers["ce_type"] == CODE_ISSUED
        assert check_record(record.topic, headers, record.value, keys) == VALID
    report = await verify_journal(
        world.settings.database_url, partial(read_receipt, keys=keys), partial(read_checkpoint, keys=keys)
    )
    assert report.intact, report.breaks
