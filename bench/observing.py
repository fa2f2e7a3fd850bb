"""Memory and CPU of processes while they are measured."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import psutil

from gateway.local.stack import StackFacts

MB = 1_000_000
EVERY_SECONDS = 0.1


def resident(pids: Sequence[int]) -> list[float]:
    """Resident MB of each process that lives."""
    found = []
    for pid in pids:
        try:
            found.append(psutil.Process(pid).memory_info().rss / MB)
        except psutil.NoSuchProcess:
            continue
    return found


def children_of(pids: Sequence[int], *, recursive: bool = False) -> list[int]:
    """Whom these processes have started, and who lives; with `recursive` whom those have, too."""
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            found += [child.pid for child in psutil.Process(pid).children(recursive)]
    return found


class Peak:
    """The most that any one of the processes, or with `children` of those that they start, held in MB while watched."""

    def __init__(self, pids: Sequence[int], *, children: bool = False) -> None:
        self._pids = pids
        self._children = children
        self._over = threading.Event()
        self.mb = 0.0

    def watch(self) -> None:
        """Looks until `end`."""
        while not self._over.wait(EVERY_SECONDS):
            self.mb = max([self.mb, *resident(children_of(self._pids) if self._children else self._pids)])

    def end(self) -> None:
        """Ends the watching."""
        self._over.set()


@contextmanager
def peak_of(pids: Sequence[int], *, children: bool = False) -> Iterator[Peak]:
    """Watches the processes, or those that they start, while something else is done."""
    peak = Peak(pids, children=children)
    watching = threading.Thread(target=peak.watch)
    watching.start()
    try:
        yield peak
    finally:
        peak.end()
        watching.join()


def cpu_of(pids: Sequence[int]) -> float:
    """Seconds of CPU that the processes and their children have used, those left out that end meanwhile."""
    used = 0.0
    for pid in {*pids, *children_of(pids, recursive=True)}:
        with suppress(psutil.NoSuchProcess):
            used += sum(psutil.Process(pid).cpu_times()[:2])
    return used


def cpu_by_part(facts: StackFacts) -> Mapping[str, float]:
    """Seconds of CPU that each part of a stack has used, PostgreSQL's backends with it."""
    return {part: cpu_of(pids) for part, pids in facts.pids.items()}
