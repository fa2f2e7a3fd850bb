"""What the intake counts and times, in its own registry, served on a port of its own; no identifiers in labels."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

STEPS = ("read", "parse", "verify", "judge", "seal", "append")
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The intake's metrics; each instance has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Histogram(
            "gateway_request_seconds",
            "Seconds from the head of a request to the end of its answer",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._verdicts = Counter(
            "gateway_verdicts", "Verdicts given out", ["verdict", "repeated"], registry=self.registry
        )
        self._problems = Counter("gateway_problems", "Problems answered", ["code", "status"], registry=self.registry)
        steps = Histogram(
            "gateway_step_seconds",
            "Seconds of one step of the pipeline",
            ["step"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._steps = {step: steps.labels(step) for step in STEPS}

    def step(self, name: str) -> AbstractContextManager[object]:
        """A context that times one step; `name` is one of STEPS."""
        return self._steps[name].time()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts and times one answered request; `route` is the template, never the path."""
        self._requests.labels(route, method, str(status)).observe(seconds)

    def verdict(self, verdict: str, *, repeated: bool) -> None:
        """Counts one verdict given out."""
        self._verdicts.labels(verdict, str(repeated).lower()).inc()

    def problem(self, code: str, status: int) -> None:
        """Counts one problem answered."""
        self._problems.labels(code, str(status)).inc()

    def gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Adds a gauge that is read when it is asked for."""
        Gauge(name, what, registry=self.registry).set_function(read)


class MetricsServer:
    """Serves a registry over HTTP at `/metrics` from a thread of its own, between `start` and `stop`."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        self._metrics = metrics
        self._host = host
        self._port = port
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Listens; the port that is really used is returned."""
        self._server, self._thread = start_http_server(self._port, addr=self._host, registry=self._metrics.registry)
        return int(self._server.server_port)

    def stop(self) -> None:
        """Stops listening and ends the thread."""
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
