"""Events in files that are renamed into a folder: read to their end, then moved to `done` or `failed`."""

import asyncio
import hashlib
import itertools
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from gateway.client.agent.inputs.lines import CHUNK, LineSplitter, written
from gateway.client.agent.taking import MOST_LINES, Answer, Taker
from gateway.client.agent.texts import OperatorLog

LOOK_SECONDS = 0.25
DONE, FAILED = "done", "failed"
UNFINISHED = (".tmp", ".part")
AGAIN = frozenset({"AGT-008", "AGT-009"})
"""Findings that say nothing against the event: the file stays, and is read again."""

_NAMESPACE = uuid.UUID("6c0f7d0e-1f0b-5d4f-9a53-0d8f3a4b7c21")


class Folder:
    """A watched folder; names that begin with a point or end with `.tmp` or `.part` are not looked at.

    An event without an id gets one that follows from the file's name and contents and its line, so that a file which
    is read again after a crash, or put in again, doubles nothing.
    """

    def __init__(self, path: Path, taker: Taker, log: OperatorLog) -> None:
        self._path = path
        self._taker = taker
        self._log = log

    def prepare(self) -> None:
        """Makes the folder and the two below it."""
        for name in (DONE, FAILED):
            (self._path / name).mkdir(parents=True, exist_ok=True)

    def waiting(self) -> list[Path]:
        """The files to take, in the order of their names."""
        with os.scandir(self._path) as entries:
            names = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
        return [self._path / name for name in sorted(names) if not name.endswith(UNFINISHED)]

    async def run(self) -> None:
        """Takes files until it is cancelled."""
        while True:
            for path in self.waiting():
                await self._take(path)
            await asyncio.sleep(LOOK_SECONDS)

    async def _take(self, path: Path) -> None:
        digest = await asyncio.to_thread(_digest, path)
        taken, refused = 0, list[Answer]()
        for numbered in _pieces(path):
            fallbacks = [uuid.uuid5(_NAMESPACE, f"{path.name}/{digest}/{number}") for number, _line in numbered]
            answers = await self._taker.take([line for _number, line in numbered], fallbacks)
            for (number, _line), answer in zip(numbered, answers, strict=True):
                if "sequence" in answer:
                    taken += 1
                else:
                    refused.append({"line": number, **answer})
            if any(finding["code"] in AGAIN for answer in answers for finding in answer.get("findings", ())):
                return
        self._move(path, taken, refused)

    def _move(self, path: Path, taken: int, refused: list[Answer]) -> None:
        target = _free(self._path / (FAILED if refused else DONE) / path.name)
        if not refused:
            path.replace(target)
            self._log.say("file-done", name=path.name, taken=taken)
            return
        errors = target.with_name(f"{target.name}.error")
        errors.write_bytes(written(refused))
        path.replace(target)
        self._log.say("file-failed", logging.WARNING, name=path.name, taken=taken, refused=len(refused), errors=errors)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pieces(path: Path) -> Iterator[list[tuple[int, bytes]]]:
    """The lines that hold something, each with its number among them, MOST_LINES at once."""
    numbered = enumerate(_lines(path), 1)
    while piece := list(itertools.islice(numbered, MOST_LINES)):
        yield piece


def _lines(path: Path) -> Iterator[bytes]:
    splitter = LineSplitter()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            yield from splitter.feed(data)
    yield from splitter.end()


def _free(path: Path) -> Path:
    candidates = (path, *(path.with_name(f"{path.name}.{number}") for number in range(1, 1000)))
    return next((candidate for candidate in candidates if not candidate.exists()), path)
