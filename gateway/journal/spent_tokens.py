"""Tokens that changed something once and may not again, on whichever replica they are shown."""

from datetime import datetime

from gateway.journal.pooled import Pooled
from gateway.journal.queries import sql


class SpentTokens(Pooled):
    """The tokens that were used up, in the one database of all replicas; an async context manager.

    A row is kept until its token would be refused as expired, and forgotten by the next token that is spent: memory is
    bounded by the changes of a few minutes.
    """

    async def spend(self, fingerprint: str, token_id: str, spent_until: datetime, now: datetime) -> bool:
        """Uses up a token of this certificate by its `jti`; whether it was still unused. Raises Unavailable."""
        async with self._changing() as connection:
            await connection.execute(sql("forget_spent_tokens"), now)
            spent = await connection.fetchval(sql("spend_token"), fingerprint, token_id, spent_until)
        return spent is not None
