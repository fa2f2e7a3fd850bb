"""The ids of events of earlier runs, found one by one: what else their batches hold is not read."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from gateway.journal.connections import Connection
from gateway.journal.queries import sql
from gateway.journal.rows import columns
from gateway.oversight.identities import places

BATCHES_AT_ONCE = 100

Event = tuple[str, int]
"""A complex, and the sequence of an event in it."""

Numbered = tuple[str, int]
"""A complex, and the number of a batch in it."""


async def identities_of(connection: Connection, events: list[Event]) -> dict[Event, str]:
    """The ids in capitals of those of the events that were accepted."""
    by_batch: dict[Numbered, list[int]] = {}
    for row in await connection.fetch(sql("batches_with_events"), *columns(events, 2)):
        by_batch.setdefault((row["complex"], row["number"]), []).append(row["sequence"])
    found: dict[Event, str] = {}
    for some in _batched(sorted(by_batch)):
        found.update(await _of_batches(connection, {one: by_batch[one] for one in some}))
    return found


async def _of_batches(connection: Connection, wanted: Mapping[Numbered, list[int]]) -> dict[Event, str]:
    at: list[tuple[str, int, int, int]] = []
    for row in await connection.fetch(sql("runs_of_batches"), *columns(list(wanted), 2)):
        batch = (row["complex"], row["number"])
        at += [(*batch, sequence, place) for sequence, place in places(row["runs"], wanted[batch]).items()]
    rows = await connection.fetch(sql("identities_at"), *columns(at, 4))
    return {(row["complex"], row["sequence"]): str(UUID(bytes=row["id"])).upper() for row in rows}


def _batched(batches: list[Numbered]) -> Iterable[list[Numbered]]:
    return (batches[start : start + BATCHES_AT_ONCE] for start in range(0, len(batches), BATCHES_AT_ONCE))
