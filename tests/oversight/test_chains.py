"""The chain of a thing: what does not hold is told, and mended, in whichever order reports come."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oversight.things import Things, take
from gateway.oversight.tickets import Occasion
from tests.oversight.kit import NOON
from validators.luxury.chains import Remark, chain_of, chain_rules, luxury_deal
from validators.operations.deals import LUXURY, Deal, Filing

ITEM, OTHER_ITEM = "TCZ6EP34VK5DMD", "TF3VM5Z9PPMZ3Y"
DEALER, ANNA, BORIS, CLARA = "150540007897", "900101300017", "851212400335", "920501450216"
FIRST = date(2026, 11, 1)
RULES = chain_rules()
PEOPLE = (DEALER, ANNA, BORIS, CLARA)


@dataclass
class Diary:
    """Operations of one filer, a day apart."""

    filer: str = DEALER
    made: int = 0

    def deal(self, seller: str | None, buyer: str | None, kind: str = "SALE", **more: Any) -> Deal:
        self.made += 1
        content = {
            "sequence": self.made,
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.filer} {self.made}")),
            "kind": kind,
            "date": (FIRST + timedelta(days=self.made)).isoformat(),
            "item_code": ITEM,
            "price": "10000000",
            "condition": "USED",
            "seller": seller,
            "buyer": buyer,
            **more,
        }
        told = {name: value for name, value in content.items() if value is not None}
        return luxury_deal(Filing(LUXURY, self.filer, "160", self.made), told)


def after(deals: Iterable[Deal], things: Things | None = None) -> Things:
    """What is known after these operations, each in a report of its own."""
    things = things or Things()
    for place, deal in enumerate(deals):
        take(things, [deal], RULES, Occasion(NOON + timedelta(seconds=place), f"0/{place}"))
    return things


def open_in(things: Things) -> set[tuple[str, int]]:
    return {(one.remark.value, one.deal.sequence) for one in things.findings.values() if one.open}


def test_a_chain_in_which_each_seller_bought_says_nothing() -> None:
    diary = Diary()
    deals = [
        diary.deal(None, DEALER, "IMPORT", condition="NEW"),
        diary.deal(DEALER, ANNA, condition="NEW"),
        diary.deal(ANNA, BORIS, "GIFT", price=None),
        diary.deal(BORIS, "BANK", "PLEDGE", price="1"),
        diary.deal(BORIS, CLARA),
    ]
    things = after(deals)
    assert things.told == []
    assert chain_of(deals, RULES)[1].owner == CLARA


def test_a_seller_who_is_not_the_last_buyer_is_told_once() -> None:
    diary = Diary()
    things = after([diary.deal(DEALER, ANNA), diary.deal(BORIS, CLARA), diary.deal(CLARA, ANNA)])
    (finding,) = things.told
    assert (finding.remark, finding.deal.sequence, finding.revision) == (Remark.OWNER, 2, 1)
    assert finding.detail["expected"] == ANNA
    assert finding.detail["seller"] == BORIS
    assert (finding.detail["after"]["sequence"], finding.detail["after"]["date"]) == (1, "2026-11-02")


@pytest.mark.parametrize(
    ("price", "found"), [("30000000", []), ("30000001", ["price"]), ("3333334", []), ("3333333", ["price"])]
)
def test_a_price_is_far_beyond_the_factor_on_either_side(price: str, found: list[str]) -> None:
    diary = Diary()
    things = after([diary.deal(DEALER, ANNA), diary.deal(ANNA, BORIS, price=price)])
    assert [one.remark for one in things.told] == found


def test_new_a_second_time_is_told_but_imported_and_then_sold_as_new_is_not() -> None:
    diary = Diary()
    things = after(
        [
            diary.deal(None, DEALER, "IMPORT", condition="NEW"),
            diary.deal(DEALER, ANNA, condition="NEW"),
            diary.deal(ANNA, BORIS, condition="NEW"),
        ]
    )
    assert open_in(things) == {("new", 3)}


def test_both_sides_of_one_deal_are_one_deal() -> None:
    seller, buyer = Diary(), Diary(ANNA)
    sold = seller.deal(DEALER, ANNA, condition="NEW")
    bought = buyer.deal(DEALER, ANNA, "PURCHASE", condition="NEW")
    assert after([sold, bought]).told == []
    again = seller.deal(DEALER, ANNA, condition="NEW")
    assert open_in(after([sold, again])) == {("owner", 2), ("new", 2)}


def test_what_comes_late_mends_the_chain_and_its_withdrawal_breaks_it_again() -> None:
    diary = Diary()
    first, late, last = diary.deal(DEALER, ANNA), diary.deal(ANNA, BORIS), diary.deal(BORIS, CLARA)
    things = after([first, last])
    assert open_in(things) == {("owner", 3)}
    after([late], things)
    assert open_in(things) == set()
    corrects = {"original": late.id.guid, "original_sequence": late.id.sequence, "reason": "-"}
    after([diary.deal(None, None, "WITHDRAW", item_code=None, price=None, **corrects)], things)
    assert [(one.open, one.revision) for one in things.told] == [(True, 1), (False, 2), (True, 3)]


def test_a_replacement_stands_in_the_place_of_its_original_and_under_its_own_code() -> None:
    diary = Diary()
    first, wrong = diary.deal(DEALER, ANNA), diary.deal(BORIS, CLARA)
    corrects = {"original": wrong.id.guid, "original_sequence": wrong.id.sequence, "replaced_kind": "SALE"}
    right = diary.deal(BORIS, CLARA, "REPLACE", item_code=OTHER_ITEM, **corrects)
    assert open_in(after([first, wrong, right])) == open_in(after([right, wrong, first])) == set()


@st.composite
def worlds(draw: st.DrawFn) -> list[Deal]:
    """Operations of two filers with one thing, some of them corrected, each on a day of its own."""
    diaries = (Diary(), Diary(ANNA))
    deals: list[Deal] = []
    for day in range(draw(st.integers(1, 9))):
        diary = draw(st.sampled_from(diaries))
        seller, buyer = draw(st.permutations(PEOPLE))[:2]
        more: dict[str, Any] = {"date": (FIRST + timedelta(days=day)).isoformat()}
        more |= {
            "condition": draw(st.sampled_from(["NEW", "USED", None])),
            "price": draw(st.sampled_from(["9", "10", "99"])),
        }
        own = [deal for deal in deals if deal.id.filer == diary.filer]
        kind = draw(st.sampled_from(["SALE", "GIFT", "IMPORT", "PLEDGE", *(["WITHDRAW", "REPLACE"] if own else [])]))
        if kind in ("WITHDRAW", "REPLACE"):
            original = draw(st.sampled_from(own)).id
            more |= {"original": original.guid, "original_sequence": original.sequence, "replaced_kind": "SALE"}
        deals.append(diary.deal(seller, buyer, kind, **more))
    return deals


@given(worlds(), st.randoms(use_true_random=False), st.data())
def test_findings_and_effects_do_not_depend_on_the_order_of_reports(
    deals: list[Deal], random: Random, data: st.DataObject
) -> None:
    other = list(deals)
    random.shuffle(other)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(other)), max_size=3)))
    things, counted = Things(), dict.fromkeys((deal.id for deal in deals), 0)
    for place, chunk in enumerate(_cut(other, cuts)):
        for effect in take(things, chunk, RULES, Occasion(NOON, f"0/{place}")):
            counted[effect.deal.id] += 1 if effect.counts else -1
    straight = after(deals)
    assert _kept(things) == _kept(straight)
    standing = {deal.id for deal in deals if deal.counts and deal.id not in straight.undone}
    assert {name for name, times in counted.items() if times} == standing
    assert set(counted.values()) <= {0, 1}


@given(worlds())
def test_the_findings_are_those_of_the_whole_chain_and_each_change_is_told_in_order(deals: list[Deal]) -> None:
    things = after(deals)
    links, _ = chain_of([deal for deal in deals if deal.id not in things.undone], RULES)
    assert open_in(things) == {(one.remark.value, one.deal.id.sequence) for link in links for one in link.findings}
    for name in things.findings:
        revisions = [one.revision for one in things.told if one.id == name]
        assert revisions == list(range(1, len(revisions) + 1))


def test_an_operation_that_comes_twice_counts_once() -> None:
    deal = Diary().deal(DEALER, ANNA)
    things = Things()
    assert len(take(things, [deal, replace(deal, buyer=BORIS)], RULES, Occasion(NOON, "0/1"))) == 1


def _cut(deals: Sequence[Deal], cuts: Sequence[int]) -> list[Sequence[Deal]]:
    edges = [0, *cuts, len(deals)]
    return [deals[first:last] for first, last in pairwise(edges)]


def _kept(things: Things) -> set[tuple[Any, ...]]:
    return {(one.id, one.remark, one.deal, repr(one.detail)) for one in things.findings.values() if one.open}
