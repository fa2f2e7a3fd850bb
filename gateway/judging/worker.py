"""A judging process: reads questions from the socket that it inherits, and answers them, until the socket ends."""

import os
import signal
import socket
import threading
import traceback
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

    Of the small ones that came together each step is taken for all before the next: what a step needs stays in the
    processor's caches, which a message for itself would have filled anew three times (a sixth less for sixteen).
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
        self._send(packed(Kind.READY, 0))
        frames = FrameReader()
        while data := self._channel.recv(READ_BYTES):
            small: list[_UnderWay] = []
            for frame in frames.feed(data):
                if frame.kind is Kind.TRUST:
                    self._answer(small)
                    small = []
                    self._examiner.trust(trust_of(frame.parts))
                elif sum(map(len, frame.parts)) <= self._settings.inline_bytes:
                    small.append(_UnderWay(frame, self._examiner))
                else:
                    self._threads.submit(self._answer, [_UnderWay(frame, self._examiner)])
            self._answer(small)

    def _answer(self, messages: list["_UnderWay"]) -> None:
        """Examines them side by side, and answers all at once."""
        answers: list[bytes] = []
        while messages:
            messages = [message for message in messages if not message.answered(answers)]
        if answers:
            self._send(answers)

    def _send(self, pieces: list[bytes]) -> None:
        with self._sending:
            self._channel.sendall(b"".join(pieces))


class _UnderWay:
    """One question on its way to an answer."""

    def __init__(self, frame: Frame, examiner: Examiner) -> None:
        steps: Steps = []
        self._ticket, self._steps = frame.ticket, steps
        self._examination = examiner.begin(question_of(frame.parts), lambda *step: steps.append(step))

    def answered(self, answers: list[bytes]) -> bool:
        """Takes one step; True when that was the last one, and the answer is added to the others."""
        try:
            examined = self._examination.advance()
        except (Refusal, SignatureRefused) as refusal:
            answers += packed(Kind.REFUSED, self._ticket, refused_parts(refusal, self._steps))
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this one message
            answers += packed(Kind.FAILED, self._ticket, [orjson.dumps(place_of(error))])
        else:
            if examined is None:
                return False
            answers += packed(Kind.EXAMINED, self._ticket, examined_parts(examined, self._steps))
        return True


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
