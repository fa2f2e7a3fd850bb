"""The load generator: a small compiled program, or where none can be compiled a Python process of its own.

Both read the same prepared requests and write the same answers. Latencies go into an HdrHistogram.
"""

import importlib.util
import resource
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hdrh.histogram import HdrHistogram

SOURCE = Path(__file__).with_name("load.c")
ANSWER = struct.Struct("<qqq")
LONGEST_US = 120_000_000
DIGITS = 3
FLAGS = ("-O2", "-D_GNU_SOURCE")


@dataclass(frozen=True, slots=True)
class Load:
    """What a run saw: answers by status (0 where none came), seconds from the first due to the last answer, latencies.

    `cpu_seconds` is what the generator itself used.
    """

    statuses: Mapping[int, int]
    seconds: float
    latencies: HdrHistogram
    cpu_seconds: float

    @property
    def count(self) -> int:
        """How many answers there were."""
        return sum(self.statuses.values())

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.seconds if self.seconds else 0.0

    def milliseconds(self, percentile: float) -> float:
        """The latency at a percentile (0 to 100)."""
        return float(self.latencies.get_value_at_percentile(percentile)) / 1000

    def others(self, *right: int) -> int:
        """How many answers had another status than these."""
        return self.count - sum(self.statuses.get(status, 0) for status in right)


@dataclass(frozen=True, slots=True)
class Generator:
    """How load is made: the command before the arguments, and what it is called in the results."""

    command: Sequence[str]
    name: str

    def run(self, url: str, requests: Path, connections: int, rate: float = 0.0) -> Load:
        """Sends every request once: at `rate` a second (open loop), or as fast as they are answered (rate 0)."""
        split = urlsplit(url)
        answers = requests.with_suffix(".answers")
        address = [split.hostname or "127.0.0.1", str(split.port or 80)]
        before = _children_cpu()
        subprocess.run(
            [*self.command, *address, str(requests), str(answers), str(connections), repr(float(rate))], check=True
        )
        load = read_answers(answers.read_bytes(), _children_cpu() - before)
        answers.unlink()
        return load


def make_generator(directory: Path) -> Generator:
    """The compiled generator where a compiler is at hand (the `ziglang` wheel, or the machine's own), else Python's."""
    for name, compiler in _compilers():
        program = directory / "load"
        done = subprocess.run([*compiler, *FLAGS, "-o", str(program), str(SOURCE)], capture_output=True, check=False)
        if done.returncode == 0:
            return Generator((str(program),), f"bench/generator/load.c, compiled by {name}")
    return Generator((sys.executable, "-m", "bench.generator.plain"), "bench/generator/plain.py (no compiler found)")


def plain_generator() -> Generator:
    """The Python one: needs no compiler, and more CPU."""
    return Generator((sys.executable, "-m", "bench.generator.plain"), "bench/generator/plain.py")


def read_answers(data: bytes, cpu_seconds: float = 0.0) -> Load:
    """What a generator wrote: for each request when it was due, when it was answered (ns), and the status."""
    statuses: Counter[int] = Counter()
    latencies = HdrHistogram(1, LONGEST_US, DIGITS)
    first, last = None, 0
    for due, done, status in ANSWER.iter_unpack(data):
        statuses[status] += 1
        first = due if first is None else min(first, due)
        last = max(last, done)
        latencies.record_value(min(LONGEST_US, max(1, (done - due) // 1000)))
    return Load(dict(statuses), (last - (first or 0)) / 1e9, latencies, cpu_seconds)


def _compilers() -> list[tuple[str, Sequence[str]]]:
    found: list[tuple[str, Sequence[str]]] = []
    if importlib.util.find_spec("ziglang") is not None:
        found.append(("the ziglang wheel", (sys.executable, "-m", "ziglang", "cc")))
    own = shutil.which("cc")
    if own is not None:
        found.append(("cc", (own,)))
    return found


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
