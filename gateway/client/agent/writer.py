"""The one thread that touches the spool: what waits shares a commit, and is answered after it."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from gateway.client.agent.errors import SpoolFails
from gateway.client.agent.spool import Spool, open_file

T = TypeVar("T")
MOST_TOGETHER = 64
CLOSED = "the spool is closed"

_Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Writer:
    """Runs steps on a spool, each whole or not at all, several in one durable transaction.

    `call` returns when what the step wrote is on disk. Use it as an async context manager.
    """

    def __init__(self, directory: Path, complex_id: str) -> None:
        self._directory = directory
        self._complex = complex_id
        self._jobs: queue.SimpleQueue[tuple[Callable[[Spool], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        connection = open_file(self._directory, self._complex)
        self._thread = threading.Thread(target=self._work, args=(connection,), name="spool", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    async def call(self, step: Callable[[Spool], T]) -> T:
        """The step's result, once it is durable.

        What the step raises comes out here and undoes this step alone; SpoolFails when the disk did not take it.
        """
        if self._thread is None or self._loop is None:
            raise SpoolFails(CLOSED)
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((step, answer))
        return await answer

    def _work(self, connection: sqlite3.Connection) -> None:
        with contextlib.closing(connection):
            spool = Spool(connection)
            going_on = True
            while going_on:
                jobs, going_on = self._collect()
                if jobs:
                    self._answer(_commit(connection, spool, jobs))

    def _collect(self) -> tuple[list[tuple[Callable[[Spool], Any], "asyncio.Future[Any]"]], bool]:
        jobs = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == MOST_TOGETHER:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _answer(self, answers: Sequence[_Answer]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_tell, answers)


def _commit(
    connection: sqlite3.Connection,
    spool: Spool,
    jobs: Sequence[tuple[Callable[[Spool], Any], "asyncio.Future[Any]"]],
) -> list[_Answer]:
    try:
        connection.execute("BEGIN IMMEDIATE")
        answers = [_step(connection, spool, step, answer) for step, answer in jobs]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        fails = SpoolFails(f"the disk did not take it: {error}")
        return [(answer, None, fails) for _step_, answer in jobs]
    return answers


def _step(
    connection: sqlite3.Connection, spool: Spool, step: Callable[[Spool], Any], answer: "asyncio.Future[Any]"
) -> _Answer:
    connection.execute("SAVEPOINT step")
    try:
        result = step(spool)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - it is the caller's, who gets it
        connection.execute("ROLLBACK TO step")
        connection.execute("RELEASE step")
        return answer, None, error
    connection.execute("RELEASE step")
    return answer, result, None


def _tell(answers: Sequence[_Answer]) -> None:
    for answer, result, error in answers:
        if answer.cancelled():
            continue
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)
