"""What was expected against what the gateway tells: both as plain data, neither may have more than the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.local.simulation.model import Account

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Expected rows that nothing told agrees with, and told rows that nobody expected."""

    missing: Sequence[Facts]
    surplus: Sequence[Facts]

    @property
    def equal(self) -> bool:
        """True when both sides have the same."""
        return not self.missing and not self.surplus


def compare(expected: Iterable[Facts], told: Iterable[Facts]) -> Comparison:
    """Pairs each expected row with a told one that agrees with it."""
    surplus = list(told)
    missing = []
    for row in expected:
        found = next((place for place, other in enumerate(surplus) if agrees(row, other)), None)
        if found is None:
            missing.append(row)
        else:
            del surplus[found]
    return Comparison(missing, surplus)


def agrees(expected: object, told: object) -> bool:
    """True when all that is expected is told: objects may have more members, lists no more elements."""
    if isinstance(expected, Mapping):
        return isinstance(told, Mapping) and all(
            name in told and agrees(value, told[name]) for name, value in expected.items()
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(told, list | tuple)
            and len(expected) == len(told)
            and all(agrees(one, other) for one, other in zip(expected, told, strict=True))
        )
    return expected == told


def expected_tickets(account: Account) -> list[Facts]:
    """The tickets as `GET /v1/tickets` tells them."""
    return [asdict(ticket) for ticket in account.tickets]


def expected_obligations(account: Account) -> list[Facts]:
    """The obligations as `GET /v1/obligations` tells them."""
    return [
        {name: value for name, value in {**asdict(due), "day": due.day.isoformat()}.items() if name != "owner"}
        for due in account.obligations
    ]
