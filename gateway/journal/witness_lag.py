"""How far the witnesses are behind the log, looked at every few seconds for the metrics."""

from collections.abc import Sequence
from typing import Protocol

from gateway.journal.copies import FollowingCopy
from gateway.model import Checkpoint, Cosignature


class Witnessed(Protocol):
    """A log whose checkpoints are co-signed: the journal, or the audit log."""

    async def ledgers(self) -> list[int]: ...

    async def latest_checkpoint(self, ledger: int) -> Checkpoint | None: ...

    async def newest_cosignatures(self, ledger: int) -> list[Cosignature]: ...


class WitnessLag(FollowingCopy):
    """`entries` is how many entries before the newest checkpoint the slowest witness has not co-signed."""

    name = "witness-lag"

    def __init__(self, logs: Sequence[Witnessed], witnesses: frozenset[str], seconds: float = 5.0) -> None:
        super().__init__(seconds)
        self._logs = logs
        self._witnesses = witnesses
        self.entries = 0

    async def refresh(self) -> None:
        """Looks at every ledger. Raises Unavailable."""
        behind = [await self._behind(log, ledger) for log in self._logs for ledger in await log.ledgers()]
        self.entries = max(behind, default=0)

    async def _behind(self, log: Witnessed, ledger: int) -> int:
        latest = await log.latest_checkpoint(ledger)
        if latest is None:
            return 0
        reached = {word.witness: word.seq for word in await log.newest_cosignatures(ledger)}
        return max((latest.seq - reached.get(kid, 0) for kid in self._witnesses), default=0)
