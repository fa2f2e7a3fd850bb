"""The ids of events of earlier runs, found one by one: what else their batches hold is not read."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from gateway.journal.connections import Connection
from gateway.journal.queries import sql
from gateway.journal.rows import columns
from gateway.oversight.identities import places

SLICES_AT_ONCE = 100

Event = tuple[str, int]
"""A complex, and the sequence of an event in it."""

Slice = tuple[str, int, int]
"""A complex, the number of a batch in it, and the first sequence of a slice of that."""


async def identities_of(connection: Connection, events: list[Event]) -> dict[Event, str]:
    """The ids in capitals of those of the events that were accepted."""
    by_slice: dict[Slice, list[int]] = {}
    for row in await connection.fetch(sql("batches_with_events"), *columns(events, 2)):
        by_slice.setdefault((row["complex"], row["number"], row["first"]), []).append(row["sequence"])
    found: dict[Event, str] = {}
    for some in _batched(sorted(by_slice)):
        found.update(await _of_slices(connection, {one: by_slice[one] for one in some}))
    return found


async def _of_slices(connection: Connection, wanted: Mapping[Slice, list[int]]) -> dict[Event, str]:
    at: list[tuple[str, int, int, int, int]] = []
    for row in await connection.fetch(sql("runs_of_slices"), *columns(list(wanted), 3)):
        one = (row["complex"], row["number"], row["first"])
        at += [(*one, sequence, place) for sequence, place in places(row["runs"], wanted[one]).items()]
    rows = await connection.fetch(sql("identities_at"), *columns(at, 5))
    return {(row["complex"], row["sequence"]): str(UUID(bytes=row["id"])).upper() for row in rows}


def _batched(slices: list[Slice]) -> Iterable[list[Slice]]:
    return (slices[start : start + SLICES_AT_ONCE] for start in range(0, len(slices), SLICES_AT_ONCE))
