"""How far the witnesses are behind the log, looked at every few seconds for the metrics."""

from gateway.journal.copies import FollowingCopy
from gateway.journal.journal import Journal


class WitnessLag(FollowingCopy):
    """`entries` is how many entries before the newest checkpoint the slowest witness has not co-signed."""

    name = "witness-lag"

    def __init__(self, journal: Journal, witnesses: frozenset[str], seconds: float = 5.0) -> None:
        super().__init__(seconds)
        self._journal = journal
        self._witnesses = witnesses
        self.entries = 0

    async def refresh(self) -> None:
        """Looks at every ledger. Raises Unavailable."""
        self.entries = max([await self._behind(ledger) for ledger in await self._journal.ledgers()], default=0)

    async def _behind(self, ledger: int) -> int:
        latest = await self._journal.latest_checkpoint(ledger)
        if latest is None:
            return 0
        reached = {word.witness: word.seq for word in await self._journal.newest_cosignatures(ledger)}
        return max((latest.seq - reached.get(kid, 0) for kid in self._witnesses), default=0)
