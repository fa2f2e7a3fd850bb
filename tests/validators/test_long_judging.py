"""A long message is judged as a short one of the same content: row by row, to the same verdict, findings and items."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support import gaming, metals
from tests.support.corpus import Line, lines_of
from tests.support.gaming import GamingCase, count_anew
from tests.support.metals import ReportCase
from validators.gaming import events as gaming_events
from validators.gaming.messages import BATCH
from validators.judge import judge
from validators.limits import LONG_LIMITS
from validators.long_judging import judge_long
from validators.long_text import settle
from validators.model import Circumstances, Item, Judgement, Verdict
from validators.parsing import parse
from validators.profiles import ProfileBook
from validators.refusals import LimitExceeded, Refusal, TooLarge
from validators.repeated import Repeats

SIZES = (64, 900, 65_536)
TOO_MANY = {"GAM-005", "OPS-001"}
CIRCUMSTANCES = Circumstances(gaming.RECEIVED, "093", gaming.HOME, register_known=True)


def of_any_length(family: str) -> list[Line]:
    """The cases of a corpus, but for those that are about how many items a short message may have."""
    return [line for line in lines_of(family) if TOO_MANY.isdisjoint(line.codes)]


@contextmanager
def spooled(body: bytes) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        yield cast("BinaryIO", file)


class Listed:
    """A keeper that keeps items in a list."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def begin(self) -> None:
        self.items.clear()

    def take(self, items: Sequence[Item]) -> None:
        self.items += items


def judged(
    body: bytes, circumstances: Circumstances = CIRCUMSTANCES, size: int = 900, profiles: ProfileBook | None = None
) -> tuple[Judgement, list[Item]]:
    kept = Listed()
    with spooled(body) as file:
        long = judge_long(settle(file, LONG_LIMITS, size), circumstances, profiles or ProfileBook.load(), kept)
    return long, kept.items if long.verdict.stands else []


def agree(body: bytes, circumstances: Circumstances, size: int) -> Judgement:
    """That both ways give the same; the short way's judgement."""
    short = judge(parse(body), circumstances, ProfileBook.load())
    long, accepted = judged(body, circumstances, size)
    bare = replace(short, items=tuple(item for item in short.items if not item.accepted))
    assert long == bare
    assert accepted == [item for item in short.items if item.accepted]
    return short


@pytest.mark.parametrize("line", of_any_length("gaming"), ids=lambda line: line.name)
def test_every_case_of_the_gaming_corpus(line: Line) -> None:
    case = GamingCase(gaming.example(line.base)).change(line.changes)
    agree(case.body(), case.circumstances(), SIZES[len(line.name) % 3])


@pytest.mark.parametrize("line", of_any_length("precious-metals"), ids=lambda line: line.name)
def test_every_case_of_the_metals_corpus(line: Line) -> None:
    case = ReportCase(metals.example(line.base)).change(line.changes)
    agree(case.body(), case.circumstances(), SIZES[len(line.name) % 3])


def batch_of(count: int) -> etree._Element:
    """A batch of so many heartbeats, a second apart, its totals true."""
    root = gaming.example(BATCH)
    events = root.find(".//Events")
    last = root.find(".//LastEventSequence")
    assert events is not None
    assert last is not None
    del events[:]
    last.text = str(count)
    for number in range(1, count + 1):
        facts = {"Sequence": str(number), "Id": f"6A2E0000-0000-4000-8000-{number:012X}", "Kind": "HEARTBEAT"}
        time = f"2026-11-28T{12 + number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000+05:00"
        etree.SubElement(events, "Event", {**facts, "Time": time, "Unit": "SERVER-1"})
    count_anew(root)
    return root


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 29), st.sampled_from(["Sequence", "Id", "Time", "Unit", "Kind"]), st.integers(0, 29)),
        max_size=8,
    ),
    size=st.sampled_from((64, 900, 65_536)),
    skew=st.sampled_from((0, 3_600)),
)
@settings(max_examples=60, deadline=None)
def test_items_that_repeat_each_other_or_are_out_of_order_are_refused_alike(
    changes: list[tuple[int, str, int]], size: int, skew: int
) -> None:
    root = batch_of(30)
    events = list(gaming.events_of(root))
    for place, name, other in changes:
        value = events[other].get(name, "")
        if name == "Time" and skew:
            value = value.replace("T12:", "T11:")
        if name == "Kind":
            value = "TIP" if other % 2 else "CLOCK-CHANGED"
        events[place].set(name, value)
    count_anew(root)
    agree(etree.tostring(root), CIRCUMSTANCES, size)


def test_a_message_of_more_items_than_a_long_one_may_have_is_refused_without_them(tmp_path: Path) -> None:
    long, accepted = judged(etree.tostring(batch_of(30)), profiles=with_most(tmp_path, most=5_000, large=29))
    assert [finding.code for finding in long.findings] == ["GAM-005"]
    assert long.findings[0].parameters == {"most": "29", "given": "30"}
    assert (accepted, long.items) == ([], ())


@pytest.mark.parametrize("name", ["Unit", "Surprise", "Id", "Sequence"])
def test_a_message_with_more_wrong_items_than_a_receipt_tells_is_refused_as_a_whole(tmp_path: Path, name: str) -> None:
    root = batch_of(30)
    events = list(gaming.events_of(root))
    for event in events[5:]:
        event.set(name, events[0].get(name, "NOWHERE") if name in ("Id", "Sequence") else "NOWHERE")
    long, accepted = judged(etree.tostring(root), profiles=with_most(tmp_path, most=24, large=30))
    assert [finding.code for finding in long.findings] == ["ITM-003"]
    assert (long.verdict, accepted, long.items) == (Verdict.REFUSED, [], ())


def with_most(directory: Path, *, most: int, large: int) -> ProfileBook:
    """The project's profiles with other bounds for batches."""
    own = Path(str(files("validators").joinpath("data")))
    shutil.copytree(own, directory, dirs_exist_ok=True)
    for file in (directory / "gaming").glob("*.toml"):
        text = file.read_text("utf-8").replace("maximum_events = 5000", f"maximum_events = {most}")
        file.write_text(text.replace("maximum_events_large = 8_000_000", f"maximum_events_large = {large}"), "utf-8")
    return ProfileBook.load(rules=directory)


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        ("<Total Kind='X' Count='1' Amount='1'/>" * 70_000, LimitExceeded),
        ("<Total Kind='" + "X" * 60_000 + "'/>", TooLarge),
        ("x" * 1_000_000, TooLarge),
    ],
    ids=["many elements", "long attributes", "much text"],
)
def test_what_is_no_item_may_not_be_more_than_a_short_message_holds(extra: str, kind: type[Refusal]) -> None:
    times = 80 if kind is TooLarge else 1
    body = etree.tostring(batch_of(3)).replace(b"</Totals>", (extra + "<a/>").encode() * times + b"</Totals>")
    with pytest.raises(kind):
        judged(body, size=65_536)


def test_a_long_message_of_another_kind_is_too_large() -> None:
    with spooled(etree.tostring(gaming.example("EndOfDay"))) as file, pytest.raises(TooLarge):
        judge_long(settle(file, LONG_LIMITS), CIRCUMSTANCES, ProfileBook.load(), Listed(), 100)


def test_what_repeats_is_found_among_many() -> None:
    repeats = Repeats()
    for number in range(200_000):
        repeats.take(number if number != 150_000 else 7, str(number))
    repeats.take(1_000_000, "5")
    found = repeats.repeated(10)
    assert found.numbers == frozenset({7})
    assert (found.surplus, found.id("5"), found.id("6"), found.number(8)) == (1, True, False, False)


def test_the_order_of_very_many_is_that_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    root = batch_of(30)
    events = list(gaming.events_of(root))
    events[10].set("Time", "2026-11-28T13:00:00.000+05:00")
    monkeypatch.setattr(gaming_events, "ORDERED_EXACTLY", 29)
    long, accepted = judged(etree.tostring(root))
    assert [item.number for item in accepted] == list(range(1, 12))
    assert {finding.code for item in long.items for finding in item.findings} == {"GAM-029"}


@pytest.mark.parametrize("name", ["Kind", "Id"])
def test_what_is_kept_of_items_is_bounded(name: str) -> None:
    root = batch_of(120)
    for number, event in enumerate(gaming.events_of(root)):
        event.set(name, f"{number:05}" * 10_000)
    with pytest.raises(TooLarge):
        judged(etree.tostring(root), size=65_536)
