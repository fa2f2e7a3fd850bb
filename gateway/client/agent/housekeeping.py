"""The agent looks after itself: its heart-beat, the room on its disk, and what may be deleted."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from gateway.client.agent.disk import LOUD, Disk, level
from gateway.client.agent.taking import Taker
from gateway.client.agent.texts import OperatorLog
from gateway.client.agent.writer import Writer

LOOK_SECONDS = 1.0
REMIND_SECONDS = 60.0
KEPT_AT_LEAST_SECONDS = 3_600
BATCHES_AT_ONCE = 10
LEVELS = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


async def beat(taker: Taker, unit: str, seconds: int, log: OperatorLog) -> None:
    """Records a HEARTBEAT event now and every so many seconds."""
    while True:
        answer = await taker.record({"kind": "HEARTBEAT", "unit": unit})
        for finding in answer.get("findings", ()):
            log.say("heartbeat-refused", logging.ERROR, reason=finding["message"]["en"])
        await asyncio.sleep(seconds)


class Housekeeper:
    """Says how full the spool is, and deletes what was received long ago.

    Where the spool is nearly full, what was received goes as soon as it is an hour old. What has no receipt stays.
    """

    def __init__(
        self, writer: Writer, disk: Disk, keep_seconds: int, log: OperatorLog, clock: Callable[[], datetime]
    ) -> None:
        self._writer = writer
        self._disk = disk
        self._keep = keep_seconds
        self._log = log
        self._clock = clock
        self._level = 0
        self._remind_in = 0.0

    async def run(self) -> None:
        """Looks every second until it is cancelled."""
        while True:
            share = self._disk.share(await self._writer.call(lambda spool: spool.used()))
            self._warn(share)
            if not await self._tidy(share):
                await asyncio.sleep(LOOK_SECONDS)

    def _warn(self, share: float) -> None:
        now = level(share)
        self._remind_in -= LOOK_SECONDS
        if now != self._level or (now > 1 and self._remind_in <= 0):
            self._log.say(f"disk-{now}", LEVELS[now], percent=int(share * 100))
            self._remind_in = REMIND_SECONDS
        self._level = now

    async def _tidy(self, share: float) -> bool:
        """Deletes a few old batches; true when there may be more."""
        keep = min(self._keep, KEPT_AT_LEAST_SECONDS) if share >= LOUD else self._keep
        before = int((self._clock().timestamp() - keep) * 1000)
        dropped = await self._writer.call(lambda spool: spool.drop_old(before, BATCHES_AT_ONCE))
        return dropped == BATCHES_AT_ONCE
