"""What the intake counts and times, in its own registry, served on a port of its own; no identifiers in labels."""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from itertools import accumulate
from time import perf_counter
from types import TracebackType
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from gateway.errors import ConfigurationError

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Timings(Collector):
    """A histogram of seconds by labels, cheap to observe: one bisection under one lock, no walk over the buckets."""

    def __init__(self, name: str, what: str, labels: tuple[str, ...]) -> None:
        self._name = name
        self._what = what
        self._labels = labels
        self._lock = threading.Lock()
        self._series: dict[tuple[str, ...], list[float]] = {}

    def observe(self, labels: tuple[str, ...], seconds: float) -> None:
        """Counts one duration."""
        with self._lock:
            series = self._series.get(labels)
            if series is None:
                series = self._series[labels] = [0.0] * (len(_SECONDS) + 2)
            series[bisect_left(_SECONDS, seconds)] += 1
            series[-1] += seconds

    def collect(self) -> Iterable[Metric]:
        """The histogram as Prometheus wants it: cumulative counts by upper bound."""
        family = HistogramMetricFamily(self._name, self._what, labels=self._labels)
        with self._lock:
            copies = {labels: list(series) for labels, series in self._series.items()}
        for labels, series in copies.items():
            counts = zip((*map(str, _SECONDS), "+Inf"), accumulate(series[:-1]), strict=True)
            family.add_metric(labels, list(counts), series[-1])
        return [family]


class Timed:
    """A context that times one step."""

    __slots__ = ("_labels", "_started", "_timings")

    def __init__(self, timings: Timings, step: str) -> None:
        self._timings = timings
        self._labels = (step,)
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timings.observe(self._labels, perf_counter() - self._started)


class Metrics:
    """The intake's metrics; each instance has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Timings(
            "gateway_request_seconds",
            "Seconds from the head of a request to the end of its answer",
            ("route", "method", "status"),
        )
        self._steps = Timings("gateway_step_seconds", "Seconds of one step of the pipeline", ("step",))
        self.registry.register(self._requests)
        self.registry.register(self._steps)
        self._verdicts = Counter(
            "gateway_verdicts", "Verdicts given out", ["verdict", "repeated"], registry=self.registry
        )
        self._problems = Counter("gateway_problems", "Problems answered", ["code", "status"], registry=self.registry)
        self._undetermined = Counter(
            "gateway_revocation_undetermined", "Messages whose revocation check failed", registry=self.registry
        )
        self._timestamps = Counter("gateway_timestamps", "Time stamps asked for", ["outcome"], registry=self.registry)

    def step(self, name: str) -> AbstractContextManager[None]:
        """A context that times one step: read, seal or append."""
        return Timed(self._steps, name)

    def timed(self, name: str, seconds: float) -> None:
        """Counts a step that was timed elsewhere: parse, verify or judge."""
        self._steps.observe((name,), seconds)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts and times one answered request; `route` is the template, never the path."""
        self._requests.observe((route, method, str(status)), seconds)

    def verdict(self, verdict: str, *, repeated: bool) -> None:
        """Counts one verdict given out."""
        self._verdicts.labels(verdict, str(repeated).lower()).inc()

    def problem(self, code: str, status: int) -> None:
        """Counts one problem answered."""
        self._problems.labels(code, str(status)).inc()

    def undetermined(self) -> None:
        """Counts one message of whose certificate nobody could say whether it is revoked."""
        self._undetermined.inc()

    def timestamp(self, outcome: str) -> None:
        """Counts one time stamp that was asked for: kept, refused (the answer is none), or failed."""
        self._timestamps.labels(outcome).inc()

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
        """Listens; the port that is really used is returned. Raises ConfigurationError where that can't be."""
        try:
            self._server, self._thread = start_http_server(self._port, addr=self._host, registry=self._metrics.registry)
        except OSError as error:
            raise ConfigurationError(
                f"can't serve metrics on {self._host}:{self._port} ({error.strerror}); choose another port"
            ) from error
        return int(self._server.server_port)

    def stop(self) -> None:
        """Stops listening and ends the thread."""
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
