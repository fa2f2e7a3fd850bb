"""A judging process: reads questions from the socket that it inherits, and answers them, until the socket ends."""

import os
import signal
import socket
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson

from gateway.garbage import calm_collector
from gateway.judging.examination import Examiner, warm
from gateway.judging.frames import (
    Frame,
    FrameReader,
    Kind,
    Steps,
    examined_parts,
    packed,
    question_of,
    refused_parts,
    trust_of,
)
from gateway.judging.settings import JudgingSettings
from gateway.sealing.refusals import SignatureRefused
from validators.profiles import ProfileBook
from validators.refusals import Refusal

READ_BYTES = 262_144


class Worker:
    """Answers small messages in the order in which they come, and large ones beside them.

    What explains refusals is built when the first one comes: a third of a second then, 17 MB at rest saved until then.
    """

    def __init__(self, channel: socket.socket, settings: JudgingSettings) -> None:
        self._channel = channel
        self._settings = settings
        self._profiles = ProfileBook.load()
        self._examiner = Examiner(self._profiles, settings.limits)
        self._sending = threading.Lock()
        self._threads = ThreadPoolExecutor(settings.threads, "judging")

    def serve(self) -> None:
        """Until the other end closes, or dies."""
        warm(self._profiles)
        calm_collector()
        self._send(Kind.READY, 0)
        frames = FrameReader()
        while data := self._channel.recv(READ_BYTES):
            for frame in frames.feed(data):
                self._take(frame)

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.TRUST:
            self._examiner.trust(trust_of(frame.parts))
        elif sum(map(len, frame.parts)) <= self._settings.inline_bytes:
            self._answer(frame)
        else:
            self._threads.submit(self._answer, frame)

    def _answer(self, frame: Frame) -> None:
        steps: Steps = []
        try:
            examined = self._examiner.examine(question_of(frame.parts), lambda *step: steps.append(step))
        except (Refusal, SignatureRefused) as refusal:
            self._send(Kind.REFUSED, frame.ticket, refused_parts(refusal, steps))
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this one message
            self._send(Kind.FAILED, frame.ticket, [orjson.dumps(place_of(error))])
        else:
            self._send(Kind.EXAMINED, frame.ticket, examined_parts(examined, steps))

    def _send(self, kind: Kind, ticket: int, parts: Sequence[bytes] = ()) -> None:
        with self._sending:
            self._channel.sendall(b"".join(packed(kind, ticket, parts)))


def place_of(error: BaseException) -> str:
    """What an unexpected error was and where, without its message, which might hold personal data."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__module__}.{type(error).__qualname__} in {frame.name}, line {frame.lineno}"


def main(descriptor: int, settings: JudgingSettings) -> None:
    """Serves; a signal to stop is the intake's to follow, which then closes the socket.

    Where the intake is gone nobody waits for an answer: what is still being examined is left.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        Worker(socket.socket(fileno=descriptor), settings).serve()
    except OSError:
        os._exit(1)
    os._exit(0)
