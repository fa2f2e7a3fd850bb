"""What is kept of dealers' operations and of the chains of things: loaded for a run, and kept after it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import orjson

from gateway.journal.connections import Connection
from gateway.journal.queries import sql
from gateway.journal.rows import columns, plain_uuid
from gateway.oversight.things import Finding, Things
from validators.luxury.chains import Remark
from validators.operations.deals import Deal, DealId

_NAME = ("family", "filer", "sequence", "guid")


async def load_things(connection: Connection, arriving: Sequence[Deal]) -> Things:
    """What these operations can touch: themselves, what they correct, and all operations with the same things."""
    things = Things()
    if not arriving:
        return things
    named = {deal.id for deal in arriving} | {deal.corrects for deal in arriving if deal.corrects is not None}
    await _hold(connection, things, "deals_by_name", *columns(sorted(named), len(_NAME)))
    items = sorted({deal.item for deal in (*arriving, *things.deals.values())} - {""})
    await _hold(connection, things, "deals_of_items", items)
    names = columns(sorted(named | things.deals.keys()), len(_NAME))
    things.undone = {_name_of(row) for row in await connection.fetch(sql("deals_corrected"), *names)}
    for row in await connection.fetch(sql("findings_of_items"), items):
        found = _finding_of(row)
        things.findings[found.id] = found
    return things


def deal_rows(things: Things) -> list[tuple[Any, ...]]:
    """The new operations as `keep_deals` takes them."""
    return [
        (
            *one.id,
            *(one.filer_kind, one.item, one.matter, one.place[0], one.kind, one.day, one.seller, one.buyer),
            *(None if one.price is None else str(one.price), one.condition, one.code),
            *((one.corrects.sequence, one.corrects.guid) if one.corrects else (None, None)),
        )
        for one in things.new
    ]


def finding_rows(things: Things) -> list[tuple[Any, ...]]:
    """The findings that changed as `keep_findings` takes them."""
    return [
        (
            *(one.id, one.item, one.remark.value, *one.deal),
            *(one.open, one.opened_at, one.closed_at, one.changed_at, one.revision),
            orjson.dumps(one.detail).decode(),
        )
        for one in things.changed
    ]


async def _hold(connection: Connection, things: Things, query: str, *arguments: object) -> None:
    for row in await connection.fetch(sql(query), *arguments):
        things.hold(_deal_of(row))


def _deal_of(row: asyncpg.Record) -> Deal:
    name = _name_of(row)
    deal = Deal(
        id=name,
        place=(row["entry"], name.sequence),
        price=None if row["price"] is None else int(row["price"]),
        **{one: row[one] for one in _PLAIN},
    )
    if row["corrects_sequence"] is None:
        return deal
    return replace(deal, corrects=name._replace(sequence=row["corrects_sequence"], guid=row["corrects_guid"]))


_PLAIN = ("filer_kind", "item", "matter", "kind", "day", "seller", "buyer", "condition", "code")


def _finding_of(row: asyncpg.Record) -> Finding:
    plain = ("item", "open", "opened_at", "closed_at", "changed_at", "revision")
    return Finding(
        id=plain_uuid(row["id"]),
        remark=Remark(row["remark"]),
        deal=_name_of(row),
        detail=orjson.loads(row["detail"]),
        **{one: row[one] for one in plain},
    )


def _name_of(row: asyncpg.Record) -> DealId:
    return DealId(*(row[one] for one in _NAME))
