"""Whether the process lives, and whether it can work."""

import asyncio
from collections.abc import Callable, Mapping

import orjson
import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.intake.documentation import Alive, Readiness, add_get
from gateway.intake.negotiation import JSON
from gateway.intake.occurrence import occurrence_of
from gateway.intake.problems import Problem, problem_book
from gateway.intake.services import ReadyCheck
from gateway.logs import failure

READY, NOT_READY = "ready", "unavailable"


class ReadyChecks:
    """The checks of all parts, asked side by side, within `seconds`, and at most once in `fresh_seconds`."""

    def __init__(
        self,
        checks: Mapping[str, ReadyCheck],
        seconds: float,
        clock: Callable[[], float],
        fresh_seconds: float = 1.0,
    ) -> None:
        self._checks = checks
        self._seconds = seconds
        self._clock = clock
        self._fresh_seconds = fresh_seconds
        self._asked_at = float("-inf")
        self._answers: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def ask(self) -> dict[str, str]:
        """`ready` or `unavailable` by part."""
        async with self._turn:
            if self._clock() - self._asked_at > self._fresh_seconds:
                states = await asyncio.gather(*(self._ask(name) for name in self._checks))
                self._answers = dict(zip(self._checks, states, strict=True))
                self._asked_at = self._clock()
            return self._answers

    async def _ask(self, name: str) -> str:
        try:
            async with asyncio.timeout(self._seconds):
                return NOT_READY if await self._checks[name]() is False else READY
        except Exception as error:  # noqa: BLE001 - a part that fails in whatever way is not ready
            structlog.get_logger("ready").warning("part not ready", part=name, **failure(error))
            return NOT_READY


def health_router(checks: ReadyChecks) -> APIRouter:
    """`/healthz` and `/readyz`."""
    router = APIRouter(tags=["health"])

    async def healthz() -> Response:
        """Answers as long as the process does."""
        return Response(orjson.dumps({"status": "alive"}), media_type=JSON)

    async def readyz(request: Request) -> Response:
        """Asks every part that is needed; 503 when one of them does not answer."""
        parts = await checks.ask()
        if all(state == READY for state in parts.values()):
            return Response(orjson.dumps({"status": READY, "parts": parts}), media_type=JSON)
        occurrence = occurrence_of(request)
        occurrence.problem = "not-ready"
        kind = problem_book().kinds["not-ready"]
        headers = {"Retry-After": "1"}
        problem = Problem(kind, occurrence.instance, occurrence.language, members={"parts": parts}, headers=headers)
        return problem.response()

    add_get(router, "/healthz", healthz, Alive)
    add_get(router, "/readyz", readyz, Readiness, 503)
    return router
