"""What oversight keeps in PostgreSQL is what the pure engine knows, however the log is cut into runs."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson
import pytest

from gateway import overseer
from gateway.journal import Journal, verify_journal
from gateway.journal.errors import OverseerFenced
from gateway.journal.oversight.store import OversightStore
from gateway.model import Draft
from gateway.overseer import Judging, Overseer
from gateway.oversight.scattered import MOST
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.receipts import read_receipt
from gateway.sealing.records import VALID, check_record
from tests.bus.kit import KEYS, KEYSET, until
from tests.journal.large import file_in_parts
from tests.journal.support import run
from tests.oversight.kit import NOON, PARAMETERS, RULES, Casino, blank, event, facts_of, outcome, oversee, sliced
from tests.oversight.worlds import make_world

JUDGING = Judging(PARAMETERS, RULES)


class Running:
    """An overseer that reads a log until it has all of it."""

    def __init__(
        self, journal: Journal, dsn: str, *, run_bytes: int = 1 << 20, clock: datetime = NOON, most: int = MOST
    ) -> None:
        self.clock = clock
        store = OversightStore(dsn, 0, PARAMETERS, RULES, run_bytes)
        self.overseer = Overseer(journal, store, KEYS, JUDGING, most=most, clock=lambda: self.clock)
        self.journal = journal
        self.task = asyncio.create_task(self.overseer.run())

    async def caught_up(self) -> None:
        async def there() -> bool:
            return (await self.journal.head(0)).seq == self.overseer.position

        while not await there():
            assert not self.task.done(), self.task.exception()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self.overseer.stop()
        await self.task


async def file(journal: Journal, drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        await journal.append(draft)


async def told(journal: Journal) -> list[dict[str, Any]]:
    """The values of all derived records in the order of the log."""
    entries = await journal.read(0, 0, 10_000)
    return [orjson.loads(one.value) for entry in entries if entry.sender == "AFM" for one in entry.records]


@pytest.mark.parametrize("seed", range(12))
async def test_the_kept_state_is_that_of_the_pure_engine(journal: Journal, dsn: str, seed: int) -> None:
    world = await asyncio.to_thread(make_world, seed, 9)
    Random(seed).shuffle(world.rest)
    filed = [*world.registrations, *world.rest]
    in_parts, most = seed % 2 == 1, 2 if seed % 4 == 3 else MOST
    known = oversee(blank(), sliced(filed, 2, most) if in_parts else facts_of(filed))
    running = Running(journal, dsn, run_bytes=[1, 2_000, 1 << 20][seed % 3], most=most)
    half = len(filed) // 2
    take_in = file_in_parts if in_parts else file
    await take_in(journal, filed[:half])
    if seed % 3:
        await running.caught_up()
    await take_in(journal, filed[half:])
    await running.caught_up()
    await running.stop()
    ours = sorted((one.complex, one.kind.value, one.subject, one.detail) for one in known.tickets.open)
    rows = await run(dsn, "SELECT * FROM tickets WHERE state = 'open' ORDER BY complex, kind, subject")
    kept = [(row["complex"], row["kind"], row["subject"], orjson.loads(row["detail"])) for row in rows]
    assert kept == ours
    assert len(await told(journal)) == len(known.tickets.told) + len(known.changes.told)
    pieces = await run(dsn, "SELECT complex, what, first, last FROM absent_numbers ORDER BY complex, what, first")
    assert [tuple(row) for row in pieces] == sorted(
        (name, what.value, piece.first, piece.last) for (name, what), found in known.absent.items() for piece in found
    )
    sums = await run(dsn, "SELECT player, operation, total::text, reported::text FROM obligations")
    assert {tuple(row) for row in sums} == {
        (player, operation, str(total), str(reported))
        for player, operation, total, reported, _ in outcome(known)["sums"]
    }
    assert {row["count"] for row in await run(dsn, "SELECT count(*) FROM waiting_corrections")} == {
        sum(map(len, known.waiting.values()))
    }


async def test_an_overseer_killed_again_and_again_ends_where_the_pure_engine_does(journal: Journal, dsn: str) -> None:
    world = await asyncio.to_thread(make_world, 77, 20)
    filed = [*world.registrations, *world.rest]
    known = oversee(blank(), facts_of(filed))
    await file(journal, filed)

    async def position() -> int:
        found = await run(dsn, "SELECT seq FROM oversight_positions")
        return found[0]["seq"] if found else 0

    reached = 0
    for _ in range(4):
        command = (sys.executable, "-m", "tests.journal.overseer_victim", dsn)
        victim = await asyncio.create_subprocess_exec(*command)
        while (now := await position()) <= reached + 2:
            await asyncio.sleep(0.005)
        victim.kill()
        await victim.wait()
        reached = now
        assert reached < len(filed)
    survivor = Running(journal, dsn)
    await survivor.caught_up()
    await survivor.stop()
    values = await told(journal)
    changes = [(one["id"], one["revision"]) for one in values]
    assert len(changes) == len(set(changes)) == len(known.tickets.told) + len(known.changes.told)
    tickets = {(str(one.id), one.revision, one.state.value) for one in known.tickets.told}
    assert {(one["id"], one["revision"], one["state"]) for one in values if "kind" in one} == tickets


async def test_derived_entries_verify_with_the_journal_and_by_themselves(journal: Journal, dsn: str) -> None:
    casino = Casino()
    running = Running(journal, dsn)
    await file(journal, [await casino.register(), await casino.batch(3, [event(30)])])
    await running.caught_up()
    await running.stop()
    report = await verify_journal(dsn, lambda jws: read_receipt(jws, KEYSET), lambda jws: read_checkpoint(jws, KEYSET))
    assert (report.breaks, report.entries) == ((), 3)
    derived = (await journal.read(0, 0, 10))[-1]
    receipt = read_receipt(derived.jws, KEYSET)
    assert (receipt.sender, receipt.family, receipt.message_type) == ("AFM", "gaming", "Oversight")
    (record,) = derived.records
    assert check_record(record.topic, record.headers, record.value, KEYSET) == VALID
    headers = {name: value.decode() for name, value in record.headers}
    facts = orjson.loads(record.value)
    assert (headers["ce_type"], headers["ce_subject"]) == ("kz.fma.gaming.ticket.v1", "CASINO-1")
    assert headers["ce_id"] == f"{facts['id']}/1"
    assert facts["detail"] == {"what": "batch", "first": 1, "last": 2, "count": 2, "missing": [[1, 2]]}


async def test_whoever_is_behind_waits_for_nothing_and_a_stop_neither(
    journal: Journal, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overseer, "PACE_SECONDS", 3_600.0)
    casino = Casino()
    await file(
        journal, [await casino.register(), *[await casino.batch(number, [event(number)]) for number in (1, 2, 3)]]
    )
    running = Running(journal, dsn, run_bytes=1)
    await running.caught_up()
    await running.stop()


async def test_a_run_tells_whether_more_can_be_read(journal: Journal, dsn: str) -> None:
    casino = Casino()
    await file(journal, [await casino.register(), *[await casino.batch(number, [event(number)]) for number in (1, 2)]])
    found = {}
    for most, run_bytes in ((1, 1 << 20), (2, 1 << 20), (3, 1 << 20), (4, 1 << 20), (4, 1)):
        store = OversightStore(dsn, 0, PARAMETERS, RULES, run_bytes)
        await store.start()
        reading = await store.lines(most)
        found[most, run_bytes] = [line.seq for line in reading.lines], reading.more
        await store.stop()
    assert found == {
        (1, 1 << 20): ([1], True),
        (2, 1 << 20): ([1, 2], True),
        (3, 1 << 20): ([1, 2, 3], True),
        (4, 1 << 20): ([1, 2, 3], False),
        (4, 1): ([1], True),
    }


async def test_a_second_overseer_fences_the_first(journal: Journal, dsn: str) -> None:
    casino = Casino()
    first = Running(journal, dsn)
    await file(journal, [await casino.register()])
    await first.caught_up()
    second = Running(journal, dsn)
    await until(lambda: second.overseer.ready)
    await file(journal, [await casino.batch(2, [event(5)])])
    with pytest.raises(OverseerFenced):
        await first.task
    await second.caught_up()
    await second.stop()
    assert len(await told(journal)) == 1


async def test_silence_is_told_by_the_clock_and_ends_when_the_complex_is_heard(journal: Journal, dsn: str) -> None:
    casino = Casino()
    running = Running(journal, dsn)
    await file(journal, [await casino.register(), await casino.batch(1, [event(1)])])
    await running.caught_up()
    running.clock += timedelta(seconds=200)
    await until(lambda: running.overseer.derived == 1)
    casino.at = running.clock
    await file(journal, [await casino.batch(2, [event(2)])])
    await running.caught_up()
    await running.stop()
    assert [(one["kind"], one["state"]) for one in await told(journal)] == [("silence", "open"), ("silence", "closed")]


async def test_what_is_not_mended_or_filed_in_time_is_told_to_be_overdue(journal: Journal, dsn: str) -> None:
    casino = Casino()
    running = Running(journal, dsn)
    paid = event(9, "CASH-OUT", "D-1", amount="1500000", means="CASH", player="850315300123")
    await file(journal, [await casino.register(), await casino.batch(2, [paid])])
    await running.caught_up()
    running.clock += timedelta(days=10)
    await until(lambda: running.overseer.derived >= 5)
    await running.stop()
    late = [(one.get("kind", "obligation"), one["revision"]) for one in await told(journal) if one["overdue"]]
    assert late == [("gap", 2), ("obligation", 2)]


async def test_an_entry_that_can_not_be_read_stops_nothing(journal: Journal, dsn: str) -> None:
    casino = Casino()
    broken = await casino.end_of_day([("S-1", "HEARTBEAT", 12, 1, "many")])
    running = Running(journal, dsn)
    await file(journal, [await casino.register(), broken, await casino.batch(2, [event(7)])])
    await running.caught_up()
    await running.stop()
    assert running.overseer.unreadable == 1
    assert len(await told(journal)) == 1


async def test_postgres_away_is_waited_out(journal: Journal, dsn: str) -> None:
    casino = Casino()
    running = Running(journal, dsn)
    await file(journal, [await casino.register()])
    await running.caught_up()
    for number in range(2, 12):
        await run(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%overseer'")
        await file(journal, [await casino.batch(number, [event(7 * number)])])
        await running.caught_up()
    await running.stop()
    assert running.overseer.interruptions >= 1
    assert len(await told(journal)) >= 1
