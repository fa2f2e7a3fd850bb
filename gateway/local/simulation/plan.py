"""Which fault meets which batch of which house."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from gateway.local.simulation.model import Fault, House

ONCE = frozenset({Fault.SILENCE, Fault.LYING_TOTALS})
"""Faults that are injected once in a simulation: a silence takes real time, an end of day comes once."""
FIRST_BATCH = 2
SPACING = 3
"""A fault is followed by two honest batches, so that no two of them meet."""
TAIL = 3
"""The last batches stay honest: what is held back is overtaken by one of them."""


@dataclass(slots=True)
class HousePlan:
    """What goes wrong in one house: by number of the batch, the fault and its how-manieth time, from 0."""

    batches: dict[int, tuple[Fault, int]] = field(default_factory=dict)
    lies_at_end_of_day: bool = False


def plan_faults(
    houses: Sequence[House], faults: Collection[Fault], batches: int, times: int, random: Random
) -> Mapping[str, HousePlan]:
    """Each fault the wanted number of times where there is room, spread over houses that can have it.

    `batches` is how many each house is expected to file. The rarer houses are served first: not every house has
    machines whose meters could lie.
    """
    plans = {house.id: HousePlan() for house in houses}
    room = {house.id: list(range(FIRST_BATCH, max(batches - TAIL, 0), SPACING)) for house in houses}
    wanted = [fault for fault in sorted(faults, key=_rarity) for _ in range(1 if fault in ONCE else times)]
    occasions: dict[Fault, int] = {}
    for fault in wanted:
        able = [house for house in houses if _can_have(house, fault)]
        if fault is Fault.LYING_TOTALS:
            _liar(able, plans, random).lies_at_end_of_day = True
            continue
        free = [house for house in able if room[house.id]]
        if not free:
            continue
        most = max(len(room[house.id]) for house in free)
        chosen = random.choice([house for house in free if len(room[house.id]) == most])
        places = room[chosen.id]
        occasion = occasions.get(fault, 0)
        occasions[fault] = occasion + 1
        plans[chosen.id].batches[places.pop(random.randrange(len(places)))] = (fault, occasion)
    return plans


def _liar(houses: Sequence[House], plans: Mapping[str, HousePlan], random: Random) -> HousePlan:
    """A house that loses no batch: its figures are otherwise those that the gateway has."""
    candidates = [plans[house.id] for house in houses]
    honest = [plan for plan in candidates if all(fault is not Fault.DROP for fault, _ in plan.batches.values())]
    return random.choice(honest or candidates)


def _can_have(house: House, fault: Fault) -> bool:
    return fault is not Fault.FALSE_METER or bool(house.units("MACHINE"))


def _rarity(fault: Fault) -> tuple[int, str]:
    return (0 if fault is Fault.FALSE_METER else 2 if fault is Fault.LYING_TOTALS else 1, fault)
