"""Several intakes behind one listening socket: started, watched over, and started again when one ends.

One intake is one interpreter, so one core with its judging process; a machine with more cores takes more of them. The
socket is listened on here and inherited by all: who is free takes the next connection, and the connections that wait
for a worker which dies go to the others. The workers heed no SIGTERM or SIGINT (a service manager sends them to all);
they stop, each finishing what is under way, when the pipe ends that this process holds: when it stops or however it
dies. They are forked while this process has no thread and no event loop yet, so they share what was loaded.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

import structlog

from gateway.errors import GatewayError, Unavailable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
WATCH_SECONDS = 1.0

Work = Callable[[int, Callable[[], None], int], None]
"""Serves as the worker of this number (0, 1 ...); tells once it is ready; stops when this descriptor can be read."""

log = structlog.get_logger("workers")


@dataclass(slots=True)
class _Worker:
    number: int
    process: ForkProcess
    told: Connection
    ready: bool = False
    error: GatewayError | None = None

    def hear(self) -> None:
        """Takes up what the worker says of itself: that it is ready, or why it can't be."""
        with contextlib.suppress(EOFError, OSError):
            while self.told.poll():
                self.error = self.told.recv()
                self.ready = self.ready or self.error is None


@dataclass(slots=True)
class Workers:
    """`count` workers that do `work`; `patience` is how many seconds they have to stop.

    `run` returns after SIGTERM or SIGINT; a second signal ends the workers at once.
    """

    work: Work
    count: int
    patience: float
    _held: dict[int, _Worker] = field(default_factory=dict, init=False)
    _due: dict[int, float] = field(default_factory=dict, init=False)
    _pause: float = field(default=FIRST_PAUSE, init=False)
    _signals: int = field(default=0, init=False)
    _served: bool = field(default=False, init=False)

    def run(self) -> None:
        """Serves until a signal; raises what kept the first workers from serving."""
        until, stop = os.pipe()
        with self._signalled():
            try:
                for number in range(self.count):
                    self._start(number, until, stop)
                while not self._signals:
                    self._watch()
                    self._start_again(until, stop)
            finally:
                os.close(stop)
                self._end()
                os.close(until)

    def _start(self, number: int, until: int, stop: int) -> None:
        context = multiprocessing.get_context("fork")
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=_worker, args=(self.work, number, tell, until, stop), name=f"worker {number}")
        process.start()
        tell.close()
        self._held[number] = _Worker(number, process, told)
        log.info("worker.started", worker=number, pid=process.pid)

    def _watch(self) -> None:
        """Waits a moment for a worker to say something, or to end."""
        sources: list[int | Connection] = []
        for worker in self._held.values():
            sources += [worker.process.sentinel] if worker.ready else [worker.process.sentinel, worker.told]
        wait(sources, WATCH_SECONDS if not self._due else FIRST_PAUSE)
        for worker in list(self._held.values()):
            alive = worker.process.is_alive()
            worker.hear()
            self._served = self._served or worker.ready
            if not alive:
                self._ended(worker)

    def _ended(self, worker: _Worker) -> None:
        """Notes when to start the next one: at once where this one had served, ever later where it had not."""
        self._let_go(worker)
        if self._signals:
            return
        log.error("worker.ended", worker=worker.number, pid=worker.process.pid, status=worker.process.exitcode)
        if not worker.ready and not self._served:
            raise worker.error or Unavailable("a worker ended while it started; the log tells why")
        self._pause = FIRST_PAUSE if worker.ready else min(2 * self._pause, LONGEST_PAUSE)
        self._due[worker.number] = time.monotonic() + self._pause

    def _start_again(self, until: int, stop: int) -> None:
        for number, due in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[number]
                self._start(number, until, stop)

    def _end(self) -> None:
        """Waits for all, and kills who takes longer than it may."""
        deadline = time.monotonic() + self.patience
        while self._held and self._signals < 2 and time.monotonic() < deadline:  # noqa: PLR2004 - the second signal
            wait([worker.process.sentinel for worker in self._held.values()], FIRST_PAUSE)
            for worker in list(self._held.values()):
                if not worker.process.is_alive():
                    self._let_go(worker)
        for worker in list(self._held.values()):
            worker.process.kill()
            self._let_go(worker)

    def _let_go(self, worker: _Worker) -> None:
        worker.process.join()
        worker.told.close()
        del self._held[worker.number]

    @contextlib.contextmanager
    def _signalled(self) -> Iterator[None]:
        def count(_number: int, _frame: object) -> None:
            self._signals += 1

        before = {number: signal.signal(number, count) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _worker(work: Work, number: int, tell: Connection, until: int, stop: int) -> None:
    """The life of a worker: what keeps it from serving is told, not printed, so that it is said once."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    os.close(stop)
    try:
        work(number, lambda: tell.send(None), until)
    except GatewayError as error:
        log.error("worker.failed", worker=number, code=error.code, reason=str(error))  # noqa: TRY400 - no place of interest
        tell.send(error)
        raise SystemExit(2) from None
