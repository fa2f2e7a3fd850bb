"""The whole of it: houses and what goes wrong in them from one seed, delivered, and told as plain data."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from random import Random
from typing import Any

import httpx

from gateway.local.simulation.comparison import Facts, compare, expected_obligations, expected_tickets
from gateway.local.simulation.houses import make_houses
from gateway.local.simulation.model import Account, Course, Fault, Owner
from gateway.local.simulation.plan import plan_faults
from gateway.local.simulation.questions import ask_all
from gateway.local.simulation.script import Script


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: how many houses, from which seed, which faults and how often each."""

    complexes: int
    seed: int
    course: Course
    faults: Collection[Fault] = ()
    times: int = 2


class Simulation:
    """The houses of a wish with their scripts; nothing happens before the steps are taken."""

    def __init__(self, owners: Sequence[Owner], wish: Wish) -> None:
        random = Random(wish.seed)  # noqa: S311 - made-up houses, no secret
        self.course = wish.course
        self.seed = wish.seed
        self.houses = list(make_houses(owners, wish.complexes, random))
        plans = plan_faults(self.houses, wish.faults, _batches(wish.course), wish.times, random)
        self.scripts = [Script(house, wish.course, wish.seed, plans[house.id]) for house in self.houses]

    def account(self) -> Account:
        """What all houses did and expect so far."""
        whole = Account()
        for script in self.scripts:
            part = script.account
            whole.injected += part.injected
            whole.tickets += part.tickets
            whole.refused += part.refused
            whole.obligations += part.obligations
            whole.accepted |= part.accepted
        return whole

    def told(self) -> dict[str, Any]:
        """The complexes, what was injected and what must come of it, as plain data."""
        account = self.account()
        complexes = [
            {"complex": house.id, "owner": house.owner.identifier, "kind": house.state.kind} for house in self.houses
        ]
        return {"complexes": complexes, "events": len(account.accepted), **told(account)}

    async def differences(self, client: httpx.AsyncClient, now: datetime) -> dict[str, list[Facts]]:
        """What the gateway should tell and does not, and what it tells and nobody expected; none where all is well."""
        account = self.account()
        owners = {house.owner.identifier: house.owner for house in self.houses}
        mine = {house.id for house in self.houses}
        tickets = [row for owner in owners.values() for row in await ask_all(client, owner, "tickets", now)]
        due = [row for owner in owners.values() for row in await ask_all(client, owner, "obligations", now)]
        found = {
            "tickets": compare(expected_tickets(account), [row for row in tickets if row["complex"] in mine]),
            "obligations": compare(expected_obligations(account), due),
        }
        return {
            f"{what} {name}": list(getattr(comparison, what))
            for name, comparison in found.items()
            for what in ("missing", "surplus")
        }


def told(account: Account) -> dict[str, Any]:
    """What was injected and what must come of it, as plain data for JSON."""
    return {
        "injected": _plain(account.injected),
        "expected": {
            "tickets": _plain(account.tickets),
            "refused_events": _plain(account.refused),
            "obligations": _plain(account.obligations),
        },
    }


def _plain(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [{name: _scalar(value) for name, value in asdict(row).items()} for row in rows]


def _scalar(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _batches(course: Course) -> int:
    """How many batches a house files at least: it may play a little slower than its mean rate, and turns are whole."""
    return int((course.end - course.start).total_seconds() * course.rate * 0.8 / (course.batch_size + 2))
