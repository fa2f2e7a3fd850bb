"""The outermost layer: names each request, times it, logs it, and turns every error into a problem."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.intake.metrics import Metrics
from gateway.intake.occurrence import Occurrence, begin, occurrence_of
from gateway.intake.problems import problem_for
from gateway.intake.refusals import BadRequest, MethodNotAllowed, NotFound, ParameterRefused
from gateway.intake.settings import Bounds
from gateway.logs import failure
from validators.refusals import Refusal

CLIENT_GONE = 499
_NOT_FOUND, _METHOD_NOT_ALLOWED, _SERVER_ERROR = 404, 405, 500
_QUIET = frozenset({"/healthz", "/readyz"})
EXPECTED = {
    "after": "a cursor",
    "edition": "YYYY-MM-DD",
    "lang": "kk | ru | en",
    "ledger": "0, 1, 2 ...",
    "limit": "1, 2, 3 ...",
    "on": "YYYY-MM-DD",
    "owner": "BIN | IIN",
    "sender": "BIN | IIN",
}

Endpoint = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request, Exception], Awaitable[Response]]


class Edge:
    """What stands around the whole application."""

    def __init__(self, metrics: Metrics, bounds: Bounds, default_language: str) -> None:
        self._metrics = metrics
        self._bounds = bounds
        self._language = default_language
        self._log: Any = structlog.get_logger("intake")

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with the edge around it."""

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._serve(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return served

    def shortcut(self, endpoint: Endpoint) -> ASGIApp:
        """An endpoint with the edge around it and nothing of the framework in between."""

        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            try:
                response = await endpoint(request)
            except (GatewayError, Refusal) as error:
                response = await self.handle(request, error)
            await response(scope, receive, send)

        return self.around(answered)

    async def _serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; never raises an Exception."""
        started = time.perf_counter()
        occurrence = begin(scope, self._language)
        status = CLIENT_GONE

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"request-id", occurrence.id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await app(scope, receive, told)
        except ClientDisconnect:
            occurrence.problem = "client-gone"
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem and the log its place
            self._log.error("request failed", request=occurrence.id, **failure(error))
            if status == CLIENT_GONE:
                await self._answer(error, occurrence)(scope, receive, told)
        self._tell(scope, occurrence, status, time.perf_counter() - started)

    def handlers(self) -> dict[int | type[Exception], Handler]:
        """What answers each kind of expected error, for the application inside."""
        return dict.fromkeys((GatewayError, Refusal, HTTPException, RequestValidationError), self.handle)

    async def handle(self, request: Request, error: Exception) -> Response:
        """The problem for an expected error."""
        occurrence = occurrence_of(request)
        answer = self._answer(as_refused(error, request), occurrence)
        if answer.status_code == _SERVER_ERROR:
            self._log.error("request failed", request=occurrence.id, **failure(error))
        return answer

    def _answer(self, error: Exception, occurrence: Occurrence) -> Response:
        problem = problem_for(error, occurrence.instance, occurrence.language, self._bounds.retry_after_seconds)
        occurrence.problem = problem.kind.code
        self._metrics.problem(problem.kind.code, problem.kind.status)
        return problem.response()

    def _tell(self, scope: Scope, occurrence: Occurrence, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", occurrence.route)
        self._metrics.request(route, scope["method"] if route != "unknown" else "any", status, seconds)
        if route in _QUIET and status < _SERVER_ERROR:
            return
        self._log.info(
            "request",
            request=occurrence.id,
            trace=occurrence.traceparent,
            route=route,
            method=scope["method"],
            status=status,
            ms=round(seconds * 1000, 2),
            digest=occurrence.digest,
            verdict=occurrence.verdict,
            problem=occurrence.problem,
        )


def as_refused(error: Exception, request: Request) -> Exception:
    """The framework's own errors as ours; every other error as it is."""
    if isinstance(error, HTTPException):
        if error.status_code == _METHOD_NOT_ALLOWED:
            return MethodNotAllowed(allowed_methods(request))
        return NotFound() if error.status_code == _NOT_FOUND else BadRequest()
    if isinstance(error, RequestValidationError):
        name = next((str(flaw["loc"][-1]) for flaw in error.errors()), "request")
        return ParameterRefused(name=name, expected=EXPECTED.get(name, "another form"))
    return error


def allowed_methods(request: Request) -> str:
    """Every method that some route takes at this address, for the Allow header."""
    matching = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(sorted({method for route in matching for method in route.methods or ()}))
