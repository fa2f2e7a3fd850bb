"""The events of a large batch come in the order of their sequences, however they lie in its parts."""

from collections.abc import Sequence
from random import Random

import orjson
import pytest

from gateway.model import Part
from gateway.oversight.scattered import EVENTS, Scattered

REFUSED = ("fma.rejections.v1", b"{}")


def event(sequence: int) -> tuple[str, bytes]:
    return EVENTS, orjson.dumps({"item": {"sequence": sequence}})


@pytest.mark.parametrize("jumbled", [False, True])
async def test_windows_are_ascending_complete_and_small(*, jumbled: bool) -> None:
    sequences = [*range(1, 40), *range(50, 81)]
    if jumbled:
        Random(4).shuffle(sequences)
    records = [REFUSED, *map(event, sequences), REFUSED]
    parts = [records[at : at + 9] for at in range(0, len(records), 9)]
    reads: list[int] = []

    async def read(number: int) -> Sequence[tuple[str, bytes]]:
        reads.append(number)
        return parts[number]

    scattered = Scattered([Part(b"", len(part)) for part in parts], read, window=18)
    found = await scattered.sequences()
    windows = [[one["sequence"] for one in window] async for window in scattered.windows(found)]
    assert [one for window in windows for one in window] == list(found) == sorted(sequences)
    assert max(map(len, windows)) == 18
    assert len(reads) <= (2 + jumbled * 3) * len(parts) + len(windows)
