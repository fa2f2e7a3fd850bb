"""The same generator in plain Python, for machines without a compiler: `python -m bench.generator.plain ...`.

Arguments and files are those of load.c. It takes CPU from what is measured; the results say that it was used.
"""

import asyncio
import sys
import time
from collections import defaultdict, deque
from pathlib import Path

from bench.generator import ANSWER
from bench.requests import ANY, read_requests


class _Run:
    """The requests, who sends which, and the answers so far."""

    def __init__(self, requests: Path, connections: int, rate: float) -> None:
        self.requests: list[bytes] = []
        self.own: dict[int, deque[int]] = defaultdict(deque)
        self.shared: deque[int] = deque()
        self.rate = rate
        for number, (lane, each) in enumerate(read_requests(requests)):
            self.requests.append(each)
            (self.shared if lane == ANY else self.own[lane % connections]).append(number)
        self.answers = [(0, 0, 0)] * len(self.requests)
        self.started = time.monotonic_ns()

    def since(self) -> int:
        return time.monotonic_ns() - self.started

    async def next(self, lane: int) -> tuple[int, int] | None:
        """The next request of a connection and when it is due; waits until then."""
        queue = self.own[lane] or self.shared
        if not queue:
            return None
        number = queue.popleft()
        if not self.rate:
            return number, self.since()
        due = int(number * 1e9 / self.rate)
        await asyncio.sleep(max(0, due - self.since()) / 1e9)
        return number, due


async def _connection(run: _Run, host: str, port: int, lane: int) -> None:
    link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while (taken := await run.next(lane)) is not None:
        number, due = taken
        try:
            link = link or await asyncio.open_connection(host, port)
            link[1].write(run.requests[number])
            status, closing = await _answer(link[0])
        except (OSError, asyncio.IncompleteReadError):
            status, closing = 0, True
        run.answers[number] = (due, run.since(), status)
        if closing and link is not None:
            link[1].close()
            link = None
    if link is not None:
        link[1].close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(lower[at + len(b"content-length:") : lower.index(b"\r", at)]))
    return int(head[9:12]), b"\r\nconnection: close" in lower


async def _main(host: str, port: int, run: _Run, connections: int) -> None:
    await asyncio.gather(*(_connection(run, host, port, lane) for lane in range(connections)))


def main() -> None:
    host, port, requests, answers, connections, rate = sys.argv[1:]
    run = _Run(Path(requests), int(connections), float(rate))
    asyncio.run(_main(host, int(port), run, int(connections)))
    Path(answers).write_bytes(b"".join(ANSWER.pack(*each) for each in run.answers))


if __name__ == "__main__":
    main()
