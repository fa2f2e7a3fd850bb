"""uvicorn's HTTP/1.1 protocol with bounds on what it leaves unbounded, and with problems as its own answers.

httptools collects a header's value, a trailer or a URL for as long as bytes come, and uvicorn waits for a head for
ever. Here a head is bounded in bytes and seconds, a body in its number of chunks and in what stands between them, and
the process in its connections. Who is refused in the middle of sending still gets to read why.

One request at a time: what comes before its answer is dropped, and the connection ends behind the answer. So nothing
that hides behind a request is ever taken for one, and a refusal is never read as the answer to an earlier request.
"""

import asyncio
import re
from collections.abc import Callable, MutableMapping
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, cast

import orjson
from uuid_utils import uuid7
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.intake.connections import Connections
from gateway.intake.door import Door, certificate_of
from gateway.intake.metrics import Metrics
from gateway.intake.problems import MEDIA_TYPE, Problem, problem_book
from gateway.intake.settings import Bounds, DoorSettings, IntakeSettings

CHUNK_BYTES = 4_096
"""A body may come in one chunk more for each so many bytes."""
_VERSIONS = frozenset({"1.0", "1.1"})
_AUTHORITY = re.compile(rb"[\w.~!$&'()*+,;=:%\[\]-]*", re.ASCII)


def bounded_protocol(settings: IntakeSettings, metrics: Metrics) -> type[HttpToolsProtocol]:
    """The protocol class for one server."""
    told = {"bounds": settings.bounds, "language": settings.default_language, "door": Door(settings.door)}
    return type("Protocol", (BoundedProtocol,), {**told, "metrics": metrics, "places": Connections(settings.bounds)})


class BoundedProtocol(HttpToolsProtocol):
    """One connection; its class attributes are set by `bounded_protocol`."""

    bounds: ClassVar[Bounds] = Bounds()
    metrics: ClassVar[Metrics]
    language: ClassVar[str] = "ru"
    door: ClassVar[Door] = Door(DoorSettings())
    places: ClassVar[Connections] = Connections(Bounds())

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = True
        self._loose_bytes = 0
        self._chunks = 0
        self._head_bytes = 0
        self._body_bytes = 0
        self._fault = "bad-request"
        self._deaf = self._lingering = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._certificate: bytes | None = None
        self._leave: Callable[[], None] = _nothing_to_leave

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a connection, or answers 503 at once where there is no place, or closes it where many are told so."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._certificate = certificate_of(transport)
        address = self.client[0] if self.client else ""
        if self.places.take(address, shared=self.door.is_proxy(address)):
            self._leave = partial(self.places.leave, address)
            self._await_head()
        elif self.places.refuse():
            self._leave = self.places.refused
            self._refuse("overloaded")
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets go of the timer and of its place too."""
        self._stop_timer()
        self._leave()
        self._leave = _nothing_to_leave
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses what came, and refuses when bytes come that lead nowhere."""
        if self._deaf or self._lingering or self.transport.is_closing():
            return
        if self._in_head and self._head_timer is None:
            self._await_head()
        self._loose_bytes += len(data)
        super().data_received(data)
        if (
            self._loose_bytes > self.bounds.head_bytes + len(data)
            or self._chunks > self.bounds.body_chunks + self._body_bytes // CHUNK_BYTES
        ):
            self._refuse("headers-too-large" if self._in_head else "bad-request")

    def on_message_begin(self) -> None:
        if self._answering:
            raise ValueError(self._fault)
        self._in_head = True
        self._chunks = self._head_bytes = self._body_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._spend(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._spend(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._in_head = False
        self._loose_bytes = 0
        if not self._is_plain():
            raise ValueError(self._fault)
        self.door.note(cast("MutableMapping[str, Any]", self.scope), self._certificate)
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Counts the chunks of a body."""
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        self._loose_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._loose_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Goes on with the next request, unless what was answered is still being sent, or more than it was."""
        unfinished = self._deaf or self.cycle.more_body
        super().on_response_complete()
        if unfinished:
            self._linger()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's English is not shown
        """Answers what is not HTTP with a problem."""
        self._refuse(self._fault)

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in this one, and the connection ends."""
        self._deaf = True

    def _is_plain(self) -> bool:
        """Whether any two readers see the same request in this head (RFC 9112, 2.3, 3.2, 6.1).

        That is: a known version, one well-formed host, no transfer coding but `chunked`.
        """
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        codings = [value.strip(b" \t").lower() for name, value in self.headers if name == b"transfer-encoding"]
        return (
            version in _VERSIONS
            and len(hosts) <= 1 <= len(hosts) + (version == "1.0")
            and all(_AUTHORITY.fullmatch(host) for host in hosts)
            and (not codings or (version == "1.1" and codings == [b"chunked"]))
        )

    @property
    def _answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _spend(self, amount: int) -> None:
        self._head_bytes += amount
        if self._head_bytes > self.bounds.head_bytes:
            self._fault = "headers-too-large"
            raise ValueError(self._fault)

    def _await_head(self) -> None:
        self._stop_timer()
        self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._head_is_late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._answering:
            self._await_head()
        elif self._in_head and not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, code: str) -> None:
        if self._deaf or self._lingering or self.transport.is_closing():
            return
        if self._answering and not self.cycle.more_body:
            self._deaf = True
            return
        if self._answering and self.cycle.response_started:
            self.transport.close()
            return
        self._answer(code)
        self._linger()

    def _linger(self) -> None:
        """Ends the answer, then reads and drops for a moment: a reset would take the answer from its reader."""
        if self.transport.is_closing():
            return
        self._lingering = True
        self._stop_timer()
        if self._answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self.bounds.linger_seconds, self.transport.close)

    def _answer(self, code: str) -> None:
        kind = problem_book().kinds[code]
        body = orjson.dumps(Problem(kind, f"urn:uuid:{uuid7()}", self.language).body())
        retry = b"retry-after: %d\r\n" % self.bounds.retry_after_seconds if kind.retry else b""
        self.metrics.problem(kind.code, kind.status)
        self.transport.write(
            b"HTTP/1.1 %d %s\r\n" % (kind.status, HTTPStatus(kind.status).phrase.encode("ascii"))
            + b"content-type: %s\r\ncontent-length: %d\r\n" % (MEDIA_TYPE.encode("ascii"), len(body))
            + retry
            + b"connection: close\r\n\r\n"
            + body
        )


def _nothing_to_leave() -> None:
    return None
