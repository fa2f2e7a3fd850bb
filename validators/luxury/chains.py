"""The chain of a thing: its operations in order, whose it is, and where the chain does not hold (`proposed`)."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from validators.luxury.unique_codes import CodeKind, CodeRefused, read_code
from validators.operations.deals import Deal, Filing, deal_of
from validators.totals import written

_DATA: Final = "data/luxury/2026-01-01.toml"
_NEW: Final = "NEW"


class Remark(StrEnum):
    """What does not hold: the seller is not the last buyer, the price is far from the last one, new a second time."""

    OWNER = "owner"
    PRICE = "price"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class ChainRules:
    """The section `chain` of the parameters."""

    moving: frozenset[str]
    priced: frozenset[str]
    price_factor: int
    new_once: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """Something that does not hold at a deal; `detail` as it is told, amounts in tenge."""

    remark: Remark
    deal: Deal
    detail: Mapping[str, Any]


@dataclass(slots=True)
class Standing:
    """What is known of a thing after the deals so far: whose it is, its last price, its condition."""

    owner: str | None = None
    price: int | None = None
    condition: str | None = None
    moved: Deal | None = None
    priced: Deal | None = None
    news: dict[frozenset[str], Deal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A deal of the chain with what does not hold at it."""

    deal: Deal
    findings: tuple[ChainFinding, ...]


def luxury_deal(filing: Filing, content: Mapping[str, Any]) -> Deal:
    """The operation of an accepted item of the luxury family."""
    item = _one_form(content.get("item_code"), CodeKind.ITEM) or ""
    return deal_of(filing, content, item, _one_form(content.get("operation_code"), CodeKind.OPERATION))


def chain_of(deals: Iterable[Deal], rules: ChainRules) -> tuple[list[Link], Standing]:
    """The deals that stand in the order of their days, each with its findings, and how the thing stands at last.

    Deals of one day keep the order of their places. After a break the chain goes on with the buyer.
    """
    standing = Standing()
    links = []
    for deal in sorted((one for one in deals if one.counts), key=lambda one: (one.day, one.place)):
        links.append(Link(deal, tuple(_findings(deal, standing, rules))))
        _take(deal, standing, rules)
    return links, standing


@cache
def chain_rules() -> ChainRules:
    """The rules of the edition."""
    told = tomllib.loads(files("validators").joinpath(_DATA).read_text("utf-8"))["chain"]
    groups = tuple(map(frozenset, told["new_once"]))
    return ChainRules(frozenset(told["moving"]), frozenset(told["priced"]), told["price_factor"], groups)


def _findings(deal: Deal, standing: Standing, rules: ChainRules) -> Iterator[ChainFinding]:
    last, priced = standing.moved, standing.priced
    if last is not None and deal.is_other_side_of(last):
        return
    if last is not None and deal.seller is not None and deal.seller != standing.owner:
        owner = {"expected": standing.owner, "seller": deal.seller, "after": _told(last)}
        yield ChainFinding(Remark.OWNER, deal, owner)
    if priced is not None and deal.kind in rules.priced and _far(deal.price, priced.price, rules.price_factor):
        prices = {"price": written(deal.price or 0), "last": written(priced.price or 0)}
        yield ChainFinding(Remark.PRICE, deal, {**prices, "factor": rules.price_factor, "after": _told(priced)})
    for group in rules.new_once:
        if deal.condition == _NEW and deal.kind in group and group in standing.news:
            yield ChainFinding(Remark.NEW, deal, {"after": _told(standing.news[group])})


def _take(deal: Deal, standing: Standing, rules: ChainRules) -> None:
    if deal.kind in rules.moving and deal.buyer is not None:
        standing.owner, standing.moved = deal.buyer, deal
    if deal.kind in rules.priced and deal.price:
        standing.price, standing.priced = deal.price, deal
    standing.condition = deal.condition or standing.condition
    if deal.condition == _NEW:
        for group in rules.new_once:
            if deal.kind in group:
                standing.news.setdefault(group, deal)


def _far(price: int | None, last: int | None, factor: int) -> bool:
    if not price or not last:
        return False
    return price > last * factor or last > price * factor


def _told(deal: Deal) -> dict[str, Any]:
    return {**deal.id.told(), "date": deal.day.isoformat()}


def _one_form(typed: str | None, kind: CodeKind) -> str | None:
    try:
        return None if typed is None else read_code(typed, kind).text
    except CodeRefused:
        return None
