"""An overseer in a process of its own, so that it can be killed: DSN [EVENTS AT ONCE]."""

import asyncio
import sys

from gateway.journal import Journal
from gateway.journal.oversight.store import OversightStore
from gateway.overseer import Judging, Overseer
from gateway.oversight.scattered import MOST
from tests.bus.kit import KEYS
from tests.oversight.kit import NOON, PARAMETERS, RULES


async def main(dsn: str, most: int = MOST) -> None:
    """Oversees one entry after the other until it is killed."""
    store = OversightStore(dsn, 0, PARAMETERS, RULES, run_bytes=1)
    async with Journal(dsn) as journal:
        await Overseer(journal, store, KEYS, Judging(PARAMETERS, RULES), most=most, clock=lambda: NOON).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
