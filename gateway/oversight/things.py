"""What dealers reported: operations that stand or were taken back, and where the chain of a thing does not hold.

A chain follows from the operations of its thing in the order of their days alone, so that it does not matter in which
order reports come.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from gateway.oversight.tickets import NAMESPACE, Occasion
from validators.luxury.chains import ChainFinding, ChainRules, Remark, chain_of
from validators.operations.deals import Deal, DealId


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not hold in the chain of a thing at one operation; closed when what comes later mends it."""

    id: UUID
    item: str
    remark: Remark
    deal: DealId
    open: bool
    opened_at: datetime
    closed_at: datetime | None
    changed_at: datetime
    revision: int
    detail: Mapping[str, Any]


class Effect(NamedTuple):
    """An operation that counts from now on, or no more."""

    deal: Deal
    counts: bool


@dataclass(slots=True)
class Things:
    """The operations at hand by the code of their thing, empty for none; `told` has every change of a finding in order.

    `undone` are the operations that some correction names, at hand or not.
    """

    deals: dict[DealId, Deal] = field(default_factory=dict)
    undone: set[DealId] = field(default_factory=set)
    findings: dict[UUID, Finding] = field(default_factory=dict)
    new: list[Deal] = field(default_factory=list)
    told: list[Finding] = field(default_factory=list)
    _items: dict[str, set[DealId]] = field(default_factory=dict)

    def hold(self, deal: Deal) -> None:
        """Takes an operation in."""
        self.deals[deal.id] = deal
        if deal.item:
            self._items.setdefault(deal.item, set()).add(deal.id)

    def standing_of(self, item: str) -> list[Deal]:
        """The operations with a thing that no correction names."""
        return [self.deals[name] for name in self._items.get(item, ()) if name not in self.undone]

    @property
    def changed(self) -> list[Finding]:
        """How each finding that changed stands at last."""
        return [self.findings[name] for name in dict.fromkeys(one.id for one in self.told)]


def take(things: Things, deals: Sequence[Deal], rules: ChainRules, occasion: Occasion) -> list[Effect]:
    """Takes the operations of a report in, judges the chains that they touch, and tells which count and which no more.

    Of two with one name the first stands.
    """
    effects: list[Effect] = []
    touched: set[str] = set()
    for deal in deals:
        if deal.id in things.deals:
            continue
        things.hold(deal)
        things.new.append(deal)
        touched.add(deal.item)
        if deal.corrects is not None and deal.corrects not in things.undone:
            things.undone.add(deal.corrects)
            original = things.deals.get(deal.corrects)
            if original is not None:
                touched.add(original.item)
                effects.append(Effect(original, counts=False))
        if deal.id not in things.undone:
            effects.append(Effect(deal, counts=True))
    for item in sorted(touched - {""}):
        _judge(things, item, rules, occasion)
    return [effect for effect in effects if effect.deal.counts]


def _judge(things: Things, item: str, rules: ChainRules, occasion: Occasion) -> None:
    links, _ = chain_of(things.standing_of(item), rules)
    found = {_name_of(item, one): one for link in links for one in link.findings}
    for name, one in found.items():
        known = things.findings.get(name)
        if known is None:
            _tell(things, _opened(name, item, one, occasion), occasion)
        elif not known.open or known.detail != one.detail:
            _tell(things, replace(known, open=True, closed_at=None, detail=one.detail), occasion)
    for name in _open_of(things.findings.values(), item):
        if name not in found:
            _tell(things, replace(things.findings[name], open=False, closed_at=occasion.at), occasion)


def _name_of(item: str, one: ChainFinding) -> UUID:
    return uuid5(NAMESPACE, "\n".join((item, one.remark, *map(str, one.deal.id))))


def _opened(name: UUID, item: str, one: ChainFinding, occasion: Occasion) -> Finding:
    at = occasion.at
    return Finding(name, item, one.remark, one.deal.id, True, at, None, at, 0, one.detail)


def _open_of(findings: Iterable[Finding], item: str) -> list[UUID]:
    return [one.id for one in findings if one.item == item and one.open]


def _tell(things: Things, finding: Finding, occasion: Occasion) -> None:
    new = replace(finding, revision=finding.revision + 1, changed_at=max(occasion.at, finding.changed_at))
    things.findings[new.id] = new
    things.told.append(new)
