"""`POST /v1/events` for programs on this machine: lines of JSON in, lines of answers out."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import uvicorn

from gateway.client.agent.inputs.lines import LineSplitter, written
from gateway.client.agent.taking import MOST_LINES, Answer, Taker
from gateway.errors import ConfigurationError

PATH = "/v1/events"
MEDIA_TYPES = (b"application/x-ndjson", b"application/json")
"""Those that no page in a browser can send here without asking first."""
LARGEST_BODY = 8 * 1024 * 1024
CONNECTIONS = 64
FULL = frozenset({"AGT-008", "AGT-009"})

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class EventsApp:
    """The one resource, as an ASGI application.

    Answers 200 when all events were taken, 422 when any was refused for what it is, 507 when any was because the disk
    is full; the body tells of each line in each case.
    """

    def __init__(self, taker: Taker) -> None:
        self._taker = taker

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        refused = _refused(scope)
        if refused is not None:
            await _answer(send, refused)
            return
        body = await _body(receive)
        if body is None:
            await _answer(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        splitter = LineSplitter()
        lines = [*splitter.feed(body), *splitter.end()]
        answers: list[Answer] = []
        for start in range(0, len(lines), MOST_LINES):
            answers += await self._taker.take(lines[start : start + MOST_LINES])
        await _answer(send, _status(answers), written(answers))


def _refused(scope: Message) -> HTTPStatus | None:
    if scope["path"] != PATH:
        return HTTPStatus.NOT_FOUND
    if scope["method"] != "POST":
        return HTTPStatus.METHOD_NOT_ALLOWED
    media_type = dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0].strip().lower()
    return None if media_type in MEDIA_TYPES else HTTPStatus.UNSUPPORTED_MEDIA_TYPE


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _status(answers: Sequence[Answer]) -> HTTPStatus:
    codes = {finding["code"] for answer in answers for finding in answer.get("findings", ())}
    if codes & FULL:
        return HTTPStatus.INSUFFICIENT_STORAGE
    return HTTPStatus.UNPROCESSABLE_ENTITY if codes else HTTPStatus.OK


async def _answer(send: Send, status: HTTPStatus, body: bytes = b"") -> None:
    headers = [(b"content-type", MEDIA_TYPES[0]), (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The agent stops its parts itself."""
        yield


@contextlib.asynccontextmanager
async def listening_http(host: str, port: int, taker: Taker) -> AsyncIterator[int]:
    """Serves on one address of this machine; yields the port."""
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(f"nothing can be served on {host}:{port}: {error}") from error
    server = _Server(
        uvicorn.Config(
            EventsApp(taker),
            lifespan="off",
            log_config=None,
            access_log=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=5,
            ws="none",
        )
    )
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
