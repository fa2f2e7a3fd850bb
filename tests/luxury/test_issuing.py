"""What a process issued and could not log is logged by any other, once."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from random import Random

import orjson
import pytest

from gateway.consumer.decoding import LuxuryCodeIssued
from gateway.errors import Unavailable
from gateway.journal import Journal, migrate
from gateway.journal.errors import Overloaded
from gateway.journal.luxury import LuxuryCodes
from gateway.journal.luxury_rows import WantedCode
from gateway.luxury.entries import group_body
from gateway.luxury.issuing import CodeIssuer, draw
from gateway.luxury.lookups import GroupedLookup
from gateway.model import Draft, Entry
from gateway.oversight.dealers import LUXURY_TOPIC
from gateway.sealing.generation import make_gateway_key
from gateway.sealing.keys import LocalKeyHolder
from tests.journal.support import run

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
ISSUED = make_gateway_key("Test gateway", NOW - timedelta(days=1))
KEYS = LocalKeyHolder.from_pem(ISSUED.key, ISSUED.certificate)
DEALER = "050140000017"


@pytest.fixture
async def dsn(new_database: Callable[[], str]) -> str:
    dsn = new_database()
    await migrate(dsn)
    return dsn


@pytest.fixture
async def codes(dsn: str) -> AsyncIterator[LuxuryCodes]:
    async with LuxuryCodes(dsn) as codes:
        yield codes


def thing(number: int) -> WantedCode:
    return WantedCode(Random(number).randbytes(32), DEALER, "WATCH", f'{{"maker":"M","serial":"{number}"}}')


def operation(number: int, item: str) -> WantedCode:
    guid = uuid.UUID(int=number)
    return WantedCode(Random(str(guid)).randbytes(32), DEALER, "WATCH", item=item, operation=guid)


def later() -> datetime:
    return NOW + timedelta(minutes=1)


async def entries(dsn: str) -> list[Entry]:
    async with Journal(dsn) as journal:
        return await journal.read(0, 0, 100)


async def test_a_group_that_was_not_logged_is_logged_once_by_whoever_finds_it(dsn: str, codes: LuxuryCodes) -> None:
    outcome = await codes.issue([thing(number) for number in range(20)], NOW, draw, group_body)
    assert outcome.unlogged is not None
    async with Journal(dsn) as one, Journal(dsn) as two, LuxuryCodes(dsn) as others:
        issuers = [CodeIssuer(codes, one, KEYS, later), CodeIssuer(others, two, KEYS, later)]
        await asyncio.gather(*(issuer.log(outcome.unlogged) for issuer in issuers for _ in range(3)))
        async with issuers[0], issuers[1]:
            while await codes.unlogged(later()):
                await asyncio.sleep(0.02)
    logged = await entries(dsn)
    assert len(logged) == 1
    assert sorted(record.key for record in logged[0].records) == sorted(row.code for row in outcome.codes.values())
    assert {record.topic for record in logged[0].records} == {LUXURY_TOPIC}


async def test_the_record_of_a_code_has_the_shape_that_readers_know(dsn: str, codes: LuxuryCodes) -> None:
    async with Journal(dsn) as journal, CodeIssuer(codes, journal, KEYS, lambda: NOW) as issuer:
        item = (await issuer.issue(thing(1))).row
        deal = (await issuer.issue(operation(1, item.code))).row
    first, second = (
        LuxuryCodeIssued.model_validate(orjson.loads(record.value))
        for entry in await entries(dsn)
        for record in entry.records
    )
    assert (first.issued.code, first.issued.item_class, first.issued.identifiers["serial"]) == (item.code, "WATCH", "1")
    assert (second.issued.code, second.issued.item) == (deal.code, item.code)
    assert [record.key for entry in await entries(dsn) for record in entry.records] == [item.code, item.code]


async def test_the_same_identity_has_one_code_however_many_ask_in_many_processes(dsn: str) -> None:
    wanted = [thing(number) for number in range(50)]

    async def ask(seed: int) -> list[str]:
        async with LuxuryCodes(dsn) as own:
            order = Random(seed).sample(wanted, len(wanted))
            outcome = await own.issue(order, NOW, draw, group_body)
            return [outcome.codes[one.identity].code for one in wanted]

    answers = await asyncio.gather(*(ask(seed) for seed in range(16)))
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0])) == len(wanted)


async def test_a_failing_log_holds_nobody_up_and_loses_nothing(dsn: str, codes: LuxuryCodes) -> None:
    class Away:
        async def append(self, draft: Draft) -> object:
            raise Unavailable(f"away: {draft.receipt.sha256}")

    async with CodeIssuer(codes, Away(), KEYS, lambda: NOW) as issuer:
        rows = [(await issuer.issue(thing(number))).row for number in range(3)]
    assert len({row.code for row in rows}) == 3
    assert len(await codes.unlogged(later())) == 3
    assert await entries(dsn) == []


async def test_what_stopped_takes_nothing_more(dsn: str, codes: LuxuryCodes) -> None:
    async with Journal(dsn) as journal:
        issuer = CodeIssuer(codes, journal, KEYS, lambda: NOW)
        async with issuer:
            pass
        with pytest.raises(Overloaded):
            await issuer.issue(thing(1))


@pytest.mark.parametrize(
    "change", ["DELETE FROM luxury_codes", "UPDATE luxury_codes SET owner = 'x'", "TRUNCATE luxury_codes"]
)
async def test_an_issued_code_is_never_changed_or_deleted(dsn: str, codes: LuxuryCodes, change: str) -> None:
    await codes.issue([thing(1)], NOW, draw, group_body)
    with pytest.raises(Exception, match="takes new rows only"):
        await run(dsn, change)


async def test_a_lookup_that_fails_fails_for_those_who_asked_and_for_nobody_later(codes: LuxuryCodes) -> None:
    outcome = await codes.issue([thing(1)], NOW, draw, group_body)
    (row,) = outcome.codes.values()
    closed = GroupedLookup(LuxuryCodes("postgresql:///nowhere").by_code)
    with pytest.raises(Unavailable):
        await closed.find(row.code)
    lookup = GroupedLookup(codes.by_code)
    found = await asyncio.gather(*(lookup.find(code) for code in (row.code, "nothing", row.code)))
    assert found == [row, None, row]
