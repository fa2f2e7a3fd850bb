"""What a time-stamping service said of checkpoints, kept beside them."""

from gateway.journal.pooled import Pooled
from gateway.journal.queries import sql
from gateway.model import Timestamp


class Timestamps(Pooled):
    """The time stamps in one PostgreSQL database, of the journal's ledgers and of the audit log (ledger -1)."""

    async def newest(self, ledger: int) -> Timestamp | None:
        """The one of the greatest `seq`. Raises Unavailable."""
        async with self._connection() as connection:
            row = await connection.fetchrow(sql("newest_timestamp"), ledger)
        return Timestamp(**row) if row else None

    async def store(self, timestamp: Timestamp) -> None:
        """Keeps a time stamp; the first one of a checkpoint stands. Raises Unavailable."""
        facts = (timestamp.ledger, timestamp.seq, timestamp.stamped_at, timestamp.token)
        async with self._connection() as connection:
            await connection.execute(sql("store_timestamp"), *facts)
