"""How full the spool is, of what it may take and of what the disk has left."""

import shutil
from dataclasses import dataclass
from pathlib import Path

WARN = 0.70
LOUD = 0.90
FULL = 1.0
RESERVE = 32 * 1024 * 1024
"""Of the disk's free space, for receipts and for the write-ahead log."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The bound of a spool: its own limit in bytes, or less where the disk has less."""

    directory: Path
    limit: int

    def share(self, used: int) -> float:
        """The part of the bound that is used; 1 and more is full."""
        free = max(0, shutil.disk_usage(self.directory).free - RESERVE)
        return used / max(1, min(self.limit, used + free))


def level(share: float) -> int:
    """0 while there is room, then 1 to warn, 2 to warn loudly, 3 to refuse."""
    return sum(share >= bound for bound in (WARN, LOUD, FULL))
