"""Worlds for the laws: batches of two complexes with every fault there is, reports, repairs and FM-1s.

A sequence that is used twice is used by heart-beats: which of two other events counts is a matter of who came first.
"""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any

from gateway.model import Draft
from tests.oversight.kit import PLAYER, Casino, event, games, guid, meters

KINDS = ("HEARTBEAT", "games", "METERS", "CASH-OUT", "JACKPOT", "HAND-PAY", "RAM-CLEAR", "SOFTWARE-HASH", "CANCEL")


@dataclass
class World:
    """What is filed: first of all the registrations, then the rest, in an order that makes no difference."""

    registrations: list[Draft]
    rest: list[Draft]


def make_world(seed: int, batches: int = 7) -> World:
    """A world from a seed."""
    return asyncio.run(_make(Random(seed), batches))


async def _make(random: Random, batches: int) -> World:
    registrations, rest = [], []
    for name in ("CASINO-1", "CASINO-2"):
        casino = Casino(name)
        registrations.append(await casino.register())
        rest += await _complex(casino, random, batches)
    casino = Casino()
    for player in (PLAYER, "N0815"):
        if random.random() < 0.7:
            rest.append(await casino.notice(player, random.choice(["400000", "1500000", "9000000"])))
            again = guid(random.getrandbits(64))
            rest += [await casino.notice(player, "300000", document=again) for _ in range(2)]
    return World(registrations, rest)


async def _complex(casino: Casino, random: Random, batches: int) -> list[Draft]:
    made: list[Draft] = []
    sequence, totals, again = 1, [0, 0, 0, 0, 0, 0], None
    for number in range(1, batches + 1):
        events = []
        for _ in range(random.randint(1, 8)):
            events.append(_event(random, sequence, totals))
            sequence += 1
        if random.random() < 0.15:
            sequence += random.randint(1, 5)
        span = (events[0]["sequence"], events[-1]["sequence"])
        lost = [one["sequence"] for one in events if random.random() < 0.1]
        kept = [one for one in events if one["sequence"] not in lost]
        refused = [one for one in lost if random.random() < 0.5]
        if again and random.random() < 0.3:
            kept.insert(0, event(again))
            span = (again, span[1])
        again = events[-1]["sequence"] if events[-1]["kind"] == "HEARTBEAT" and events[-1] in kept else None
        previous = "ee" * 32 if random.random() < 0.2 else None
        if (kept or refused) and random.random() > 0.1:
            made.append(await casino.batch(number, kept, refused=refused, span=span, previous=previous))
        if previous and random.random() < 0.5:
            made.append(await casino.repair(number))
    if random.random() < 0.5:
        figures = [("S-1", "HEARTBEAT", 12, random.randint(1, 3), "0"), ("D-1", "CASH-OUT", 12, 2, "1400000")]
        made.append(await casino.end_of_day(figures))
    return made


def _event(random: Random, sequence: int, totals: list[int]) -> dict[str, Any]:
    kind = random.choice(KINDS)
    if kind in MACHINE:
        return MACHINE[kind](random, sequence, totals)
    if kind == "CASH-OUT":
        who = random.choice([{"player": PLAYER}, {"document": "N0815"}, {}])
        return event(sequence, kind, "D-1", amount=random.choice(["700000", "250000.50"]), means="CASH", **who)
    if kind == "SOFTWARE-HASH":
        return event(sequence, kind, "S-1", hash=random.choice(["aa", "bb"]) * 32)
    if kind == "CANCEL" and sequence > 1:
        original = random.randint(1, sequence - 1)
        name = guid(random.choice([original, original, 999_999]))
        return event(sequence, kind, "S-1", original=name, original_sequence=original, reason="a test")
    return event(sequence)


def _games(random: Random, sequence: int, totals: list[int]) -> dict[str, Any]:
    stakes, winnings, count = random.randint(0, 50), random.randint(0, 50), random.randint(0, 9)
    for place, value in ((0, stakes), (1, winnings), (5, count)):
        totals[place] += value
    return games(sequence, "M-1", str(stakes), str(winnings), count)


def _meters(random: Random, sequence: int, totals: list[int]) -> dict[str, Any]:
    names = ("coin_in", "coin_out", "jackpots", "hand_pays", "drop", "games")
    told = [max(0, value + random.choice([0, 0, 0, 0, 5, -5])) for value in totals]
    return meters(sequence, "M-1", **dict(zip(names, told, strict=True)))


def _jackpot(random: Random, sequence: int, totals: list[int]) -> dict[str, Any]:
    amount = random.randint(1, 900)
    totals[2] += amount
    return event(sequence, "JACKPOT", "M-1", amount=str(amount))


def _hand_pay(random: Random, sequence: int, totals: list[int]) -> dict[str, Any]:
    amount = random.randint(1, 900)
    totals[3] += amount
    return event(sequence, "HAND-PAY", "M-1", amount=str(amount), means="CASH")


def _ram_clear(_random: Random, sequence: int, totals: list[int]) -> dict[str, Any]:
    totals[:] = [0] * 6
    return event(sequence, "RAM-CLEAR", "M-1", reason="a test")


MACHINE = {
    "games": _games,
    "METERS": _meters,
    "JACKPOT": _jackpot,
    "HAND-PAY": _hand_pay,
    "RAM-CLEAR": _ram_clear,
}
