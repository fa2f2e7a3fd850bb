"""Judging processes beside the intake: fed, watched over, and started again when one dies.

A process holds only what it works on and a little more; all else waits here. So what a death can touch is little: it
is asked again once, and answered Unavailable when the next process dies too. Nothing was filed then, sending again is
harmless.
"""

import asyncio
import subprocess
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import structlog

from gateway.errors import Unavailable
from gateway.judging.channel import Asked, Channel, spawn
from gateway.judging.settings import JudgingSettings, Question, Timed
from gateway.model import Examined, Standing, Submission
from gateway.sealing.trust import TrustTexts

ATTEMPTS = 2
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0
WATCH_SECONDS = 1.0
STOP_SECONDS = 5.0
LATE = "nobody judged this in time"

log = structlog.get_logger("judging")


class JudgingProcesses:
    """`count` processes that examine messages; an async context manager.

    `trust` tells the trust of this moment, the same object until it changes; `timed` is told the seconds of each step.
    """

    def __init__(self, count: int, settings: JudgingSettings, trust: Callable[[], TrustTexts], timed: Timed) -> None:
        self._count = count
        self._settings = settings
        self._trust = trust
        self._timed = timed
        self._channels: list[Channel] = []
        self._lanes: tuple[deque[Asked], deque[Asked]] = (deque(), deque())
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """How many messages wait for a process, or are in the hands of one."""
        return sum(map(len, self._lanes)) + sum(len(channel.held) for channel in self._channels)

    async def __aenter__(self) -> Self:
        started = [asyncio.get_running_loop().create_future() for _ in range(self._count)]
        self._keepers = [asyncio.create_task(self._keep(first), name="judging") for first in started]
        try:
            await asyncio.gather(*started)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def examine(self, submission: Submission, standing: Standing | None) -> Examined:
        """As `gateway.pipeline.Judging` says."""
        if not self._keepers:
            raise Unavailable("judging has stopped")
        loop = asyncio.get_running_loop()
        question = Question(submission.body, submission.received_at, standing)
        large = len(submission.body) > self._settings.inline_bytes
        asked = Asked(question, self._trust(), large, loop.create_future())
        timer = loop.call_later((ATTEMPTS + 1) * self._settings.patience, asked.give_up, LATE)
        self._lanes[large].append(asked)
        self._feed()
        try:
            return await asked.answer
        finally:
            timer.cancel()

    def _feed(self) -> None:
        """Gives what waits to whoever has room, the least busy first."""
        for large, lane in enumerate(self._lanes):
            while lane:
                free = [channel for channel in self._channels if channel.has_room(bool(large))]
                if not free:
                    break
                asked = lane.popleft()
                if not asked.answer.done():
                    min(free, key=lambda channel: len(channel.held)).give(asked)

    async def _keep(self, first: asyncio.Future[None]) -> None:
        """Keeps one process running; `first` learns when the first one is ready, or that it can't be started.

        It ends when told to stop even where the order was lost: an error of a socket can take the place of it.
        """
        pause = FIRST_PAUSE
        while self._keepers:
            try:
                lived = await self._run(first)
            except OSError as error:
                log.warning("judging.not_started", error=type(error).__name__)
                lived = False
            if not first.done():
                first.set_exception(Unavailable("a judging process ended while it started; the log tells why"))
                return
            pause = FIRST_PAUSE if lived else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _run(self, first: asyncio.Future[None]) -> bool:
        """One process from its start to its end; True when it was ready for work in between."""
        process, ours = spawn(self._settings)
        channel = Channel(self._settings, self._timed, self._feed)
        self._channels.append(channel)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: channel, sock=ours)
            await self._watch(process, channel, first)
        finally:
            await self._let_go(process, channel)
        log.error("judging.ended", pid=process.pid, status=process.returncode, held=len(channel.held))
        return channel.ready.done()

    async def _watch(self, process: subprocess.Popen[bytes], channel: Channel, first: asyncio.Future[None]) -> None:
        """Until the process ends; it is killed when it is silent for longer than it may."""
        patience = self._settings.patience
        begun, _ = await asyncio.wait(
            {channel.ready, channel.ended}, timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        if not begun:
            process.kill()
            channel.close()
        elif channel.ready.done():
            if not first.done():
                first.set_result(None)
            self._feed()
        while not channel.ended.done():
            await asyncio.wait({channel.ended}, timeout=WATCH_SECONDS)
            if channel.overdue(patience):
                log.error("judging.silent", pid=process.pid, seconds=patience)
                process.kill()
                channel.close()
                return

    async def _let_go(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        """Ends the process, and has what it held asked again."""
        self._channels.remove(channel)
        channel.close()
        await asyncio.shield(asyncio.to_thread(_end, process))
        self._ask_again(channel.held.values())

    def _ask_again(self, held: Iterable[Asked]) -> None:
        for asked in reversed(list(held)):
            asked.attempts += 1
            if asked.attempts < ATTEMPTS:
                self._lanes[asked.large].appendleft(asked)
            else:
                asked.give_up("judging processes ended while they examined this")

    async def _stop(self) -> None:
        keepers, self._keepers = self._keepers, []
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for lane in self._lanes:
            while lane:
                lane.popleft().give_up("judging has stopped")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
