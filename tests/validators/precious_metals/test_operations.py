"""Laws of judging operation by operation: what is bad is refused, nothing else changes, and sums are exact."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from codes.editions import load_codebook
from gateway.client.envelopes import totals_by_kind
from tests.support.gaming import contents, refused
from tests.support.metals import DEALER, OPERATIONS, ReportCase, count_anew, example, operations_of
from validators.model import Verdict
from validators.operations.thresholds import Thresholds

CLEAN = ReportCase(example()).judge()
COUNT = len(CLEAN.items)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _set(name: str, value: str) -> Callable[[etree._Element], object]:
    return lambda operation: operation.attrib.update({name: value})


SPOILS: dict[str, Callable[[etree._Element], object]] = {
    "unknown kind": _set("Kind", "LENT"),
    "no date": lambda operation: operation.attrib.pop("Date"),
    "no such day": _set("Date", "2026-11-31"),
    "outside of the period": _set("Date", "2026-12-01"),
    "negative price": _set("Price", "-1"),
    "huge price": _set("Price", "9" * 30),
    "number of 2^63": _set("Sequence", "9223372036854775808"),
    "unknown attribute": _set("Surprise", "1"),
    "schema hint": _set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true"),
    "wrong identifier": lambda operation: operation.attrib.update({"PartyKind": "IIN", "Party": "123456789011"}),
    "text inside": lambda operation: setattr(operation, "text", "x"),
}


@given(chosen=st.dictionaries(st.integers(0, COUNT - 1), st.sampled_from(sorted(SPOILS)), min_size=1))
@SLOW
def test_exactly_the_bad_operations_are_refused_and_the_others_stay_as_they_were(chosen: dict[int, str]) -> None:
    root = example()
    for position, operation in enumerate(operations_of(root)):
        if position in chosen:
            SPOILS[chosen[position]](operation)
    count_anew(root)
    judgement = ReportCase(root).judge()
    assert judgement.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert {nth for nth, item in enumerate(judgement.items) if not item.accepted} == set(chosen)
    assert contents(judgement) == [content for nth, content in enumerate(contents(CLEAN)) if nth not in chosen]
    assert judgement.series is not None
    assert (judgement.series.facts["operations"], judgement.series.facts["refused"]) == (COUNT, len(chosen))
    for nth, item in enumerate(judgement.items):
        assert all(finding.path.startswith(f"{OPERATIONS}/Operation[{nth + 1}]") for finding in item.findings)


@given(prices=st.lists(st.decimals("0", "99999999999999999.99", places=2), min_size=COUNT, max_size=COUNT))
@SLOW
def test_totals_are_exact_to_the_tiyn(prices: list[Decimal]) -> None:
    root = example()
    for operation, price in zip(operations_of(root), prices, strict=True):
        for attribute in ("Price", "PriceTenge"):
            if attribute in operation.attrib:
                operation.set(attribute, f"{price:f}")
    count_anew(root)
    assert ReportCase(root).judge().verdict.stands
    total = root.find(".//Total[@Kind='SOLD']")
    assert total is not None
    total.set("Amount", f"{Decimal(total.get('Amount', '0')) + Decimal('0.01'):f}")
    assert ReportCase(root).judge().verdict is Verdict.REFUSED


@given(grams=st.decimals("0.1", "99999", places=3), fineness=st.sampled_from(["375", "585", "916", "999.9"]))
@SLOW
def test_pure_mass_is_mass_by_fineness_and_nothing_else(grams: Decimal, fineness: str) -> None:
    pure = (grams * Decimal(fineness) / 1000).quantize(Decimal("0.001"))
    for told, right in ((pure, True), (pure + max(Decimal("0.007"), pure / 1000), False)):
        root = example()
        first = operations_of(root)[0]
        first.attrib.update({"Grams": f"{grams:f}", "Fineness": fineness, "PureGrams": f"{told:.3f}"})
        assert (refused(ReportCase(root).judge()) == []) is right


def test_a_refused_operation_has_the_leaf_hash_of_its_element_and_no_content() -> None:
    root = example()
    operation = operations_of(root)[0]
    operation.set("Metal", "FE")
    [item] = [item for item in ReportCase(root).judge().items if not item.accepted]
    written = etree.tostring(operation, method="c14n", exclusive=True, with_tail=False)
    assert item.leaf == sha256(b"\0" + written).hexdigest()
    assert (item.content, item.id) == ({}, operation.get("Id"))


def test_an_operation_has_its_content_in_plain_data() -> None:
    assert CLEAN.items[7].content == {
        "sequence": 48,
        "id": "6A2E0000-0000-4000-8000-000000000048",
        "kind": "WITHDRAW",
        "date": "2026-11-24",
        "original": "6A2E0000-0000-4000-8000-000000000039",
        "original_sequence": 39,
        "reason": "Покупатель вернул товар в тот же день",
    }
    assert (CLEAN.items[0].content["count"], CLEAN.items[0].content["pure_grams"]) == (1, "2.41")


def test_a_report_names_its_place_in_the_series_and_where_it_goes() -> None:
    assert CLEAN.series is not None
    assert (CLEAN.series.name, CLEAN.series.number) == (f"metals/{DEALER}", 3)
    assert dict(CLEAN.series.facts) == {
        "entity_kind": "150",
        "from": "2026-11-01",
        "to": "2026-11-30",
        "premises": "750000000",
        "nil": False,
        "first": 41,
        "last": 48,
        "operations": 8,
        "refused": 0,
    }
    assert (CLEAN.topic, CLEAN.event_type, CLEAN.key) == (
        "fma.precious-metals.v1",
        "kz.fma.precious-metals.operation.v1",
        None,
    )


def test_a_nil_report_is_one_record_of_its_own_type() -> None:
    judgement = ReportCase(example("nil")).judge()
    assert (judgement.items, judgement.event_type) == ((), "kz.fma.precious-metals.nil.v1")
    assert judgement.content["Data"]["Root"]["MetalsReport"]["Nil"] == "True"
    assert judgement.series is not None
    assert judgement.series.facts["nil"] is True


def test_a_refused_report_gives_no_operation_and_no_place_in_the_series() -> None:
    judgement = ReportCase(example()).change("set //Nil = True").judge()
    assert (judgement.items, judgement.series, judgement.event_type) == ((), None, "")


@pytest.mark.parametrize(("operation", "tenge"), [("1711", 5_000_000), ("1721", 5_000_000), ("2110", 3_000_000)])
def test_thresholds_are_those_of_order_13_on_the_day(operation: str, tenge: int) -> None:
    thresholds = Thresholds(load_codebook())
    assert thresholds.of(operation, date(2026, 11, 1)) == tenge * 100
    assert thresholds.of("6062", date(2026, 11, 1)) is None


def test_the_total_of_a_kind_counts_prices_in_tenge() -> None:
    totals = totals_by_kind([{"kind": "SOLD", "price": "1", "price_tenge": "500.5"}, {"kind": "SOLD", "price": "2"}],
                            ("price_tenge", "price"))  # fmt: skip
    assert totals == {"SOLD": (2, "502.50")}
