"""One transaction of the log: the head's lock, the look for doubles, the append, the new head."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from gateway.journal.connections import Connection
from gateway.journal.encoding import ROW_COLUMNS, row_values
from gateway.journal.errors import SchemaOutdated
from gateway.journal.queries import sql
from gateway.journal.rows import columns, filed_of
from gateway.journal.settlement import Head, Key, Placed, Prepared, Settlement, Taken, settle
from gateway.model import Filed

PARTITION = 1_000_000
"""How many entries stand in one partition; `prepare_partition` in the database holds the same number."""

_STORED = ("seq", *ROW_COLUMNS, "leaf", "chain")


async def file_batch(
    connection: Connection, ledger: int, batch: Sequence[Prepared], expected: Head | None = None
) -> Settlement:
    """Files a batch in one transaction and commits it; in one round trip where the head is where it is `expected`.

    Raises whatever asyncpg raises; then nothing of the batch was filed, or, when the connection was lost in the
    commit, all of it may have been: filing it again with `attempted` set tells.
    """
    if expected is not None and (settlement := await _file_at_once(connection, expected, batch)) is not None:
        return settlement
    async with connection.transaction():
        head = await _lock_head(connection, ledger)
        before, taken = await _known(connection, batch)
        settlement = settle(batch, head, before, replace(taken, lost=await _lost(connection, batch)))
        if settlement.appended:
            await _append(connection, settlement)
    return settlement


async def append_last(connection: Connection, ledger: int, prepared: Prepared) -> int:
    """Appends one entry that can't be a double, in the caller's transaction, and returns its `seq`.

    The head stays locked until that transaction ends: this is the last thing to do in it.
    """
    settlement = settle([prepared], await _lock_head(connection, ledger), {}, Taken())
    await _append(connection, settlement)
    return settlement.head.seq


async def prepare_partitions(connection: Connection, seq: int) -> int:
    """Makes sure of the partition that takes the entry after `seq`, and of the one after that.

    Answers the `seq` from which it wants to be asked again: a whole partition ahead of need.
    """
    number = (seq + 1) // PARTITION
    for wanted in (number, number + 1):
        await connection.fetchval(sql("prepare_partition"), wanted)
    return (number + 1) * PARTITION - 1


async def log_length(connection: Connection, ledger: int) -> int:
    """The `seq` of the last entry, 0 when there is none."""
    found = await connection.fetchrow(sql("head"), ledger)
    return 0 if found is None else int(found["seq"])


async def _file_at_once(connection: Connection, head: Head, batch: Sequence[Prepared]) -> Settlement | None:
    """Files all of a batch by one statement; None, and nothing filed, where some of it can't be or the head has moved.

    Seven round trips are one then: a busy event loop comes to each of them late, and who waits for the log waits for
    all of them.
    """
    settlement = settle(batch, head, {}, Taken())
    appended = settlement.appended
    if len(appended) < len(batch) or any(item.row.in_parts for item in batch):
        return None
    rows = [_stored(placed) for placed in appended]
    filed = await connection.fetchrow(
        sql("append_at_once"),
        *(head.ledger, head.seq, head.chain, settlement.head.seq, settlement.head.chain),
        *columns(rows, len(_STORED)),
        [placed.prepared.row.accepted for placed in appended],
    )
    return None if filed is None else settlement


async def _lock_head(connection: Connection, ledger: int) -> Head:
    found = await connection.fetchrow(sql("lock_head"), ledger)
    if found is None:
        raise SchemaOutdated(f"the database has no ledger {ledger}")
    return Head(ledger, found["seq"], found["chain"])


async def _known(connection: Connection, batch: Sequence[Prepared]) -> tuple[dict[Key, Filed], Taken]:
    """What was filed before under the keys of the batch, and which of its documents and numbers are taken."""
    documents = columns([item.document_key for item in batch if item.document_key is not None], 3)
    numbers = columns([item.number_key for item in batch if item.number_key is not None], 3)
    found = await connection.fetch(sql("known"), [item.row.sha256 for item in batch], *documents, *numbers)
    before = {(row["sha256"], row["sender"]): filed_of(row) for row in found if row["sha256"] is not None}
    return before, Taken(
        frozenset((row["sender"], row["document"], row["version"]) for row in found if row["document"] is not None),
        frozenset((row["sender"], row["series"], row["number"]) for row in found if row["series"] is not None),
    )


async def _lost(connection: Connection, batch: Sequence[Prepared]) -> frozenset[UUID]:
    """The large messages of the batch whose parts are gone; those of the others nobody can give up before the end."""
    large = {item.row.receipt_id for item in batch if item.row.in_parts}
    if not large:
        return frozenset()
    return frozenset(large - {row["receipt_id"] for row in await connection.fetch(sql("hold_stagings"), list(large))})


async def _append(connection: Connection, settlement: Settlement) -> None:
    head, appended = settlement.head, settlement.appended
    await connection.copy_records_to_table(
        "entries",
        records=[(head.ledger, *_stored(placed)) for placed in appended],
        columns=("ledger", *_STORED),
    )
    rows = [placed.prepared.row for placed in appended]
    await connection.execute(
        sql("add_filings"),
        head.ledger,
        [row.sha256 for row in rows],
        [row.sender for row in rows],
        [row.receipt_id for row in rows],
        [placed.seq for placed in appended],
        [row.document for row in rows],
        [row.version for row in rows],
        [row.accepted for row in rows],
        [row.series for row in rows],
        [row.number for row in rows],
        head.seq,
        head.chain,
    )
    large = [row.receipt_id for row in rows if row.in_parts]
    if large:
        await connection.execute(sql("end_stagings"), large)


def _stored(placed: Placed) -> tuple[object, ...]:
    """The values of an entry in the order of _STORED."""
    prepared = placed.prepared
    return (placed.seq, *row_values(prepared.row), prepared.leaf, placed.chain)
