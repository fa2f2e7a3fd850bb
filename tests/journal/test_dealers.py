"""What is kept in PostgreSQL of dealers' operations is what the pure engine knows, however the log is cut into runs."""

import asyncio
import sys
from datetime import date
from random import Random
from typing import Any

import orjson
import pytest

from gateway.journal import Journal
from gateway.model import Draft
from gateway.oversight.things import Things
from tests.journal.large import file_in_parts
from tests.journal.support import run
from tests.journal.test_oversight import Running, file, told
from tests.oversight.dealers import Reporter, operation
from tests.oversight.kit import Casino, blank, facts_of, oversee

ITEM, OTHER = "TCZ6EP34VK5DMD", "TF3VM5Z9PPMZ3Y"
PEOPLE = ("150540007897", "900101300017", "851212400335", "920501450216")


async def made_up(seed: int) -> list[Draft]:
    """Reports of two dealers about two things, with withdrawals and replacements."""
    random = Random(seed)
    reporters = [Reporter(PEOPLE[0]), Reporter(PEOPLE[1])]
    operations: list[tuple[Reporter, dict[str, Any]]] = []
    for sequence in range(1, 13):
        reporter = random.choice(reporters)
        seller, buyer = random.sample(PEOPLE, 2)
        more: dict[str, Any] = {"price": random.choice(["1000", "2000", "9000"])}
        own = [one for by, one in operations if by is reporter]
        if own and random.random() < 0.3:
            original = random.choice(own)
            more |= {"kind": random.choice(["WITHDRAW", "REPLACE"]), "replaced_kind": "SALE"}
            more |= {"original": original["id"], "original_sequence": original["sequence"]}
        operations.append((reporter, operation(sequence, seller, buyer, random.choice((ITEM, OTHER)), **more)))
    random.shuffle(operations)
    return [await reporter.report([one]) for reporter, one in operations]


def known(things: Things) -> list[tuple[Any, ...]]:
    return sorted(
        (one.item, one.remark.value, one.deal.filer, one.deal.sequence, one.open, one.revision)
        for one in things.findings.values()
    )


@pytest.mark.parametrize("seed", range(8))
async def test_the_kept_chains_are_those_of_the_pure_engine(journal: Journal, dsn: str, seed: int) -> None:
    drafts = await made_up(seed)
    pure = oversee(blank(), facts_of(drafts)).things
    running = Running(journal, dsn, run_bytes=[1, 2_000, 1 << 20][seed % 3])
    for draft in drafts:
        await file(journal, [draft])
        if seed % 2:
            await running.caught_up()
    await running.caught_up()
    await running.stop()
    rows = await run(dsn, "SELECT * FROM chain_findings")
    names = ("item", "remark", "filer", "sequence", "open", "revision")
    assert sorted(tuple(row[name] for name in names) for row in rows) == known(pure)
    details = {row["id"]: orjson.loads(row["detail"]) for row in rows}
    assert details == {name: one.detail for name, one in pure.findings.items()}
    assert len(await told(journal)) == sum(row["revision"] for row in rows)


async def test_an_overseer_killed_within_a_large_report_takes_each_operation_in_once(
    journal: Journal, dsn: str
) -> None:
    reporter, random = Reporter(PEOPLE[0]), Random(5)
    pairs = [random.sample(PEOPLE, 2) for _ in range(30)]
    report = await reporter.report([operation(at, pair[0], pair[1], ITEM) for at, pair in enumerate(pairs, 1)])
    await file_in_parts(journal, [report], size=1)

    async def place() -> tuple[int, int]:
        found = await run(dsn, "SELECT seq, part FROM oversight_positions")
        return (found[0]["seq"], found[0]["part"]) if found else (0, 0)

    reached = (0, 0)
    for _ in range(3):
        victim = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.journal.overseer_victim", dsn)
        while (now := await place()) <= reached:
            await asyncio.sleep(0.005)
        victim.kill()
        await victim.wait()
        reached = now
        assert reached < (1, 0)
    running = Running(journal, dsn)
    await running.caught_up()
    await running.stop()
    rows = await run(
        dsn, "SELECT sequence, revision, open FROM dealer_operations FULL JOIN chain_findings USING (sequence)"
    )
    assert {row["sequence"] for row in rows} == set(range(1, 31))
    pure = oversee(blank(), facts_of([report])).things
    assert {row["sequence"] for row in rows if row["open"]} == {
        one.deal.sequence for one in pure.findings.values() if one.open
    }
    changes = [(one["id"], one["revision"]) for one in await told(journal)]
    assert len(changes) == len(set(changes)) == sum(row["revision"] or 0 for row in rows)


async def test_a_finding_is_a_record_under_the_code_of_its_thing(journal: Journal, dsn: str) -> None:
    reporter = Reporter(PEOPLE[0])
    running = Running(journal, dsn)
    await file(journal, [await reporter.report([operation(1, *PEOPLE[:2], ITEM), operation(2, *PEOPLE[2:], ITEM)])])
    await running.caught_up()
    await running.stop()
    (record,) = (await journal.read(0, 0, 10))[-1].records
    headers = {name: value.decode() for name, value in record.headers}
    assert (record.topic, record.key, headers["ce_type"]) == ("fma.luxury.v1", ITEM, "kz.fma.luxury.finding.v1")
    facts = orjson.loads(record.value)
    assert (facts["kind"], facts["state"], facts["detail"]["expected"]) == ("owner", "open", PEOPLE[1])
    assert headers["ce_id"] == f"{facts['id']}/1"


@pytest.mark.parametrize("run_bytes", [1, 1 << 20])
async def test_the_kept_sums_of_dealers_are_those_of_the_pure_engine(
    journal: Journal, dsn: str, run_bytes: int
) -> None:
    casino, jeweller = Casino(owner=PEOPLE[0]), Reporter(PEOPLE[0], "150", "precious-metals")
    sales = [
        {**operation(day, None, None, "", price=price, **{"class": None}), "kind": "SOLD", "party": party}
        for day, price, party in (
            (24, "3000000", PEOPLE[1]),
            (25, "2500000", PEOPLE[1]),
            (26, "6000000", PEOPLE[2]),
        )
    ]
    withdrawal = {**sales[2], "sequence": 27, "id": "27", "kind": "WITHDRAW"}
    withdrawal |= {"original": sales[2]["id"], "original_sequence": 26}
    notice = await casino.notice(PEOPLE[1], "5500000", "1711", date(2026, 11, 25))
    drafts = [await jeweller.report(sales), notice, await jeweller.report([withdrawal])]
    pure = oversee(blank(), facts_of(drafts))
    running = Running(journal, dsn, run_bytes=run_bytes)
    await file(journal, drafts)
    await running.caught_up()
    await running.stop()
    rows = await run(dsn, "SELECT day, total::bigint, own, reported::bigint, revision FROM obligations")
    known = [(one.day, one.total, one.own, one.reported, one.revision) for one in pure.obligations.values()]
    assert sorted(map(tuple, rows)) == sorted(known)
    changes = [(one["day"], one["revision"], one["state"], one["total"]) for one in await told(journal)]
    assert sorted(changes) == [
        ("2026-11-25", 1, "open", "5500000"),
        ("2026-11-25", 2, "closed", "5500000"),
        ("2026-11-26", 1, "open", "6000000"),
        ("2026-11-26", 2, "closed", "0"),
    ]
