"""The intake as a process: started, served, and stopped so that nothing which was taken on is lost."""

import asyncio
import contextlib
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn
import uvloop

from gateway.errors import ConfigurationError
from gateway.garbage import calm_collector
from gateway.intake.app import create_app
from gateway.intake.metrics import MetricsServer
from gateway.intake.opening import open_services
from gateway.intake.protocol import bounded_protocol
from gateway.intake.services import Services
from gateway.intake.settings import DoorSettings, IntakeSettings
from gateway.intake.workers import Workers
from gateway.logs import configure_logging

BACKLOG = 1024
FILES_PER_CONNECTION = 2
OTHER_FILES = 256
STOP_SECONDS = 10
"""So much longer than its connections a worker may take to stop."""


def serve(settings: IntakeSettings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way and returns.

    Raises ConfigurationError when something that is needed is missing or wrong, Unavailable when PostgreSQL is away.
    """
    configure_logging()
    allow_files(FILES_PER_CONNECTION * settings.bounds.connections + OTHER_FILES)
    if settings.workers == 1:
        uvloop.run(run(settings))
        return
    with contextlib.closing(bind(settings.host, settings.port)) as listening:
        listening.listen(BACKLOG)

        def work(number: int, ready: Callable[[], None], until: int) -> None:
            place = Place(listening, until, number)
            uvloop.run(run(settings, lambda _port: ready(), place))

        Workers(work, settings.workers, settings.bounds.stop_seconds + STOP_SECONDS).run()


@dataclass(frozen=True, slots=True)
class Place:
    """One of several workers: the socket that all share, what can be read when it is to stop, its number."""

    listening: socket.socket
    until: int
    number: int


async def run(
    settings: IntakeSettings, started: Callable[[int], None] | None = None, place: Place | None = None
) -> None:
    """The same inside a running loop; `started` is told the port once requests are answered.

    As one of several workers it serves its metrics on the port after that of the worker before.
    """
    async with contextlib.AsyncExitStack() as stack:
        listening = bind(settings.host, settings.port) if place is None else place.listening
        stack.enter_context(contextlib.closing(listening))
        port = int(listening.getsockname()[1])
        services = await stack.enter_async_context(open_services(settings))
        server = IntakeServer(services, lambda: started(port) if started else None)
        calm_collector()
        metrics = metrics_server(services, 0 if place is None else place.number)
        log = structlog.get_logger("intake")
        log.info("serving", host=settings.host, port=port, metrics_port=metrics.start() if metrics else None)
        with server.stopped_by_signals() if place is None else server.stopped_by(place.until):
            await server.serve(sockets=[listening])
        if metrics:
            await asyncio.to_thread(metrics.stop)
        log.info("stopped")


def allow_files(wanted: int) -> None:
    """Lets this process open so many files, as far as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def bind(host: str, port: int) -> socket.socket:
    """A listening address; raises ConfigurationError where it is taken or not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"can't listen on {host}:{port} ({error.strerror}); choose another port, or 0 for a free one"
        ) from error
    listening.setblocking(False)
    return listening


def metrics_server(services: Services, number: int = 0) -> MetricsServer | None:
    """The server of the metrics where a port is set for it; the worker of that number has one of its own."""
    settings = services.settings
    if settings.metrics_port is None:
        return None
    return MetricsServer(services.metrics, settings.metrics_host, settings.metrics_port + number)


def tls_options(door: DoorSettings) -> dict[str, Any]:
    """What uvicorn is told of TLS; raises ConfigurationError where a file is missing or does not fit another."""
    if door.certificate is None:
        return {}
    authorities = door.client_authorities
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authorities)
        context.load_cert_chain(door.certificate, door.key)
    except OSError as error:
        raise ConfigurationError(f"TLS can't be served with {door.certificate}: {error.strerror or error}") from error
    return {
        "ssl_certfile": door.certificate,
        "ssl_keyfile": door.key,
        "ssl_ca_certs": authorities,
        # optional: what is public stays so, and whoever comes without is refused in words, not by a broken handshake
        "ssl_cert_reqs": ssl.CERT_OPTIONAL if authorities else ssl.CERT_NONE,
        "ssl_ciphers": "ECDHE+AESGCM:ECDHE+CHACHA20",
    }


class IntakeServer(uvicorn.Server):
    """uvicorn around the application; signals make it stop gracefully and are not raised again afterwards."""

    def __init__(self, services: Services, started: Callable[[], None]) -> None:
        settings = services.settings
        bounds = settings.bounds
        super().__init__(
            uvicorn.Config(
                create_app(services),
                http=bounded_protocol(settings, services.metrics),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=bounds.keep_alive_seconds,
                timeout_graceful_shutdown=bounds.stop_seconds,
                **tls_options(settings.door),
            )
        )
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then says so."""
        await super().startup(sockets)
        self._started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `stopped_by_signals`."""
        yield

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Inside, SIGTERM and SIGINT stop the server; a second one stops it without waiting for connections."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    @contextlib.contextmanager
    def stopped_by(self, until: int) -> Iterator[None]:
        """Inside, the server stops once this descriptor can be read."""
        loop = asyncio.get_running_loop()
        loop.add_reader(until, self._end, until)
        try:
            yield
        finally:
            loop.remove_reader(until)

    def _end(self, until: int) -> None:
        asyncio.get_running_loop().remove_reader(until)
        self.should_exit = True

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
