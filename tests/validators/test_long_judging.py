"""A long message is judged as a short one of the same content: row by row, to the same verdict, findings and items."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO, cast

import pytest

from tests.support import gaming, metals
from tests.support.corpus import Line, lines_of
from tests.support.gaming import GamingCase
from tests.support.metals import ReportCase
from validators.judge import judge
from validators.limits import LONG_LIMITS
from validators.long_judging import LongJudgement, judge_long
from validators.long_text import settle
from validators.model import Circumstances, Item, Judgement
from validators.parsing import parse
from validators.profiles import ProfileBook

SIZES = (64, 900, 65_536)
CIRCUMSTANCES = Circumstances(gaming.RECEIVED, "093", gaming.HOME, register_known=True)


@contextmanager
def spooled(body: bytes) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        yield cast("BinaryIO", file)


def judged(body: bytes, circumstances: Circumstances, size: int) -> tuple[LongJudgement, list[Item]]:
    with spooled(body) as file:
        long = judge_long(settle(file, LONG_LIMITS, size), circumstances, ProfileBook.load())
        return long, [item for items in long.items() for item in items]


def agree(body: bytes, circumstances: Circumstances, size: int) -> Judgement:
    """That both ways give the same; the short way's judgement."""
    short = judge(parse(body), circumstances, ProfileBook.load())
    long, accepted = judged(body, circumstances, size)
    bare = replace(short, items=tuple(item for item in short.items if not item.accepted))
    found = replace(long.judgement, items=tuple(item for item in long.judgement.items if not item.accepted))
    assert found == bare
    assert accepted == [item for item in short.items if item.accepted]
    assert long.accepted == len(accepted)
    return short


@pytest.mark.parametrize("line", lines_of("gaming"), ids=lambda line: line.name)
def test_every_case_of_the_gaming_corpus(line: Line) -> None:
    case = GamingCase(gaming.example(line.base)).change(line.changes)
    agree(case.body(), case.circumstances(), SIZES[len(line.name) % 3])


@pytest.mark.parametrize("line", lines_of("precious-metals"), ids=lambda line: line.name)
def test_every_case_of_the_metals_corpus(line: Line) -> None:
    case = ReportCase(metals.example(line.base)).change(line.changes)
    agree(case.body(), case.circumstances(), SIZES[len(line.name) % 3])
