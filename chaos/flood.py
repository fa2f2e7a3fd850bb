"""`python -m chaos.flood SPEC`: one sender in a process of its own, with an address of its own on the loopback.

It makes its messages, says so, and then runs the phases that it reads from standard input, one JSON object a line. For
each it writes what became of every request into a file and its path to standard output. An open loop: a request is
sent when it is due, whatever became of those before.
"""

import asyncio
import hashlib
import json
import math
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple, cast

import uvloop

from gateway.local.messages import Reporter, Scenario, build_fm1
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.xmldsig import sign_now

SHOT = struct.Struct("<IdddhHH")
LATER = (429, 503)
NO_ANSWER, NEVER_SENT = 0, -1
TICK_SECONDS = 0.002
PATIENCE, LONG_PATIENCE = 60.0, 90.0
GRACE_SECONDS = 1.0
CLOSED_CONNECTIONS = 32
LEAST_PAUSE = 0.05
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Spec:
    """Who sends: from which address of the loopback, over how many connections, with how many messages of its own.

    `suspicious` is the share of suspicious operations among them. One that is `obedient` sends what was refused for
    the moment again when `Retry-After` says so.
    """

    name: str
    address: str
    port: int
    identifier: str
    kind: str
    key: str
    certificate: str
    directory: str
    seed: str
    messages: int
    connections: int
    suspicious: float
    obedient: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """How fast (requests a second; 0: a closed loop over a few connections) and for how many seconds."""

    rate: float
    seconds: float


class Shot(NamedTuple):
    """One request: number of the message, monotonic seconds when it was due, sent and answered, and the answer.

    `status` is 0 where no answer came and -1 where it was never sent; `retry_after` is 0 where the answer has none.
    """

    message: int
    due: float
    sent: float
    done: float
    status: int
    retry_after: int
    attempt: int


class Link(asyncio.Protocol):
    """One kept-alive connection with at most one request under way.

    `answered` is told status and Retry-After, `lost` that the connection ended between two requests.
    """

    def __init__(self, answered: Callable[["Link", int, int], None], lost: Callable[["Link"], None]) -> None:
        self._answered = answered
        self._lost = lost
        self._buffer = bytearray()
        self._busy = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Can be used from now on."""
        self.transport = cast("asyncio.Transport", transport)

    def fire(self, request: bytes) -> None:
        """Sends a request."""
        self._busy = True
        if self.transport is not None:
            self.transport.write(request)

    def abandon(self) -> None:
        """Gives up the request that is under way: it has no answer."""
        if self.transport is not None:
            self.transport.abort()
        self.connection_lost(None)

    def data_received(self, data: bytes) -> None:
        """Waits for the whole answer."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        if len(self._buffer) < end + 4 + _number(head, b"content-length:"):
            return
        self._buffer.clear()
        if b"connection: close" in head and self.transport is not None:
            self.transport.close()
            self.transport = None
        self._busy = False
        self._answered(self, int(head[9:12]), _number(head, b"retry-after:"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it is over, whatever it was
        """What was under way has no answer; an idle one is of no use any more."""
        self.transport = None
        if self._busy:
            self._busy = False
            self._answered(self, NO_ANSWER, 0)
        else:
            self._lost(self)


class Sender:
    """Sends one entity's messages round and round; a message that was refused for the moment comes again later."""

    def __init__(self, spec: Spec, requests: Sequence[bytes]) -> None:
        self._spec = spec
        self._requests = requests
        self._next = 0
        self._idle: list[Link] = []
        self._open = 0
        self._under_way: dict[Link, tuple[int, float, float, int]] = {}
        self._waiting: deque[tuple[int, float, int]] = deque()
        self._shots: list[Shot] = []
        self._later = 0
        self._closed_until = 0.0

    async def run(self, phase: Phase) -> list[Shot]:
        """What became of every request of the phase."""
        self._shots = []
        begun = time.monotonic()
        if phase.rate:
            await self._open_loop(phase, begun)
        else:
            await self._closed_loop(begun + phase.seconds)
        self._drop(due_before=time.monotonic() - GRACE_SECONDS)
        deadline = begun + phase.seconds + (LONG_PATIENCE if self._spec.obedient else PATIENCE)
        while (self._under_way or self._waiting or self._later) and time.monotonic() < deadline:
            await asyncio.sleep(TICK_SECONDS)
        self._drop(due_before=math.inf)
        for link in list(self._under_way):
            link.abandon()
        return self._shots

    def _drop(self, due_before: float) -> None:
        """Gives up what waits for a free connection since before that, and was never sent."""
        if self._spec.obedient and due_before < math.inf:
            return
        given_up = [each for each in self._waiting if each[1] < due_before]
        self._waiting = deque(each for each in self._waiting if each[1] >= due_before)
        self._shots += [Shot(message, due, 0.0, 0.0, NEVER_SENT, 0, attempt) for message, due, attempt in given_up]

    async def _open_loop(self, phase: Phase, begun: float) -> None:
        total, number = int(phase.rate * phase.seconds), 0
        while number < total:
            until = min(total, int((time.monotonic() - begun) * phase.rate) + 1)
            for each in range(number, until):
                self._waiting.append((self._take(), begun + each / phase.rate, 1))
            number = until
            self._go_on()
            await asyncio.sleep(TICK_SECONDS)

    async def _closed_loop(self, until: float) -> None:
        self._closed_until = until
        for _ in range(min(self._spec.connections, CLOSED_CONNECTIONS)):
            self._waiting.append((self._take(), time.monotonic(), 1))
        self._go_on()
        while time.monotonic() < until:
            await asyncio.sleep(TICK_SECONDS)
        self._closed_until = 0.0

    def _take(self) -> int:
        number = self._next
        self._next = (self._next + 1) % len(self._requests)
        return number

    def _go_on(self) -> None:
        while self._waiting and self._idle:
            self._fire(self._idle.pop(), *self._waiting.popleft())
        for _ in range(min(len(self._waiting), self._spec.connections - self._open)):
            self._open += 1
            asyncio.ensure_future(self._connect())  # noqa: RUF006 - it ends by itself, and counts itself

    def _fire(self, link: Link, message: int, due: float, attempt: int) -> None:
        self._under_way[link] = message, due, time.monotonic(), attempt
        link.fire(self._requests[message])

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, link = await loop.create_connection(
                lambda: Link(self._answered, self._lost),
                "127.0.0.1",
                self._spec.port,
                local_addr=(self._spec.address, 0),
            )
        except OSError:
            self._open -= 1
            return
        self._idle.append(link)
        self._go_on()

    def _answered(self, link: Link, status: int, retry_after: int) -> None:
        message, due, sent, attempt = self._under_way.pop(link)
        now = time.monotonic()
        self._shots.append(Shot(message, due, sent, now, status, retry_after, attempt))
        if link.transport is None:
            self._open -= 1
        else:
            self._idle.append(link)
        if self._spec.obedient and status in LATER:
            self._later += 1
            asyncio.get_running_loop().call_later(max(LEAST_PAUSE, retry_after), self._again, message, due, attempt + 1)
        elif self._closed_until > now:
            self._waiting.append((self._take(), now, 1))
        self._go_on()

    def _lost(self, link: Link) -> None:
        if link in self._idle:
            self._idle.remove(link)
            self._open -= 1

    def _again(self, message: int, due: float, attempt: int) -> None:
        self._later -= 1
        self._waiting.append((message, due, attempt))
        self._go_on()


def suspicious_numbers(spec: Spec) -> set[int]:
    """Which of a sender's messages tell of suspicious operations: the same for the same seed."""
    random = Random(f"{spec.seed}/kinds")
    return {number for number in range(spec.messages) if random.random() < spec.suspicious}


def read_shots(path: Path) -> list[Shot]:
    """What a sender wrote."""
    return [Shot(*each) for each in SHOT.iter_unpack(path.read_bytes())]


def main() -> None:
    """Runs until standard input ends."""
    spec = Spec(**json.loads(sys.argv[1]))
    uvloop.run(_serve(spec))


async def _serve(spec: Spec) -> None:
    bodies = list(_bodies(spec))
    place = Path(spec.directory) / spec.name
    digests = [hashlib.sha256(body).hexdigest() for body in bodies]
    place.with_suffix(".digests").write_text("\n".join(digests), "ascii")
    sender = Sender(spec, [HEAD % len(body) + body for body in bodies])
    print("ready", flush=True)
    number = 0
    while line := await asyncio.to_thread(sys.stdin.readline):
        shots = await sender.run(Phase(**json.loads(line)))
        number += 1
        written = place.with_suffix(f".{number}.shots")
        written.write_bytes(b"".join(SHOT.pack(*shot) for shot in shots))
        print(written, flush=True)


def _bodies(spec: Spec) -> Iterator[bytes]:
    reporter = Reporter(spec.identifier, spec.kind, f"Entity {spec.identifier}")
    keys = LocalKeyHolder.from_pem(Path(spec.key).read_bytes(), Path(spec.certificate).read_bytes())
    random, suspicious = Random(f"{spec.seed}/texts"), suspicious_numbers(spec)
    for number in range(spec.messages):
        scenario = Scenario.SUSPICIOUS_DEAL if number in suspicious else Scenario.CASINO_WINNINGS
        yield sign_now(build_fm1(scenario, reporter, now=datetime.now(UTC), random=random), keys)


def _number(head: bytes, name: bytes) -> int:
    begin = head.find(name)
    if begin < 0:
        return 0
    value = head[begin + len(name) :].split(b"\r\n", 1)[0].strip()
    return int(value) if value.isdigit() else 0


if __name__ == "__main__":
    main()
