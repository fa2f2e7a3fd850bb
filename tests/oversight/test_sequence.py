from typing import Any

from gateway.oversight.state import Working
from gateway.oversight.tickets import Ticket
from tests.oversight.kit import Casino, blank, event, facts_of, oversee


def events(first: int, last: int) -> list[dict[str, Any]]:
    return [event(sequence) for sequence in range(first, last + 1)]


async def after(casino: Casino, *batches: Any) -> Working:
    drafts = [await casino.register(), *[await batch for batch in batches]]
    return oversee(blank(), facts_of(drafts))


def gaps(state: Working) -> list[Ticket]:
    return [ticket for ticket in state.tickets.open if ticket.kind == "gap"]


async def test_batches_in_order_raise_nothing() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, events(1, 10)), casino.batch(2, events(11, 15)))
    assert state.tickets.told == []
    assert state.progress["CASINO-1"].top_event == 15


async def test_a_missing_stretch_of_batches_is_one_ticket_that_shrinks_and_closes() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, events(1, 10)), casino.batch(5, events(41, 50)))
    (ticket,) = gaps(state)
    assert ticket.detail == {"what": "batch", "first": 2, "last": 4, "missing": [[2, 4]]}
    oversee(state, facts_of([await casino.batch(3, events(21, 30))], 10))
    (shrunk,) = gaps(state)
    assert (shrunk.id, shrunk.revision) == (ticket.id, 2)
    assert shrunk.detail["missing"] == [[2, 2], [4, 4]]
    oversee(state, facts_of([await casino.batch(2, events(11, 20)), await casino.batch(4, events(31, 40))], 20))
    assert gaps(state) == []
    assert [(one.revision, one.state.value) for one in state.tickets.told] == [
        (1, "open"), (2, "open"), (3, "open"), (4, "closed")
    ]  # fmt: skip


async def test_events_are_missing_only_where_both_neighbours_are_there() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, events(1, 10)), casino.batch(3, events(31, 40)))
    assert [ticket.detail["what"] for ticket in gaps(state)] == ["batch"]
    oversee(state, facts_of([await casino.batch(2, events(11, 25))], 10))
    (ticket,) = gaps(state)
    assert ticket.detail == {"what": "event", "first": 26, "last": 30, "missing": [[26, 30]]}
    oversee(state, facts_of([await casino.batch(4, events(26, 30))], 20))
    assert [one.detail["what"] for one in gaps(state)] == []


async def test_a_hole_inside_a_batch_is_a_gap_and_a_refused_event_is_none() -> None:
    casino = Casino()
    inside = [one for one in events(1, 10) if one["sequence"] not in {4, 5, 8}]
    state = await after(casino, casino.batch(1, inside, refused=[8], span=(1, 12)))
    (ticket,) = gaps(state)
    assert ticket.detail == {"what": "event", "first": 4, "last": 12, "missing": [[4, 5], [11, 12]]}


async def test_a_first_batch_that_begins_late_leaves_a_gap_from_one() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, events(5, 10)))
    assert gaps(state)[0].detail["missing"] == [[1, 4]]


async def test_an_event_sequence_in_two_batches_is_told_by_its_ranges() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, events(1, 10)), casino.batch(2, events(8, 12)))
    (ticket,) = state.tickets.open
    assert (ticket.kind, ticket.detail) == ("overlap", {"batch": 2, "sequences": [[8, 10]]})


async def test_the_highest_number_there_is_costs_one_interval() -> None:
    casino = Casino()
    top = 2**53 - 1
    state = await after(casino, casino.batch(1, events(1, 2)), casino.batch(top, events(top, top)))
    (ticket,) = gaps(state)
    assert ticket.detail["missing"] == [[2, top - 1]]


async def test_what_another_owner_files_about_a_complex_changes_nothing() -> None:
    casino, thief = Casino(), Casino(owner="990440000385")
    state = await after(casino, casino.batch(1, events(1, 2)))
    oversee(state, facts_of([await thief.register(), await thief.batch(7, events(50, 60))], 10))
    assert state.tickets.told == []
    assert state.complexes["CASINO-1"].owner == casino.owner
