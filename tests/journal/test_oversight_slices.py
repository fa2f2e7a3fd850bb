"""A large batch is overseen slice by slice: what is held does not grow with it, and what is known is the same."""

import asyncio
import errno
import sys
import tempfile
from collections.abc import Sequence
from random import Random
from typing import IO, Any

import orjson
import pytest

from gateway import overseer
from gateway.journal import Journal
from gateway.model import Draft
from gateway.oversight.scattered import Sorting
from tests.journal.large import file_in_parts
from tests.journal.support import run
from tests.journal.test_oversight import Running, file, told
from tests.oversight.kit import PLAYER, Casino, Content, blank, event, facts_of, games, guid, meters, oversee

SIZE, MOST = 5, 16
"""How many records are in a part, and how many events are taken in at once."""
SORTED = orjson.OPT_SORT_KEYS
Known = dict[str, Any]


def of_every_kind(first: int, last: int) -> list[Content]:
    """Events of machines, payments and corrections; every eleventh sequence is missing."""
    made = []
    for one in range(first, last + 1):
        before = max(one - 9, 1)
        kinds = [
            meters(one, coin_in=one),
            games(one),
            event(one, "CASH-OUT", "D-1", amount="90000", means="CASH", player=PLAYER),
            event(one, "CANCEL", original=guid(before), original_sequence=before, reason="a test"),
            event(one, "SOFTWARE-HASH", hash="bb" * 32),
        ]
        made.append(kinds[one % 5])
    return [one for one in made if one["sequence"] % 11]


async def world() -> list[Draft]:
    """A complex, a large batch of it in no order, the one before that, which comes late, and one that overlaps."""
    casino, shuffled = Casino(), of_every_kind(41, 160)
    Random(3).shuffle(shuffled)
    return [
        await casino.register(),
        await casino.end_of_day([("D-1", "CASH-OUT", 12, 1, "90000")]),
        await casino.batch(2, shuffled, refused=[99, 143], span=(41, 161)),
        await casino.batch(1, of_every_kind(1, 40), refused=[11], span=(1, 40)),
        await casino.batch(3, [*of_every_kind(147, 159), *of_every_kind(165, 230)]),
    ]


def told_of(tickets: list[tuple[str, str, dict[str, Any]]]) -> Known:
    """Open tickets, of gaps only what is missing: which of them tells of it follows from the order of arrival."""
    gaps = {tuple(one) for kind, _, detail in tickets if kind == "gap" for one in detail["missing"]}
    others = [(kind, subject, orjson.dumps(detail, None, SORTED)) for kind, subject, detail in tickets if kind != "gap"]
    return {"missing": gaps, "tickets": sorted(others)}


def pure(filed: list[Draft]) -> Known:
    """What the pure engine knows, each batch taken in as a whole."""
    state = oversee(blank(), facts_of(filed))
    progress = state.progress["CASINO-1"]
    return {
        **told_of([(one.kind.value, one.subject, dict(one.detail)) for one in state.tickets.open]),
        "absent": sorted((one.first, one.last) for pieces in state.absent.values() for one in pieces),
        "marks": sorted((unit, at) for (_, unit), marks in state.marks.items() for at in marks.sequences),
        "figures": sorted((key[2], key[3], one.count, one.amount) for key, one in state.changes.figures.items()),
        "sums": [(one.player, one.total, one.events, one.open) for one in state.obligations.values()],
        "progress": [(progress.top_batch, progress.top_event, progress.received_batches)],
    }


async def kept(dsn: str) -> Known:
    """The same as it is kept."""
    tickets = await run(dsn, "SELECT kind, subject, detail FROM tickets WHERE state = 'open'")
    queries = {
        "absent": "SELECT first, last FROM absent_numbers ORDER BY first",
        "marks": "SELECT unit, sequence FROM meter_marks ORDER BY unit, sequence",
        "figures": "SELECT unit, kind, count, amount::bigint FROM day_figures ORDER BY unit, kind",
        "sums": "SELECT player, total::bigint, events, closed_at IS NULL FROM obligations",
        "progress": "SELECT top_batch, top_event, received_batches FROM complex_progress",
    }
    return {
        **told_of([(row["kind"], row["subject"], orjson.loads(row["detail"])) for row in tickets]),
        **{name: [tuple(row) for row in await run(dsn, query)] for name, query in queries.items()},
    }


async def test_an_overseer_killed_within_a_large_batch_in_no_order_ends_where_the_pure_engine_does(
    journal: Journal, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed, runs, add = await world(), list[int](), Sorting.add

    def noted(sorting: Sorting, events: Sequence[Content]) -> None:
        runs.append(len(events))
        add(sorting, events)

    async def place() -> tuple[int, int]:
        found = await run(dsn, "SELECT seq, part FROM oversight_positions")
        return (found[0]["seq"], found[0]["part"]) if found else (0, 0)

    monkeypatch.setattr(Sorting, "add", noted)
    await file_in_parts(journal, filed, SIZE)
    reached = (2, 0)
    for most in (3, 5):
        command = (sys.executable, "-m", "tests.journal.overseer_victim", dsn, str(most))
        victim = await asyncio.create_subprocess_exec(*command)
        while (now := await place()) <= reached:
            await asyncio.sleep(0.005)
        victim.kill()
        await victim.wait()
        reached = await place()
        assert now <= reached < (3, 0)
    survivor = Running(journal, dsn, most=MOST)
    await survivor.caught_up()
    await survivor.stop()
    known = pure(filed)
    assert await kept(dsn) == known
    assert {"overlap", "totals", "correction", "meter", "software"} <= {one[0] for one in known["tickets"]}
    changes = [(one["id"], one["revision"]) for one in await told(journal)]
    assert len(changes) == len(set(changes))
    assert (len(runs) > 5, max(runs) < MOST + SIZE) == (True, True)
    (taken,) = await run(dsn, "SELECT max(length(ids)) / 16 AS longest FROM batch_slices")
    assert taken["longest"] <= MOST


async def test_a_later_correction_finds_an_event_in_any_slice_by_its_id(journal: Journal, dsn: str) -> None:
    casino = Casino()
    events = [event(one) for one in range(1, 60) if one != 20]
    named = [(61, 3, guid(3)), (62, 31, guid(31)), (63, 31, guid(3)), (64, 59, guid(59)), (65, 20, guid(20))]
    cancels = [
        event(one, "CANCEL", original=identity, original_sequence=original, reason="a test")
        for one, original, identity in named
    ]
    await file_in_parts(journal, [await casino.register(), await casino.batch(1, events, refused=[20])], SIZE)
    await file(journal, [await casino.batch(2, cancels, span=(60, 65), refused=[60])])
    running = Running(journal, dsn, most=MOST)
    await running.caught_up()
    await running.stop()
    assert [one["detail"]["sequence"] for one in await told(journal)] == [63, 65]


async def test_a_batch_of_which_nothing_was_accepted_has_arrived(journal: Journal, dsn: str) -> None:
    casino = Casino()
    await file_in_parts(journal, [await casino.register()], SIZE)
    empty = await casino.batch(1, [], refused=range(1, 30))
    rejections = empty.records * 5
    await file_in_parts(journal, [Draft(empty.receipt, empty.body, rejections)], SIZE)
    running = Running(journal, dsn, most=MOST)
    await running.caught_up()
    await running.stop()
    found = await run(dsn, "SELECT top_event, (SELECT count(*) FROM absent_numbers) AS absent FROM complex_progress")
    assert [tuple(row) for row in found] == [(29, 0)]


async def test_a_batch_that_can_not_be_read_to_its_end_stops_nothing(journal: Journal, dsn: str) -> None:
    casino = Casino()
    events = [event(one) for one in range(1, 40)]
    del events[30]["unit"]
    await file_in_parts(journal, [await casino.register(), await casino.batch(1, events)], SIZE)
    await file(journal, [await casino.batch(3, [event(70)])])
    running = Running(journal, dsn, most=MOST)
    await running.caught_up()
    await running.stop()
    assert running.overseer.unreadable == 1
    assert [one["detail"]["first"] for one in await told(journal)] == [2]


async def test_a_full_disk_is_waited_out(journal: Journal, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    casino, full = Casino(), [OSError(errno.ENOSPC, "No space left on device")]

    def scarce() -> IO[bytes]:
        if full:
            raise full.pop()
        return tempfile.TemporaryFile()

    monkeypatch.setattr(overseer, "TemporaryFile", scarce)
    events = [event(one) for one in range(1, 61)]
    Random(3).shuffle(events)
    await file_in_parts(journal, [await casino.register(), await casino.batch(1, events)], SIZE)
    running = Running(journal, dsn, most=MOST)
    await running.caught_up()
    await running.stop()
    assert (running.overseer.interruptions, full) == (1, [])
    (batch,) = await run(dsn, "SELECT received_batches, top_event FROM complex_progress")
    (figures,) = await run(dsn, "SELECT sum(count) AS events FROM day_figures")
    assert (tuple(batch), figures["events"]) == ((1, 60), 60)
