"""Accepted items wait on disk until the verdict is known, and are told as they were judged."""

import tempfile
from datetime import UTC, datetime

import pytest

from gateway.errors import Unavailable
from gateway.judging.examination import item_contents
from gateway.judging.frames import FrameReader, Kind, segment_of
from gateway.judging.kept import Kept
from gateway.judging.longs import LongJudging
from gateway.judging.settings import LargeSettings
from gateway.model import Item, Submission
from gateway.sealing.trust import TrustTexts

AT = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)


def items(first: int, last: int) -> list[Item]:
    return [Item(one, f"ID-{one}", True, (), "", {"text": "x" * one}, f"KEY-{one}") for one in range(first, last + 1)]


def told(kept: Kept) -> list[tuple[tuple[int, ...], tuple[str | None, ...], tuple[bytes, ...]]]:
    frames = [frame for piece in kept.frames() for frame in READER.feed(piece)]
    assert {frame.kind for frame in frames} == {Kind.SEGMENT}
    return [segment_of(frame.parts) for frame in frames]


READER = FrameReader()


def test_items_are_told_in_segments_with_an_empty_one_at_the_end() -> None:
    with tempfile.TemporaryFile() as file:
        kept = Kept(file, LargeSettings(segment_items=5))
        kept.begin()
        kept.take(items(1, 7))
        kept.take([])
        kept.take(items(8, 12))
        found = told(kept)
    assert [numbers for numbers, _, _ in found] == [(1, 2, 3, 4, 5), (6, 7, 8, 9, 10), (11, 12), ()]
    assert [content for _, _, contents in found for content in contents] == list(item_contents(items(1, 12)))
    assert found[2][1] == ("KEY-11", "KEY-12")


def test_a_segment_is_no_longer_than_it_may_be() -> None:
    with tempfile.TemporaryFile() as file:
        kept = Kept(file, LargeSettings(segment_items=5, segment_bytes=1))
        kept.begin()
        kept.take(items(1, 3))
        assert [numbers for numbers, _, _ in told(kept)] == [(1,), (2,), (3,), ()]


def test_what_an_earlier_walk_kept_is_never_told() -> None:
    with tempfile.TemporaryFile() as file:
        kept = Kept(file, LargeSettings(segment_items=2))
        kept.begin()
        kept.take(items(1, 1001))
        kept.begin()
        kept.take(items(3, 3))
        assert [numbers for numbers, _, _ in told(kept)] == [(3,), ()]


async def test_a_process_that_has_no_place_for_items_ends_and_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    judging = LongJudging(LargeSettings(spool="/nowhere/at/all"), lambda: TrustTexts((), ()))
    with tempfile.TemporaryFile() as file:
        async with judging.open(file.fileno()) as examination:
            with pytest.raises(Unavailable):
                await examination.examine(Submission(b"", "00" * 32, AT), None)
    assert "judging.large_ended" in capfd.readouterr().err
