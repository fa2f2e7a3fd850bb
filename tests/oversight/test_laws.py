from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oversight.kit import blank, facts_of, outcome, oversee, sliced
from tests.oversight.worlds import make_world

pytestmark = pytest.mark.long


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), shuffle=st.randoms(use_true_random=False))
def test_whatever_the_order_of_arrival_the_same_is_open_and_the_same_place_is_reached(
    seed: int, shuffle: Random
) -> None:
    world = make_world(seed)
    in_order = oversee(blank(), facts_of([*world.registrations, *world.rest]))
    mixed = list(world.rest)
    shuffle.shuffle(mixed)
    assert outcome(oversee(blank(), facts_of([*world.registrations, *mixed]))) == outcome(in_order)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), shuffle=st.randoms(use_true_random=False), most=st.integers(1, 4))
def test_a_batch_taken_in_slice_by_slice_says_what_it_says_as_a_whole(seed: int, shuffle: Random, most: int) -> None:
    world = make_world(seed)
    shuffle.shuffle(world.rest)
    filed = [*world.registrations, *world.rest]
    assert outcome(oversee(blank(), sliced(filed, 1, most))) == outcome(oversee(blank(), facts_of(filed)))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), shuffle=st.randoms(use_true_random=False))
def test_every_change_of_a_ticket_is_told_once_and_in_order(seed: int, shuffle: Random) -> None:
    world = make_world(seed)
    shuffle.shuffle(world.rest)
    told = oversee(blank(), facts_of([*world.registrations, *world.rest])).tickets.told
    for ticket in {one.id for one in told}:
        history = [one for one in told if one.id == ticket]
        assert [one.revision for one in history] == list(range(1, len(history) + 1))
        assert all(one.state == "open" for one in history[:-1])
