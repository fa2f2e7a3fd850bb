"""Filing the steps of scripts over HTTP, each house in its own order, and holding each answer against the script."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from gateway.client import Answer, NotDelivered, file_message
from gateway.local.simulation.model import Post, Step, Wait

KNOWN_SECONDS = 15.0
POLL_SECONDS = 0.2
STRANGER = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED})


@dataclass(frozen=True, slots=True)
class Surprise:
    """An answer that is not the expected one; `refused` are sequences of events with the codes of their findings."""

    complex: str
    what: str
    status: int
    expected: int
    refused: Mapping[int, str]
    expected_refused: Mapping[int, str]
    code: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How the time of the play is kept: `begin` is its start; None files as fast as it can."""

    begin: datetime | None = None

    async def until(self, moment: datetime, started: float) -> None:
        """Sleeps until the moment of the play has come in real time."""
        if self.begin is not None:
            await asyncio.sleep(max((moment - self.begin).total_seconds() - (time.monotonic() - started), 0))


class Delivery:
    """Files over one client; `patience` is how many seconds a message may take that is not answered."""

    def __init__(self, client: httpx.AsyncClient, pace: Pace, patience: float) -> None:
        self.surprises: list[Surprise] = []
        self.answers = 0
        self._client = client
        self._pace = pace
        self._patience = patience

    async def run(self, scripts: list[Iterator[Step]], progress: Callable[[int], Awaitable[None]]) -> None:
        """Takes the steps of all houses side by side; raises NotDelivered when one is not answered in time."""
        started = time.monotonic()
        telling = asyncio.create_task(self._tell(progress))
        try:
            async with asyncio.TaskGroup() as houses:
                for steps in scripts:
                    houses.create_task(self._house(steps, started))
        finally:
            telling.cancel()

    async def _house(self, steps: Iterator[Step], started: float) -> None:
        for step in steps:
            await self._pace.until(step.at, started)
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                continue
            self._hold_against(step, await self._answer(step))
            self.answers += 1

    async def _answer(self, post: Post) -> Answer:
        """The answer, asked for again while there is none, and while the gateway does not know the sender yet."""
        deadline = time.monotonic() + self._patience
        known = time.monotonic() + KNOWN_SECONDS
        while True:
            try:
                answer = await file_message(self._client, post.body, attempts=1)
            except NotDelivered:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer.status not in STRANGER or answer.status == post.expected or time.monotonic() > known:
                    return answer
            await asyncio.sleep(POLL_SECONDS)

    def _hold_against(self, post: Post, answer: Answer) -> None:
        refused = {int(item["number"]): _codes(item) for item in answer.facts.get("items", ())}
        as_expected = answer.status in _accepted(post.expected)
        if as_expected and refused == post.refused:
            return
        code = str(answer.facts.get("code") or _codes(answer.facts))
        self.surprises.append(
            Surprise(post.complex, post.what, answer.status, post.expected, refused, post.refused, code)
        )

    async def _tell(self, progress: Callable[[int], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(1)
            await progress(self.answers)


def _accepted(expected: int) -> tuple[int, ...]:
    """A message that was sent again after a lost answer is answered 200 in place of 201."""
    return (expected, HTTPStatus.OK) if expected == HTTPStatus.CREATED else (expected,)


def _codes(judged: Mapping[str, Any]) -> str:
    return ", ".join(str(finding["code"]) for finding in judged.get("findings", ()))
