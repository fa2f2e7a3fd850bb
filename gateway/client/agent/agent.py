"""The agent as a whole: inputs, heart-beat, spool, sending and housekeeping, wired and kept going."""

import asyncio
import contextlib
import fcntl
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TextIO

import httpx

from gateway.client.agent.backoff import Backoff
from gateway.client.agent.batching import Batcher
from gateway.client.agent.checking import EventCheck
from gateway.client.agent.disk import Disk
from gateway.client.agent.errors import AlreadyRunning
from gateway.client.agent.housekeeping import Housekeeper, beat
from gateway.client.agent.inputs.folder import Folder
from gateway.client.agent.inputs.http import listening_http
from gateway.client.agent.inputs.lines import listening_socket, take_standard_input
from gateway.client.agent.rules import by_the_rules
from gateway.client.agent.sending import Sender
from gateway.client.agent.settings import AgentSettings
from gateway.client.agent.taking import Taker
from gateway.client.agent.texts import OperatorLog
from gateway.client.agent.writer import Writer
from gateway.client.reading import Reader
from gateway.errors import ConfigurationError
from gateway.logs import failure
from gateway.sealing.keys import KeyHolder

LOCK = "agent.lock"
ANSWER_SECONDS = 60.0
RESTART_SECONDS = 2.0
LOOK_SECONDS = 0.2
LOCK_TRIES = 5
"""Somebody who only asks whether an agent runs holds the lock for a moment."""

Part = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an agent is given beside its settings: the key, the clock, the rules for one event, and chance."""

    keys: KeyHolder
    clock: Callable[[], datetime]
    check: EventCheck = by_the_rules
    random: Random = Random()  # noqa: RUF009, S311 - it scatters waits


class Agent:
    """One complex's agent; `run` works until `stop`, or until everything is sent where that is asked for."""

    def __init__(self, settings: AgentSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._log = OperatorLog(settings.language)
        self._stopping = asyncio.Event()
        self._input_ended = not settings.stdin
        self.port: int | None = None

    def stop(self) -> None:
        """Ends `run`; what is not sent stays in the spool."""
        self._stopping.set()

    async def run(self, *, until_sent: bool = False) -> None:
        """Works until it is stopped; raises AlreadyRunning, SpoolFails or ConfigurationError when it can't begin."""
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(only_one(self._settings.spool, LOCK_TRIES))
            writer = await stack.enter_async_context(Writer(self._settings.spool, self._settings.complex))
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=self._settings.url, timeout=ANSWER_SECONDS)
            )
            parts, folder = await self._parts(stack, writer, client)
            await self._tell_start(writer)
            tasks = [asyncio.create_task(self._kept_going(part)) for part in parts]
            try:
                await (self._until_sent(writer, folder) if until_sent else self._stopping.wait())
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        self._log.say("stopped")

    async def _parts(
        self, stack: contextlib.AsyncExitStack, writer: Writer, client: httpx.AsyncClient
    ) -> tuple[list[Part], Folder | None]:
        settings, around = self._settings, self._around
        disk = Disk(settings.spool, settings.limit_bytes)
        batcher = Batcher(writer, settings, around.keys, around.clock)
        taker = Taker(writer, around.check, disk, around.clock, batcher.notice)
        reader = Reader(client, settings.owner, settings.url, around.keys, around.clock)
        voice = self._log, Backoff(around.random), around.clock
        parts: list[Part] = [
            Sender(writer, batcher, (client, reader), settings, voice).run,
            Housekeeper(writer, disk, settings.keep_seconds, self._log, around.clock).run,
            lambda: beat(taker, settings.unit, settings.heartbeat_seconds, self._log),
        ]
        folder = None if settings.folder is None else Folder(settings.folder, taker, self._log)
        if folder is not None:
            folder.prepare()
            parts.append(folder.run)
        if settings.socket is not None:
            await stack.enter_async_context(listening_socket(settings.socket, taker))
        if settings.http is not None:
            self.port = await stack.enter_async_context(listening_http(*settings.http, taker))
        if settings.stdin:
            parts.append(lambda: self._standard_input(taker))
        return parts, folder

    async def _standard_input(self, taker: Taker) -> None:
        await take_standard_input(taker)
        self._input_ended = True

    async def _kept_going(self, part: Part) -> None:
        """Runs a part, and again when it fails: none of them takes the others down."""
        while True:
            try:
                await part()
            except Exception as error:  # noqa: BLE001 - told to the operator, and tried again
                what = f"{failure(error)['error']} {failure(error)['where'][-1:]}"
                self._log.say("failed", logging.ERROR, what=what)
                await asyncio.sleep(RESTART_SECONDS)
            else:
                return

    async def _until_sent(self, writer: Writer, folder: Folder | None) -> None:
        while not self._stopping.is_set():
            unsent, _oldest = await writer.call(lambda spool: spool.unsent())
            if self._input_ended and unsent == 0 and not (folder and folder.waiting()):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    async def _tell_start(self, writer: Writer) -> None:
        head, (unsent, _oldest) = await writer.call(lambda spool: (spool.head(), spool.unsent()))
        self._log.say("started", complex=head.complex, event=head.last_event, batch=head.last_batch, unsent=unsent)


@contextlib.contextmanager
def only_one(directory: Path, tries: int = 1) -> Iterator[None]:
    """Holds a spool for this process; raises AlreadyRunning when another holds it after so many tries."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (directory / LOCK).open("w")
    except OSError as error:
        raise ConfigurationError(f"the spool's directory {directory} can't be used: {error}") from error
    with lock:
        while not _locked(lock):
            tries -= 1
            if tries <= 0:
                raise AlreadyRunning(f"another agent works on {directory}: stop it first")
            time.sleep(LOOK_SECONDS)
        yield


def is_running(directory: Path) -> bool:
    """True when an agent works on that spool."""
    try:
        with only_one(directory):
            return False
    except AlreadyRunning:
        return True


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
