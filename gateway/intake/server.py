"""The intake as a process: started, served, and stopped so that nothing which was taken on is lost."""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import structlog
import uvicorn
import uvloop

from gateway.errors import ConfigurationError
from gateway.intake.app import create_app
from gateway.intake.metrics import MetricsServer
from gateway.intake.opening import open_services
from gateway.intake.protocol import bounded_protocol
from gateway.intake.services import Services
from gateway.intake.settings import DoorSettings, IntakeSettings
from gateway.logs import configure_logging

BACKLOG = 1024
GARBAGE_AT = 20_000
FILES_PER_CONNECTION = 2
OTHER_FILES = 256


def serve(settings: IntakeSettings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way and returns.

    Raises ConfigurationError when something that is needed is missing or wrong, Unavailable when PostgreSQL is away.
    """
    configure_logging()
    allow_files(FILES_PER_CONNECTION * settings.bounds.connections + OTHER_FILES)
    uvloop.run(run(settings))


async def run(settings: IntakeSettings, started: Callable[[int], None] | None = None) -> None:
    """The same inside a running loop; `started` is told the port once requests are answered."""
    async with contextlib.AsyncExitStack() as stack:
        listening = stack.enter_context(contextlib.closing(bind(settings.host, settings.port)))
        port = int(listening.getsockname()[1])
        services = await stack.enter_async_context(open_services(settings))
        server = IntakeServer(services, lambda: started(port) if started else None)
        calm_collector()
        metrics = metrics_server(services)
        log = structlog.get_logger("intake")
        log.info("serving", host=settings.host, port=port, metrics_port=metrics.start() if metrics else None)
        with server.stopped_by_signals():
            await server.serve(sockets=[listening])
        if metrics:
            await asyncio.to_thread(metrics.stop)
        log.info("stopped")


def calm_collector() -> None:
    """Lets the garbage collector look at what requests leave behind alone, and less often.

    What was loaded so far stays: no later collection need walk over the schemas and code tables. A message makes
    thousands of containers that all die with it, by reference counting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AT, 20, 20)


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


def metrics_server(services: Services) -> MetricsServer | None:
    """The server of the metrics where a port is set for it."""
    settings = services.settings
    if settings.metrics_port is None:
        return None
    return MetricsServer(services.metrics, settings.metrics_host, settings.metrics_port)


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

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
