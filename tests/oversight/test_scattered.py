"""The events of a large batch come in the order of their sequences, however they lie in its parts."""

from random import Random

import orjson
import pytest

from gateway.oversight.scattered import EVENTS, Scattered

REFUSED = ("fma.rejections.v1", b"{}")


def event(sequence: int) -> tuple[str, bytes]:
    return EVENTS, orjson.dumps({"item": {"sequence": sequence}})


@pytest.mark.parametrize("jumbled", [False, True])
def test_windows_are_ascending_complete_and_small(*, jumbled: bool) -> None:
    sequences = [*range(1, 40), *range(50, 81)]
    if jumbled:
        Random(4).shuffle(sequences)
    records = [REFUSED, *map(event, sequences), REFUSED]
    parts = [records[at : at + 9] for at in range(0, len(records), 9)]
    scattered = Scattered(window=18)
    for number, part in enumerate(parts):
        scattered.survey(number, part)
    windows = list(scattered.windows())
    found = [
        sorted(one["sequence"] for number in window.parts for one in window.events_in(parts[number]))
        for window in windows
    ]
    assert [one for window in found for one in window] == list(scattered.sequences()) == sorted(sequences)
    assert max(map(len, found)) == 18
    if not jumbled:
        assert sum(len(window.parts) for window in windows) <= len(parts) + len(windows)
