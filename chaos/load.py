"""The load: lanes that send one message after the other, each until it is answered, and an agent that is fed."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from chaos.entities import Source, item_of
from chaos.oracle import Account, Answer, Sent
from gateway.local.simulation.model import SimulatedEvent

ANSWERED = (httpx.codes.OK, httpx.codes.CREATED)
LATER = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
TIMEOUT = 6.0
AGAIN_SECONDS = 0.25
AGENT_TIMEOUT = 5.0
REPEATING = 8
HEADERS = {"Content-Type": "application/xml", "Accept": "application/json"}


@dataclass
class Load:
    """All lanes at work on one `account`; `unanswered` counts the requests that had no answer or a passing refusal.

    `going` lets the lanes send new messages; what was begun is sent until it is answered, whatever it says.
    """

    url: str
    account: Account
    going: asyncio.Event = field(default_factory=asyncio.Event)
    unanswered: Counter[str] = field(default_factory=Counter)
    busy: int = 0

    async def lane(self, source: Source, period: float) -> None:
        """Sends for ever, a message each `period` seconds at the most, in order."""
        async with httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT) as client:
            while True:
                await self.going.wait()
                begun = time.monotonic()
                self.busy += 1
                try:
                    await self.file(client, await asyncio.to_thread(source.make))
                finally:
                    self.busy -= 1
                await asyncio.sleep(max(0.0, period - (time.monotonic() - begun)))

    async def file(self, client: httpx.AsyncClient, sent: Sent) -> None:
        """Sends the same bytes until there is an answer, and writes it down."""
        self.account.sent[sent.sha256] = sent
        while not await self.attempt(client, sent):
            await asyncio.sleep(AGAIN_SECONDS)

    async def attempt(self, client: httpx.AsyncClient, sent: Sent, only: int | None = None) -> bool:
        """Sends once; True when it was answered for good. `only` is the one status that is right."""
        try:
            response = await client.post("/v1/messages", content=sent.body, headers=HEADERS)
        except httpx.HTTPError as error:
            self.unanswered[type(error).__name__] += 1
            return False
        status = response.status_code
        if status in LATER:
            self.unanswered[str(status)] += 1
            return False
        if status in ANSWERED and only in (None, status):
            facts = response.json()
            answer = Answer(sent.sha256, facts["id"], facts["receipt"], time.monotonic())
            self.account.answers.append(answer)
        else:
            self.account.refusals.append(f"{sent.sha256}: {status} {response.text[:300]}")
        return True

    async def repeat(self, digests: Iterable[str]) -> None:
        """Sends these accepted messages again: each must be answered 200, and with the receipt that it has."""
        waiting = iter(digests)

        async def some(client: httpx.AsyncClient) -> None:
            for digest in waiting:
                while not await self.attempt(client, self.account.sent[digest], only=httpx.codes.OK):
                    await asyncio.sleep(AGAIN_SECONDS)

        async with httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT) as client:
            await asyncio.gather(*(some(client) for _ in range(REPEATING)))


@dataclass
class Feed:
    """The complex behind an agent: gives its events to the agent's socket, each until it is answered with a number."""

    load: Load
    key: str
    socket: Path
    events: Iterator[SimulatedEvent]
    waiting: int = 0

    async def run(self, period: float) -> None:
        """One event each `period` seconds, in order, for ever."""
        self.load.account.tolerated.add(self.key)
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await self._session(period)
            self.load.unanswered["agent"] += 1
            await asyncio.sleep(AGAIN_SECONDS)

    async def _session(self, period: float) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        try:
            while True:
                await self.load.going.wait()
                await self._give(reader, writer)
                await asyncio.sleep(period)
        finally:
            writer.transport.abort()

    async def _give(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Gives the event that waits, or the next; it waits on until it has its number."""
        event = self._pending()
        writer.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
        async with asyncio.timeout(AGENT_TIMEOUT):
            line = await reader.readuntil(b"\n")
        answer = json.loads(line)
        if "sequence" in answer:
            self.load.account.taken[self.key].append(item_of(event))
            self._kept = None
        elif "findings" in answer and not _full(answer):
            self.load.account.refusals.append(f"agent: {line.decode()[:300]}")
            self._kept = None
        else:
            self.load.unanswered["agent is full"] += 1

    _kept: SimulatedEvent | None = None

    def _pending(self) -> SimulatedEvent:
        if self._kept is None:
            self._kept = next(self.events)
        return self._kept


def _full(answer: dict[str, object]) -> bool:
    """True where the agent says that it can't keep the event now, rather than that the event is wrong."""
    return any(code in json.dumps(answer) for code in ("AGT-008", "AGT-009"))
