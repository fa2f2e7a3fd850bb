"""FM-1s that are due of dealers: one operation or several within the window reach the threshold, an FM-1 closes it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.oversight.facts import Dealings, Fact, Notice, Origin, Reported
from gateway.oversight.state import Obligation, Working
from tests.oversight.kit import ENGINE, NOON, blank
from validators.luxury.chains import luxury_deal
from validators.operations.deals import LUXURY, METALS, Deal, Filing, deal_of

DEALER, PARTY, OTHER = "070240001235", "900101300017", "851212400335"
FIRST = date(2026, 11, 2)
MILLION = 1_000_000 * 100


@dataclass
class Dealer:
    """Makes the facts of one dealer in metals."""

    kind: str = "150"
    made: int = 0

    def sold(self, millions: float, day: int = 0, party: str | None = PARTY, **more: Any) -> Dealings:
        self.made += 1
        content = {
            "sequence": self.made,
            "id": f"id-{self.made}",
            "kind": "SOLD",
            "party": party,
            "date": (FIRST + timedelta(days=day)).isoformat(),
            "price": str(int(millions * 1_000_000)),
            **more,
        }
        told = {name: value for name, value in content.items() if value is not None}
        return reported(deal_of(Filing(METALS, DEALER, self.kind, self.made), told))

    def withdrawn(self, one: Dealings) -> Dealings:
        name = one.deals[0].id
        return self.sold(0, kind="WITHDRAW", price=None, original=name.guid, original_sequence=name.sequence)


def reported(deal: Deal) -> Dealings:
    place = deal.place[0]
    return Dealings(Origin(0, place, "", NOON + timedelta(seconds=place)), DEALER, (deal,))


def notice(millions: float, day: int = 0, operation: str = "1711", place: int = 900) -> Notice:
    origin = Origin(0, place, "", NOON + timedelta(seconds=place))
    says = Reported(operation, FIRST + timedelta(days=day), int(millions * MILLION), frozenset({PARTY}))
    return Notice(origin, DEALER, f"DOCUMENT-{place}", says)


def after(facts: Iterable[Fact]) -> Working:
    state = blank()
    ENGINE.apply(state, list(facts))
    return state


def due_in(state: Working) -> list[tuple[int, int, bool]]:
    """Day of November, sum in millions and whether it is open, of each FM-1 that is due."""
    due = [one for one in state.obligations.values() if one.due]
    return sorted((one.day.day, one.total // MILLION, one.open) for one in due)


def test_one_operation_at_the_threshold_is_due_and_one_below_is_not() -> None:
    dealer = Dealer()
    assert due_in(after([dealer.sold(5)])) == [(2, 5, True)]
    assert due_in(after([dealer.sold(4.9)])) == []
    assert due_in(after([dealer.sold(9, party=None)])) == []


def test_a_pawnshop_has_the_threshold_of_pawnshops() -> None:
    assert due_in(after([Dealer("140").sold(3, kind="PAWNED")])) == [(2, 3, True)]


def test_what_is_split_over_the_window_is_due_on_its_last_day_and_beyond_it_is_not() -> None:
    dealer = Dealer()
    assert due_in(after([dealer.sold(3), dealer.sold(2, day=2)])) == [(4, 5, True)]
    assert due_in(after([dealer.sold(3), dealer.sold(2, day=3)])) == []
    assert due_in(after([dealer.sold(3), dealer.sold(2, party=OTHER)])) == []


def test_the_matching_fm1_closes_it_whichever_comes_first() -> None:
    dealer = Dealer()
    sales: list[Fact] = [dealer.sold(3), dealer.sold(3, day=1)]
    told: list[list[Fact]] = [[notice(6, day=1)], [notice(3), notice(3, day=1, place=901)]]
    orders: list[list[Fact]] = [order for notices in told for order in ([*sales, *notices], [*notices, *sales])]
    for facts in orders:
        assert due_in(after(facts)) == [(3, 6, False)]
    assert due_in(after([*sales, notice(6, day=1, operation="1721")])) == [(3, 6, True)]


def test_a_withdrawn_operation_makes_nothing_due_and_the_change_is_told() -> None:
    dealer = Dealer()
    sale = dealer.sold(7)
    state = after([sale, dealer.withdrawn(sale)])
    assert due_in(state) == []
    assert [(one.open, one.revision) for one in state.changes.told] == [(True, 1), (False, 2)]


def test_a_car_has_the_threshold_of_its_class_and_both_parties_count() -> None:
    content = {
        "sequence": 1,
        "id": "one",
        "kind": "SALE",
        "date": "2026-11-02",
        "class": "CAR",
        "price": "77850000",
        "seller": PARTY,
        "buyer": OTHER,
    }
    state = after([reported(luxury_deal(Filing(LUXURY, DEALER, "160", 1), content))])
    due = [one for one in state.obligations.values() if one.due]
    assert {(one.operation, one.matter, one.player) for one in due} == {("9101", "CAR", PARTY), ("9101", "CAR", OTHER)}
    cheaper = reported(luxury_deal(Filing(LUXURY, DEALER, "160", 1), {**content, "price": "77849999"}))
    assert due_in(after([cheaper])) == []


@st.composite
def worlds(draw: st.DrawFn) -> list[Fact]:
    """Operations with two parties over a week, some withdrawn, and FM-1s about them."""
    dealer = Dealer()
    facts: list[Fact] = []
    for place in range(draw(st.integers(1, 8))):
        day = draw(st.integers(0, 6))
        sold = [fact for fact in facts if isinstance(fact, Dealings) and fact.deals[0].counts]
        what = draw(st.sampled_from(["sale", "sale", "notice", *(["withdrawal"] if sold else [])]))
        if what == "sale":
            facts.append(dealer.sold(draw(st.integers(1, 6)), day, draw(st.sampled_from([PARTY, OTHER]))))
        elif what == "notice":
            facts.append(notice(draw(st.integers(1, 9)), day, place=900 + place))
        else:
            facts.append(dealer.withdrawn(draw(st.sampled_from(sold))))
    return facts


@given(worlds(), st.randoms(use_true_random=False))
def test_what_is_due_does_not_depend_on_the_order_of_reports_and_fm1s(facts: list[Fact], random: Random) -> None:
    other = list(facts)
    random.shuffle(other)
    assert sums(after(facts)) == sums(after(other))


@given(worlds())
def test_each_sum_is_that_of_the_operations_of_its_window(facts: list[Fact]) -> None:
    state = after(facts)
    undone = state.things.undone
    deals = [deal for deal in state.things.deals.values() if deal.counts and deal.id not in undone]
    for one in state.obligations.values():
        assert one.total == sum(deal.price or 0 for deal in window(deals, one, 2))
        assert one.own == len(window(deals, one, 0))


def window(deals: Sequence[Deal], one: Obligation, days: int) -> list[Deal]:
    return [
        deal for deal in deals if deal.buyer == one.player and timedelta(0) <= one.day - deal.day <= timedelta(days)
    ]


def sums(state: Working) -> set[Obligation]:
    due = (one for one in state.obligations.values() if one.due)
    return {replace(one, revision=0, opened_at=None, closed_at=None) for one in due}
