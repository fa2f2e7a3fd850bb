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
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import orjson

from gateway.judging.examination import item_contents, rendered
from gateway.judging.frames import (
    Frame,
    FrameReader,
    Kind,
    Steps,
    examined_parts,
    packed,
    question_of,
    refused_parts,
    segment_parts,
    trust_of,
)
from gateway.judging.settings import LargeSettings, Question
from gateway.judging.worker import place_of
from gateway.model import Circumstances, Examined, Item, Signer
from gateway.sealing.long_signature import verify_long
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.trust import TrustStore
from validators.gaming.complexes import complex_id_of
from validators.long_judging import LongJudgement, head_of, judge_long, refuse_long
from validators.long_text import LongText, settle
from validators.profiles import ProfileBook
from validators.refusals import Refusal

READ_BYTES = 65_536
WATCH_SECONDS = 0.5
NICENESS = 5
"""Long messages give way to short ones."""


class LargeWorker:
    """Answers questions about one message, in the order in which they come, until the other end closes."""

    def __init__(self, channel: socket.socket, file: BinaryIO, settings: LargeSettings) -> None:
        self._channel = channel
        self._file = file
        self._settings = settings
        self._profiles = ProfileBook.load()
        self._trust = TrustStore(())
        self._text: LongText | None = None
        self._signer: Signer | None = None
        self._reporter: str | None = None
        self._complex_id: str | None = None
        self._judged: LongJudgement | None = None

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
        self._judged = judge_long(self._text, circumstances, self._profiles, self._settings.short_bytes)
        judged = rendered(self._judged.judgement)
        return Examined(self._signer, self._reporter, self._complex_id, question.standing.mark, judged)

    def _tell(self) -> None:
        """The contents of the accepted items, segment by segment; an empty one is the last."""
        if self._judged is None:
            raise AssertionError("nothing is told of a message that was not judged")
        for segment in segments(self._judged.items(), self._settings.segment_items, self._settings.segment_bytes):
            self._send(Kind.SEGMENT, segment)
        self._send(Kind.SEGMENT, segment_parts([], [], []))

    def _send(self, kind: Kind, parts: Sequence[bytes]) -> None:
        self._channel.sendall(b"".join(packed(kind, 0, parts)))


def segments(rows: Iterator[list[Item]], most: int, weight: int) -> Iterator[list[bytes]]:
    """The accepted items as parts of frames, at most so many in each, and about so many bytes."""
    items: list[Item] = []
    contents: list[bytes] = []
    held = 0
    for row in rows:
        for item, content in zip(row, item_contents(row), strict=True):
            items.append(item)
            contents.append(content)
            held += len(content)
            if len(items) == most or held >= weight:
                yield segment_parts([one.number for one in items], [one.key for one in items], contents)
                items, contents, held = [], [], 0
    if items:
        yield segment_parts([one.number for one in items], [one.key for one in items], contents)


def end_with(parent: int) -> None:
    """Ends this process, whatever it is at, soon after the one that started it has ended."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def main(channel: int, file: int, settings: LargeSettings) -> None:
    """Serves; where the intake is gone nobody waits for an answer."""
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    try:
        with os.fdopen(file, "rb", buffering=0) as spooled:
            LargeWorker(socket.socket(fileno=channel), spooled, settings).serve()
    except OSError:
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), LargeSettings.of(orjson.loads(sys.argv[3])))
