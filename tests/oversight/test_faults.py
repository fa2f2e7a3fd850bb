"""What opens a ticket of each kind beside gaps, and what closes it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model import Draft
from gateway.oversight.state import Working
from gateway.oversight.tickets import Ticket
from tests.oversight.kit import (
    ENGINE,
    NOON,
    PARAMETERS,
    PLAYER,
    Casino,
    blank,
    event,
    facts_of,
    games,
    guid,
    meters,
    oversee,
)

PLACES = itertools.count(100, 100)


async def after(*drafts: Any) -> Working:
    return oversee(blank(), facts_of([await draft for draft in drafts]))


async def then(state: Working, *drafts: Any) -> Working:
    made: list[Draft] = [await draft for draft in drafts]
    return oversee(state, facts_of(made, next(PLACES)))


def only(state: Working, kind: str) -> Ticket:
    (ticket,) = (ticket for ticket in state.tickets.open if ticket.kind == kind)
    return ticket


def kinds(state: Working) -> list[str]:
    return sorted(ticket.kind.value for ticket in state.tickets.open)


async def test_a_wrong_previous_hash_is_told_as_soon_as_both_batches_are_there() -> None:
    casino = Casino()
    state = await after(casino.register(), casino.batch(2, [event(2)], previous="ee" * 32))
    assert kinds(state) == ["gap"]
    await then(state, casino.batch(1, [event(1)]))
    assert only(state, "chain").detail == {"batch": 2, "previous": "ee" * 32, "expected": casino.hash(1)}
    await then(state, casino.repair(2, previous="dd" * 32))
    assert kinds(state) == ["chain"]
    await then(state, casino.repair(2))
    assert kinds(state) == []


async def test_a_first_batch_names_no_hash() -> None:
    casino = Casino()
    state = await after(casino.register(), casino.batch(1, [event(1)], previous="ee" * 32))
    assert only(state, "chain").detail["expected"] == "0" * 64


async def test_a_fork_is_told_with_its_evidence_until_it_is_repaired_and_a_later_one_again() -> None:
    casino = Casino()
    state = await after(casino.register(), casino.batch(1, [event(1)]))
    await then(state, casino.batch(1, [event(1)], salt="other", forked=True))
    first = only(state, "fork")
    assert (first.detail["batch"], first.detail["count"]) == (1, 1)
    await then(state, casino.repair(1, "FORK"))
    assert kinds(state) == []
    await then(state, casino.batch(1, [event(1)], salt="third", forked=True))
    assert only(state, "fork").id != first.id


async def test_thousands_of_forks_of_one_number_do_not_swell_their_ticket() -> None:
    casino, most = Casino(), PARAMETERS.forks_told
    state = await after(casino.register(), casino.batch(1, [event(1)]))
    await then(state, *(casino.batch(1, [event(1)], salt=str(one), forked=True) for one in range(most + 5)))
    told = only(state, "fork")
    assert (told.detail["count"], len(told.detail["others"]), told.revision) == (most + 5, most, most + 5)


@pytest.mark.parametrize(
    ("second", "faults"),
    [
        ({"coin_in": 100, "coin_out": 40, "games": 10}, []),
        ({"coin_in": 101, "coin_out": 39, "games": 10}, []),
        ({"coin_in": 102, "coin_out": 40, "games": 10}, [("delta", "coin_in", "100")]),
        ({"coin_in": 100, "coin_out": 40, "games": 11}, [("delta", "games", "10")]),
    ],
)
async def test_meters_move_as_the_events_between_say(second: dict[str, int], faults: list[Any]) -> None:
    casino = Casino()
    state = await after(
        casino.register(), casino.batch(1, [meters(1), games(2), meters(3, "M-1", **second), games(4, "M-2")])
    )
    found = [ticket for ticket in state.tickets.open if ticket.kind == "meter"]
    told = [(one["fault"], one["meter"], one["events"]) for ticket in found for one in ticket.detail["faults"]]
    assert told == faults


async def test_a_meter_that_falls_is_told_unless_it_was_set_back() -> None:
    casino = Casino()
    state = await after(casino.register(), casino.batch(1, [meters(1, drop=9), meters(3, drop=4)], span=(1, 3)))
    assert only(state, "meter").detail["faults"] == [{"fault": "fell", "meter": "drop", "before": "9", "after": "4"}]
    await then(state, casino.batch(2, [event(2, "RAM-CLEAR", "M-1", reason="service")]))
    assert kinds(state) == []


async def test_deltas_wait_for_the_events_that_are_missing() -> None:
    casino = Casino()
    first = casino.batch(1, [meters(1), games(2)])
    state = await after(casino.register(), first, casino.batch(3, [meters(4, coin_in=200, coin_out=80, games=20)]))
    assert kinds(state) == ["gap"]
    await then(state, casino.batch(2, [games(3)]))
    assert kinds(state) == []


async def test_a_report_that_differs_says_where_until_the_late_events_are_there() -> None:
    casino = Casino()
    paid = [event(n, "CASH-OUT", "D-1", amount="100.50", means="CASH") for n in (2, 3)]
    state = await after(casino.register(), casino.batch(1, [event(1), paid[0]]))
    await then(state, casino.end_of_day([("S-1", "HEARTBEAT", 12, 1, "0"), ("D-1", "CASH-OUT", 12, 2, "201")]))
    assert only(state, "totals").detail["differences"] == [
        {
            "unit": "D-1",
            "kind": "CASH-OUT",
            "hour": 12,
            "reported": {"count": 2, "amount": "201"},
            "received": {"count": 1, "amount": "100.50"},
        }
    ]
    await then(state, casino.batch(2, [paid[1]]))
    assert kinds(state) == []


async def test_midnight_of_the_day_is_that_of_almaty() -> None:
    casino = Casino()
    late = event(1, time="2026-11-26T18:59:59.999Z")
    next_day = event(2, time="2026-11-27T00:00:00.000+05:00")
    state = await after(casino.register(), casino.batch(1, [late, next_day]))
    await then(state, casino.end_of_day([("S-1", "HEARTBEAT", 23, 1, "0")]))
    assert kinds(state) == []


async def test_unregistered_software_is_told_until_it_is_registered() -> None:
    casino = Casino()
    reports = [event(1, "SOFTWARE-HASH", hash="aa" * 32), event(2, "SOFTWARE-HASH", hash="bb" * 32)]
    state = await after(casino.register(), casino.batch(1, reports))
    assert only(state, "software").detail == {"unit": "S-1", "hash": "bb" * 32, "sequence": 2}
    await then(state, casino.register("CHANGE", Software={"Hash": ["aa" * 32, "BB" * 32]}))
    assert kinds(state) == []


@pytest.mark.parametrize(("original", "told"), [(guid(1), False), (guid(7), True), (guid(2), True)])
async def test_a_correction_names_an_event_that_exists(original: str, told: bool) -> None:  # noqa: FBT001 - a case
    casino = Casino()
    cancel = event(3, "CANCEL", original=original, original_sequence=1, reason="a mistake")
    state = await after(casino.register(), casino.batch(1, [event(1), event(2)]), casino.batch(2, [cancel]))
    assert kinds(state) == (["correction"] if told else [])


async def test_a_correction_of_an_absent_event_waits_for_it_and_a_refused_one_does_not_exist() -> None:
    casino = Casino()
    cancels = [event(n, "CANCEL", original=guid(n - 2), original_sequence=n - 2, reason="x") for n in (3, 4)]
    state = await after(casino.register(), casino.batch(2, cancels))
    assert kinds(state) == ["gap"]
    await then(state, casino.batch(1, [event(1)], refused=[2]))
    assert only(state, "correction").detail["original_sequence"] == 2


async def test_winnings_in_parts_make_one_obligation_and_the_fm1_may_come_first() -> None:
    casino = Casino()
    who = {"means": "CASH", "player": PLAYER}
    first = [
        event(1, "CASH-OUT", "D-1", amount="600000", **who),
        event(2, "HAND-PAY", "M-1", amount="399999.99", **who),
    ]
    state = await after(casino.register(), casino.batch(1, first))
    (known,) = state.obligations.values()
    assert (known.total, known.due, state.changes.told) == (99_999_999, False, [])
    await then(state, casino.batch(2, [event(3, "CASH-OUT", "D-1", amount="0.01", **who)]))
    (known,) = state.obligations.values()
    assert (known.open, known.events, known.operation) == (True, 3, "0121")
    assert known.deadline == datetime(2026, 11, 27, 19, tzinfo=UTC)
    await then(state, casino.notice(PLAYER, "400000"), casino.notice("850315300999", "5000000"))
    assert state.obligations[known.id].open
    await then(state, casino.notice(PLAYER, "600000"))
    assert not state.obligations[known.id].open
    await then(state, casino.batch(3, [event(4, "CASH-OUT", "D-1", amount="10", **who)]))
    assert state.obligations[known.id].open
    assert [one.revision for one in state.changes.told if one.id == known.id] == [1, 2, 3, 4]

    early = await after(casino.notice(PLAYER, "1000000"), Casino().register())
    await then(early, casino.batch(1, [event(1, "CASH-OUT", "D-1", amount="1000000", **who)]))
    assert [one.open for one in early.changes.told] == [False]


async def test_a_corrected_fm1_counts_once_and_by_its_last_version() -> None:
    casino, document = Casino(), guid(7)
    paid = event(1, "CASH-OUT", "D-1", amount="1000000", means="CASH", player=PLAYER)
    state = await after(casino.register(), casino.batch(1, [paid]))

    async def standing(amount: str, **more: Any) -> tuple[int, bool]:
        await then(state, casino.notice(more.pop("player", PLAYER), amount, document=document, **more))
        (known,) = (one for one in state.obligations.values() if one.player == PLAYER)
        return known.reported // 100, known.open

    assert await standing("600000") == (600_000, True)
    assert await standing("600000") == (600_000, True)
    assert await standing("999999") == (999_999, True)
    assert await standing("1000000") == (1_000_000, False)
    assert await standing("400000") == (400_000, True)
    assert await standing("1000000", player="850315300999") == (0, True)
    assert await standing("1000000", operation="0511") == (0, True)
    assert await standing("1000000") == (1_000_000, False)
    assert [one.reported for one in state.obligations.values() if one.player != PLAYER] == [0]


async def test_tokens_and_nameless_players_owe_nothing() -> None:
    casino = Casino()
    paid = [
        event(1, "CASH-OUT", "D-1", amount="5000000", means="TOKEN", player=PLAYER),
        event(2, "CASH-OUT", "D-1", amount="5000000", means="CASH"),
        event(3, "JACKPOT", "M-1", amount="5000000", player=PLAYER),
    ]
    state = await after(casino.register(), casino.batch(1, paid))
    assert state.obligations == {}


async def test_a_complex_is_silent_after_its_time_and_not_before_listening_began() -> None:
    casino = Casino()
    state = await after(casino.register(), casino.batch(1, [event(1)]))
    heard = casino.at
    ENGINE.tick(state, NOON, heard + timedelta(seconds=180))
    ENGINE.tick(state, heard + timedelta(hours=5), heard + timedelta(hours=5, seconds=180))
    assert kinds(state) == []
    ENGINE.tick(state, NOON, heard + timedelta(seconds=181))
    assert only(state, "silence").detail == {"heard_at": heard.isoformat(), "heartbeat_seconds": 60}
    await then(state, casino.batch(2, [event(2)]))
    assert kinds(state) == []
    await then(state, casino.register("SUSPEND"))
    ENGINE.tick(state, NOON, heard + timedelta(days=1))
    assert kinds(state) == []


async def test_a_deadline_that_passes_is_told_once() -> None:
    casino = Casino()
    state = await after(casino.register(), casino.batch(1, [event(1)], previous="ee" * 32))
    for hours in (23, 25, 26):
        ENGINE.tick(state, NOON + timedelta(days=9), casino.at + timedelta(hours=hours))
    assert [(one.revision, one.overdue) for one in state.tickets.told] == [(1, False), (2, True)]


async def test_a_retired_complex_stays_what_it_was() -> None:
    casino = Casino()
    state = await after(casino.register(), casino.register("RETIRE"), casino.register("CHANGE", Name="Other"))
    assert (state.complexes["CASINO-1"].state, state.complexes["CASINO-1"].name) == ("retired", "Casino One")
