"""Dealers that must report for a period, and the receipts of the reports that they have filed since it began."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime

from gateway.journal.connections import SERVING, close, open_pool, postgres_needed
from gateway.journal.queries import sql
from gateway.model import Entity, EntityState, IdentifierKind

_CONNECTIONS = 1
_AT_ONCE = 500


async def dealers_with_reports(
    dsn: str, kinds: Collection[str], series: str, since: datetime, until: datetime
) -> AsyncIterator[tuple[Entity, str | None]]:
    """Each active entity of those kinds that was enrolled before `until`, once for each receipt, or once with None.

    The receipts are those of accepted messages of its series `<series>/<identifier>` received from `since` on; rows of
    one entity follow each other. Its certificates are left out. Raises Unavailable while PostgreSQL is away.
    """
    pool = await open_pool(dsn, SERVING, _CONNECTIONS)
    try:
        with postgres_needed():
            async with pool.acquire() as connection, connection.transaction(readonly=True):
                rows = connection.cursor(
                    sql("dealers_with_reports"), list(kinds), series, since, until, prefetch=_AT_ONCE
                )
                async for row in rows:
                    kind, state = IdentifierKind(row["identifier_kind"]), EntityState(row["state"])
                    yield Entity(row["identifier"], kind, row["kind"], row["name"], state, frozenset()), row["receipt"]
    finally:
        await close(pool)
