from typing import Any

from gateway.oversight.state import Working
from gateway.oversight.tickets import Ticket
from tests.oversight.kit import PARAMETERS, Casino, blank, event, facts_of, oversee


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
    assert ticket.detail == {"what": "batch", "first": 2, "last": 4, "count": 3, "missing": [[2, 4]]}
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
    assert ticket.detail == {"what": "event", "first": 26, "last": 30, "count": 5, "missing": [[26, 30]]}
    oversee(state, facts_of([await casino.batch(4, events(26, 30))], 20))
    assert [one.detail["what"] for one in gaps(state)] == []


async def test_a_hole_inside_a_batch_is_a_gap_and_a_refused_event_is_none() -> None:
    casino = Casino()
    inside = [one for one in events(1, 10) if one["sequence"] not in {4, 5, 8}]
    state = await after(casino, casino.batch(1, inside, refused=[8], span=(1, 12)))
    (ticket,) = gaps(state)
    assert ticket.detail == {"what": "event", "first": 4, "last": 12, "count": 4, "missing": [[4, 5], [11, 12]]}


async def test_a_first_batch_that_begins_late_leaves_a_gap_from_one() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, events(5, 10)))
    assert gaps(state)[0].detail["missing"] == [[1, 4]]


async def test_an_event_sequence_in_two_batches_is_told_by_its_ranges() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, events(1, 10)), casino.batch(2, events(8, 12)))
    (ticket,) = state.tickets.open
    assert (ticket.kind, ticket.detail) == ("overlap", {"batch": 2, "count": 3, "sequences": [[8, 10]]})


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


async def test_a_ticket_names_no_more_ranges_than_told_and_closes_when_the_last_number_came() -> None:
    casino, most = Casino(), PARAMETERS.ranges_told
    top = 2 * most + 7
    state = await after(casino, casino.batch(1, events(1, 1)), casino.batch(top, events(top, top)))
    for number in range(3, top, 2):
        oversee(state, facts_of([await casino.batch(number, events(number, number))], number))
    (ticket,) = gaps(state)
    assert len(ticket.detail["missing"]) <= most
    assert ticket.detail["count"] == (top - 1) // 2
    covered = {n for first, last in ticket.detail["missing"] for n in range(first, last + 1)}
    assert set(range(2, top, 2)) <= covered
    for number in range(2, top, 2):
        oversee(state, facts_of([await casino.batch(number, events(number, number))], top + number))
    assert gaps(state) == []
    (closed,) = (one for one in state.tickets.told if one.state.value == "closed")
    assert (closed.id, closed.detail["count"], closed.detail["missing"]) == (ticket.id, 0, [])


async def test_many_holes_in_one_batch_are_many_tickets_of_bounded_size() -> None:
    casino, most = Casino(), PARAMETERS.ranges_told
    holed = [event(sequence) for sequence in range(1, 5 * most, 2)]
    state = await after(casino, casino.batch(1, holed))
    assert [len(one.detail["missing"]) for one in gaps(state)] == [most, most, len(holed) - 1 - 2 * most]
    assert sum(one.detail["count"] for one in gaps(state)) == len(holed) - 1


async def test_events_in_any_order_of_their_numbers_leave_no_gap() -> None:
    casino = Casino()
    state = await after(casino, casino.batch(1, [event(3), event(1), event(2)]), casino.batch(2, [event(5), event(4)]))
    assert (state.tickets.told, state.progress["CASINO-1"].top_event) == ([], 5)
