"""The events of a large batch come in the order of their sequences, however they lie in its parts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import orjson
import pytest

from gateway.oversight.scattered import EVENTS, Sorting, Survey, events_in

REFUSED = ("fma.rejections.v1", b"{}")
Record = tuple[str, bytes]


def event(sequence: int) -> Record:
    return EVENTS, orjson.dumps({"item": {"sequence": sequence, "text": "a\nb"}})


def parts_of(sequences: Sequence[int]) -> list[list[Record]]:
    records = [REFUSED, *map(event, sequences), REFUSED]
    return [records[at : at + 9] for at in range(0, len(records), 9)]


def surveyed(parts: Sequence[Sequence[Record]]) -> Survey:
    survey = Survey()
    for number, part in enumerate(parts):
        survey.take(number, part)
    return survey


def sequences_in(parts: Sequence[Sequence[Record]], numbers: Sequence[int]) -> Iterator[int]:
    return (one["sequence"] for number in numbers for one in events_in(parts[number]))


@pytest.mark.parametrize("swapped", [(), (8, 9), (3, 14)])
def test_stretches_are_ascending_complete_and_small(swapped: tuple[int, ...]) -> None:
    sequences = [*range(1, 40), *range(50, 81)]
    if swapped:
        one, other = swapped
        sequences[one], sequences[other] = sequences[other], sequences[one]
    parts = parts_of(sequences)
    survey = surveyed(parts)
    stretches = survey.stretches(18)
    found = [sorted(sequences_in(parts, stretch.parts)) for stretch in stretches]
    assert [one for stretch in found for one in stretch] == sorted(sequences)
    assert [(len(one), one[-1]) for one in found] == [(one.events, one.last) for one in stretches]
    assert survey.events == len(sequences)
    assert max(map(len, found)) == 18


def test_parts_that_all_overlap_are_one_stretch() -> None:
    sequences = list(range(1, 100))
    Random(4).shuffle(sequences)
    (stretch,) = surveyed(parts_of(sequences)).stretches(18)
    assert (sorted(stretch.parts), stretch.events, stretch.last) == (list(range(12)), 99, 99)


def test_a_batch_without_accepted_events_has_no_stretch() -> None:
    assert surveyed([[REFUSED], []]).stretches(18) == []


def test_runs_are_merged_into_one_ascending_row(tmp_path: Path) -> None:
    events = [{"sequence": one, "text": "x\n" * (one * 400 % 9_000)} for one in [*range(1, 60), 2**53 - 1]]
    mixed = list(events)
    Random(5).shuffle(mixed)
    with (tmp_path / "runs").open("wb+") as file:
        sorting = Sorting(file)
        for at in range(0, len(mixed), 11):
            sorting.add(mixed[at : at + 11])
        assert list(sorting.row()) == events
