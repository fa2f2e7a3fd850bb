"""Kills come from their seed."""

from collections import Counter

from chaos.kills import plan_of
from chaos.matrix import PROCESSES


def test_the_same_seed_plans_the_same_kills() -> None:
    assert list(plan_of(7, 50)) == list(plan_of(7, 50))
    assert list(plan_of(7, 50)) != list(plan_of(8, 50))


def test_two_hundred_kills_hit_every_part_several_times() -> None:
    hit = Counter(kill.part for kill in plan_of(2026, 200))

    assert hit.keys() == set(PROCESSES)
    assert min(hit.values()) >= 3
