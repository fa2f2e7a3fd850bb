"""Laws of judging event by event: what is bad is refused, and nothing else changes."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support.gaming import (
    EVENTS,
    HOME,
    RECEIVED,
    GamingCase,
    contents,
    count_anew,
    events_of,
    example,
    gaming_rules,
    refused,
)
from validators.gaming.complexes import complex_id_of
from validators.gaming.messages import BATCH
from validators.model import Severity, Verdict
from validators.profiles import ProfileBook

CLEAN = GamingCase(example(BATCH)).judge()
COUNT = len(CLEAN.items)

Spoil = Callable[[etree._Element], object]


def _set(name: str, value: str) -> Spoil:
    return lambda event: event.set(name, value)


SPOILS: dict[str, Spoil] = {
    "unknown kind": _set("Kind", "TIP"),
    "no kind": lambda event: event.attrib.pop("Kind"),
    "no time": lambda event: event.attrib.pop("Time"),
    "unknown unit": _set("Unit", "NOWHERE"),
    "lower-case unit": _set("Unit", "desk-1"),
    "negative amount": _set("Amount", "-1"),
    "huge amount": _set("Amount", "9" * 30),
    "far future": _set("Time", "2100-01-01T00:00:00.000+05:00"),
    "far past": _set("Time", "1900-01-01T00:00:00.000+05:00"),
    "no such day": _set("Time", "2026-02-30T13:00:00.000+05:00"),
    "number of 2^63": _set("Sequence", "9223372036854775808"),
    "number out of range": _set("Sequence", "4096"),
    "unknown attribute": _set("Surprise", "1"),
    "foreign attribute": _set("{urn:x}Amount", "1"),
    "schema hint": _set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true"),
    "attribute of another kind": _set("To", "2026-11-28T13:10:00.000+05:00"),
    "wrong IIN": _set("Player", "123456789011"),
    "text inside": lambda event: setattr(event, "text", "x"),
    "element inside": lambda event: etree.SubElement(event, "Event"),
}


def test_the_clean_batch_has_every_event_in_its_place() -> None:
    assert CLEAN.verdict is Verdict.ACCEPTED
    assert [item.number for item in CLEAN.items] == list(range(1, COUNT + 1))
    assert all(item.accepted and item.leaf == "" and item.findings == () for item in CLEAN.items)


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
@given(chosen=st.sets(st.integers(0, COUNT - 1), min_size=1))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_exactly_the_bad_events_are_refused_and_the_others_stay_as_they_were(spoil: Spoil, chosen: set[int]) -> None:
    root = example(BATCH)
    for position, event in enumerate(events_of(root)):
        if position in chosen:
            spoil(event)
    count_anew(root)
    judgement = GamingCase(root).judge()
    assert judgement.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert {nth for nth, item in enumerate(judgement.items) if not item.accepted} == chosen
    kept = [content for nth, content in enumerate(contents(CLEAN)) if nth not in chosen]
    assert contents(judgement) == kept
    assert judgement.series is not None
    assert (judgement.series.facts["events"], judgement.series.facts["refused"]) == (COUNT, len(chosen))


@given(
    chosen=st.dictionaries(st.integers(0, COUNT - 1), st.sampled_from(sorted(SPOILS)), min_size=1),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_different_defects_in_one_batch_stay_apart(chosen: dict[int, str]) -> None:
    root = example(BATCH)
    for position, event in enumerate(events_of(root)):
        if position in chosen:
            SPOILS[chosen[position]](event)
    count_anew(root)
    judgement = GamingCase(root).judge()
    assert {nth for nth, item in enumerate(judgement.items) if not item.accepted} == set(chosen)
    for nth, item in enumerate(judgement.items):
        assert all(finding.path.startswith(f"{EVENTS}/Event[{nth + 1}]") for finding in item.findings)


def test_a_refused_event_has_the_leaf_hash_of_its_element_and_no_content() -> None:
    root = example(BATCH)
    event = next(iter(events_of(root)))
    event.set("Unit", "NOWHERE")
    [item] = [item for item in GamingCase(root).judge().items if not item.accepted]
    written = etree.tostring(event, method="c14n", exclusive=True, with_tail=False)
    assert item.leaf == sha256(b"\0" + written).hexdigest()
    assert item.content == {}
    assert item.id == event.get("Id")


def test_a_batch_of_bad_events_alone_is_accepted_with_warnings() -> None:
    root = example(BATCH)
    for event in events_of(root):
        event.attrib.pop("Time")
    judgement = GamingCase(root).judge()
    assert judgement.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert refused(judgement) == list(range(1, COUNT + 1))
    assert contents(judgement) == []


def test_the_only_event_of_a_batch_has_a_path_without_a_position() -> None:
    root = example(BATCH)
    for event in list(events_of(root))[1:]:
        event.getparent().remove(event)  # type: ignore[union-attr]
    next(iter(events_of(root))).attrib.pop("Amount")
    count_anew(root)
    [item] = GamingCase(root).judge().items
    assert [finding.path for finding in item.findings] == [f"{EVENTS}/Event/@Amount"]


def test_a_refused_batch_gives_no_event_and_no_place_in_the_series() -> None:
    judgement = GamingCase(example(BATCH)).change("set //Total[1]/@Count = 7").judge()
    assert judgement.verdict is Verdict.REFUSED
    assert (judgement.items, judgement.series, judgement.key) == ((), None, None)
    assert judgement.topic == "fma.rejections.v1"


def test_thousands_of_bad_events_are_all_told_of_and_the_first_are_explained() -> None:
    case = GamingCase(example(BATCH)).change("copy //Event[last()] = 1500 ; set //Event/@Sequence = x ; totals")
    judgement = case.judge()
    assert len(judgement.items) == COUNT + 1500
    codes = [finding.code for item in judgement.items for finding in item.findings]
    assert codes.count("XML-034") == 500
    assert codes.count("XML-099") == COUNT + 1000
    assert all(finding.severity is Severity.ERROR for item in judgement.items for finding in item.findings)


def test_events_have_their_content_in_plain_data() -> None:
    meters, replacement = CLEAN.items[5].content, CLEAN.items[9].content
    assert meters == {
        "sequence": 6,
        "id": "5F1C0000-0000-4000-8000-000000000006",
        "kind": "METERS",
        "time": "2026-11-28T13:10:00.000+05:00",
        "unit": "SLOT-1",
        "coin_in": 812000,
        "coin_out": 640000,
        "jackpots": 0,
        "hand_pays": 0,
        "drop": 815000,
        "games": 4102,
    }
    assert (replacement["original_sequence"], replacement["replaced_kind"]) == (3, "BUY-IN")
    assert replacement["amount"] == "350000"


def test_a_batch_names_its_place_in_the_series_and_where_it_goes() -> None:
    assert CLEAN.series is not None
    assert (CLEAN.series.name, CLEAN.series.number) == ("ALA-CASINO-1", 1)
    assert CLEAN.series.facts == {
        "previous": "0" * 64,
        "first": 1,
        "last": 12,
        "made_at": "2026-11-28T08:16:30.000000Z",
        "events": 12,
        "refused": 0,
    }
    assert (CLEAN.topic, CLEAN.event_type) == ("fma.gaming.events.v1", "kz.fma.gaming.event.v1")
    assert CLEAN.key == complex_id_of(example(BATCH)) == "ALA-CASINO-1"
    assert "Events" not in CLEAN.content["Data"]["Root"][BATCH]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Amount", "300000", []),
        ("Amount", "-1", ["XML-023 /Event/@Amount"]),
        ("Unit", "NOWHERE", ["GAM-023 /Event/@Unit"]),
        ("Odds", "2", ["GAM-021 /Event/@Odds"]),
    ],
)
def test_an_event_is_judged_alone_as_in_its_batch(name: str, value: str, expected: list[str]) -> None:
    event = next(event for event in events_of(example(BATCH)) if event.get("Kind") == "BUY-IN")
    event.set(name, value)
    profile = ProfileBook.load().family("gaming").first
    item = gaming_rules().judge_event(profile, event, RECEIVED, HOME)
    assert [f"{finding.code} {finding.path}" for finding in item.findings] == expected
    assert item.accepted is (not expected)
