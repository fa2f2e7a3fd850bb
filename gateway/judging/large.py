"""`python -m gateway.judging.large SOCKET FILE SETTINGS`: one long message examined in a process of its own.

Started by the intake for each long message, of use to nobody else. The file is inherited as a descriptor, so it needs
no name; the process goes when it is done, and with it whatever memory the message took.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO, BinaryIO

import orjson
import structlog

from gateway.judging.examination import rendered
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
from gateway.judging.kept import Kept
from gateway.judging.settings import LargeSettings, Question
from gateway.judging.worker import place_of
from gateway.logs import configure_logging
from gateway.model import Circumstances, Examined, Signer
from gateway.sealing.long_signature import verify_long
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.trust import TrustStore
from validators.gaming.complexes import complex_id_of
from validators.long_judging import head_of, judge_long, refuse_long
from validators.long_text import LongText, settle
from validators.profiles import ProfileBook
from validators.refusals import Refusal

READ_BYTES = 65_536
WATCH_SECONDS = 0.5
NICENESS = 5
"""Long messages give way to short ones."""

log = structlog.get_logger("judging")


class LargeWorker:
    """Answers questions about one message, in the order in which they come, until the other end closes."""

    def __init__(self, channel: socket.socket, file: BinaryIO, kept: IO[bytes], settings: LargeSettings) -> None:
        self._channel = channel
        self._file = file
        self._settings = settings
        self._profiles = ProfileBook.load()
        self._trust = TrustStore(())
        self._text: LongText | None = None
        self._signer: Signer | None = None
        self._reporter: str | None = None
        self._complex_id: str | None = None
        self._kept = Kept(kept, settings)
        self._stands = False

    def serve(self) -> None:
        """Until the other end closes, or something is wrong."""
        frames = FrameReader()
        while data := self._channel.recv(READ_BYTES):
            for frame in frames.feed(data):
                self._take(frame)

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.TRUST:
            texts = trust_of(frame.parts)
            self._trust = TrustStore(texts.anchors, texts.revocation_lists)
            return
        steps: Steps = []
        try:
            if frame.kind is Kind.CONTENTS:
                self._tell()
            else:
                self._send(Kind.EXAMINED, examined_parts(self._examine(question_of(frame.parts)), steps))
        except (Refusal, SignatureRefused) as refusal:
            self._send(Kind.REFUSED, refused_parts(refusal, steps))
        except OSError:  # it concerns the disk, or nobody listens any more
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this one message
            self._send(Kind.FAILED, [orjson.dumps(place_of(error))])

    def _examine(self, question: Question) -> Examined:
        """Who signed it, once the signature over all of it holds; what it is judged to be where a standing is told."""
        if self._text is None or self._signer is None:
            text = settle(self._file, self._settings.limits, self._settings.read_bytes)
            head = head_of(text, self._profiles)
            if head is None:
                refuse_long(text, self._settings.short_bytes)
            self._signer, found = verify_long(text, self._trust, question.at)
            self._text, self._reporter = text, found.reporter
            self._complex_id = None if head is None else complex_id_of(head)
        if question.standing is None:
            return Examined(self._signer, self._reporter, self._complex_id)
        circumstances = Circumstances(
            question.at,
            question.standing.kind,
            question.standing.complex,
            complex_taken=question.standing.taken,
            register_known=True,
            certificate=self._signer.fingerprint,
        )
        self._stands = False
        judgement = judge_long(self._text, circumstances, self._profiles, self._kept, self._settings.short_bytes)
        self._stands = judgement.verdict.stands
        return Examined(self._signer, self._reporter, self._complex_id, question.standing.mark, rendered(judgement))

    def _tell(self) -> None:
        """The contents of the accepted items, segment by segment; an empty one is the last."""
        if not self._stands:
            raise AssertionError("nothing is told of a message that does not stand")
        for piece in self._kept.frames():
            self._channel.sendall(piece)

    def _send(self, kind: Kind, parts: Sequence[bytes]) -> None:
        self._channel.sendall(b"".join(packed(kind, 0, parts)))


def end_with(parent: int) -> None:
    """Ends this process, whatever it is at, soon after the one that started it has ended."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def main(channel: int, file: int, settings: LargeSettings) -> None:
    """Serves until nobody asks any more; ends at once, which is an answer too, where the disk or the intake is gone."""
    configure_logging()
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    try:
        with os.fdopen(file, "rb", buffering=0) as spooled, TemporaryFile(dir=settings.spool) as kept:
            LargeWorker(socket.socket(fileno=channel), spooled, kept, settings).serve()
    except OSError as error:
        log.warning("judging.large_ended", error=type(error).__name__, errno=error.errno)
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), LargeSettings.of(orjson.loads(sys.argv[3])))
