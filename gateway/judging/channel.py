"""The intake's end of one judging process: what was given to it, and what it answered."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import cast

import orjson
import structlog

from gateway.errors import Unavailable
from gateway.judging.frames import (
    Frame,
    FrameDamaged,
    FrameReader,
    Kind,
    Steps,
    examined_of,
    packed,
    question_parts,
    refused_of,
    trust_parts,
)
from gateway.judging.settings import JudgingSettings, Question, Timed
from gateway.model import Examined
from gateway.sealing.trust import TrustTexts

log = structlog.get_logger("judging")

SMALL_AT_ONCE = 32
"""So many small messages a process holds at the most: some that it examines together, and the next ones."""


class JudgingFailed(Exception):
    """A message could not be examined for a reason that nobody foresaw; the log says where."""


@dataclass(slots=True, eq=False)
class Asked:
    """One question under way; `attempts` counts the processes that died over it, `given_at` is the loop's time."""

    question: Question
    trusted: TrustTexts
    large: bool
    answer: asyncio.Future[Examined]
    attempts: int = 0
    given_at: float = 0.0

    def give_up(self, why: str) -> None:
        """Answers Unavailable, unless there is an answer."""
        if not self.answer.done():
            self.answer.set_exception(Unavailable(why))


class Channel(asyncio.Protocol):
    """One judging process and the socket to it; `room` is called whenever it may be given more."""

    def __init__(self, settings: JudgingSettings, timed: Timed, room: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self.held: dict[int, Asked] = {}
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._timed = timed
        self._room = room
        self._most = (SMALL_AT_ONCE, settings.threads)
        self._given = [0, 0]
        self._frames = FrameReader()
        self._ticket = 0
        self._trusted: TrustTexts | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Can be written to from now on."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it is over, whatever it was
        """The process is gone, or is told to go."""
        self._transport = None
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Passes answers on to who waits for them; a process that writes nonsense is let go."""
        try:
            for frame in self._frames.feed(data):
                self._receive(frame)
        except (FrameDamaged, ValueError):
            self.close()
        self._room()

    def has_room(self, large: bool) -> bool:  # noqa: FBT001 - a lane, not a switch
        """True when it may be given one more of that size."""
        open_ = self._transport is not None and not self._transport.is_closing()
        return open_ and self.ready.done() and self._given[large] < self._most[large]

    def give(self, asked: Asked) -> None:
        """Sends a question, and before it the trust that it is to be answered under where that is new."""
        if asked.trusted is not self._trusted:
            self._write(packed(Kind.TRUST, 0, trust_parts(asked.trusted)))
            self._trusted = asked.trusted
        self._ticket = (self._ticket + 1) & 0xFFFFFFFF
        asked.given_at = self._loop.time()
        self.held[self._ticket] = asked
        self._given[asked.large] += 1
        self._write(packed(Kind.QUESTION, self._ticket, question_parts(asked.question)))

    def overdue(self, patience: float) -> bool:
        """True when something was given to it longer ago than that, in seconds."""
        first = next(iter(self.held.values()), None)
        return first is not None and self._loop.time() - first.given_at > patience

    def close(self) -> None:
        """Lets the process go: it ends when it reads the end of its socket."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, pieces: Sequence[bytes]) -> None:
        if self._transport is not None:
            self._transport.writelines(pieces)

    def _receive(self, frame: Frame) -> None:
        if frame.kind is Kind.READY:
            if not self.ready.done():
                self.ready.set_result(None)
            return
        asked = self.held.pop(frame.ticket, None)
        if asked is None:
            raise FrameDamaged("an answer to no question")
        self._given[asked.large] -= 1
        result, steps = _answer_of(frame)
        for step, seconds in steps:
            self._timed(step, seconds)
        if asked.answer.done():
            return
        if isinstance(result, Examined):
            asked.answer.set_result(result)
        else:
            asked.answer.set_exception(result)


def _answer_of(frame: Frame) -> tuple[Examined | Exception, Steps]:
    if frame.kind is Kind.EXAMINED:
        return examined_of(frame.parts)
    if frame.kind is Kind.REFUSED:
        return refused_of(frame.parts)
    log.error("judging.failed", where=orjson.loads(frame.parts[0]))
    return JudgingFailed("a judging process failed at this message"), []


def spawn(settings: JudgingSettings) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A judging process, and this side's end of the socket to it."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        told = orjson.dumps(asdict(settings)).decode("ascii")
        command = [sys.executable, "-P", "-m", "gateway.judging", str(theirs.fileno()), told]
        process = subprocess.Popen(  # noqa: S603 - this very program
            command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
        )
    return process, ours
