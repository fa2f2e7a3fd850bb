"""Makes the intake's services ready, and puts them away in the opposite order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from gateway.errors import ConfigurationError
from gateway.intake.clock import SteadyClock
from gateway.intake.gates import Gate, Quota
from gateway.intake.metrics import Metrics
from gateway.intake.senders import EnrolledSenders
from gateway.intake.services import ReadyCheck, Services
from gateway.intake.settings import Bounds, IntakeSettings
from gateway.journal import Checkpointer, ComplexRegister, Directory, DirectoryCache, Journal, OversightReader
from gateway.judging.processes import JudgingProcesses
from gateway.judging.settings import JudgingSettings
from gateway.luxury.desk import Desk
from gateway.model import Checkpoint
from gateway.pipeline import Judging, Pipeline
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder, LocalKeyHolder


@dataclass(frozen=True)
class Parts:
    """What the pipeline is made of in this process."""

    journal: Journal
    senders: EnrolledSenders
    keys: KeyHolder
    metrics: Metrics
    judging: Judging
    register: ComplexRegister


@asynccontextmanager
async def open_services(
    settings: IntakeSettings, keys: KeyHolder | None = None, kafka_check: ReadyCheck | None = None
) -> AsyncIterator[Services]:
    """The services, started; at the end what waits in the journal is filed before it is closed.

    Raises ConfigurationError, or Unavailable when PostgreSQL is away.
    """
    holder = keys or LocalKeyHolder.load(settings.key_file, settings.certificate_file)
    clock = SteadyClock()
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(Journal(settings.database_url))
        directory = await stack.enter_async_context(Directory(settings.database_url))
        cache = await stack.enter_async_context(DirectoryCache(directory))
        metrics = Metrics()
        senders = EnrolledSenders(cache, [read_file(path) for path in settings.revocation_lists])
        judging = await stack.enter_async_context(open_judging(settings, senders, metrics))
        oversight = await stack.enter_async_context(OversightReader(settings.database_url, journal))
        register = await stack.enter_async_context(ComplexRegister(oversight))
        pipeline = make_pipeline(settings.bounds, Parts(journal, senders, holder, metrics, judging, register))
        services = Services(
            settings,
            pipeline,
            journal,
            senders,
            holder,
            pipeline.keyset,
            metrics,
            ready_checks(settings, journal, kafka_check),
            Gate(settings.bounds.bytes_in_flight),
            Gate(settings.bounds.requests_in_flight),
            oversight,
            await stack.enter_async_context(make_desk(settings, journal, holder, clock)),
            Quota(settings.bounds.check_rate, settings.bounds.check_burst, monotonic),
            clock,
        )
        add_gauges(services)

        async def seal(checkpoint: Checkpoint) -> Checkpoint:
            return await seal_checkpoint(checkpoint, holder)

        await stack.enter_async_context(Checkpointer(journal, seal, clock, settings.checkpoint_seconds))
        yield services


def make_pipeline(bounds: Bounds, parts: Parts) -> Pipeline:
    """The pipeline with this process's clock, quota and timers."""
    return Pipeline(
        journal=parts.journal,
        senders=parts.senders,
        keys=parts.keys,
        keyset=KeySet.of(parts.keys),
        judging=parts.judging,
        register=parts.register,
        quota=Quota(bounds.sender_rate, bounds.sender_burst, monotonic),
        watch=parts.metrics.step,
    )


def make_desk(settings: IntakeSettings, journal: Journal, keys: KeyHolder, clock: Callable[[], datetime]) -> Desk:
    """The desk of unique codes."""
    return Desk(settings.database_url, journal, keys, clock)


@asynccontextmanager
async def open_judging(settings: IntakeSettings, senders: EnrolledSenders, metrics: Metrics) -> AsyncIterator[Judging]:
    """Whoever examines messages: processes of their own, or this one where there are to be none."""
    bounds = settings.bounds
    told = JudgingSettings(settings.limits, bounds.small_body_bytes, bounds.worker_threads, bounds.judging_seconds)
    if settings.judging_processes:
        async with JudgingProcesses(settings.judging_processes, told, lambda: senders.trust, metrics.timed) as judging:
            metrics.gauge("gateway_judging_waiting", "Messages waiting for a verdict", lambda: judging.waiting)
            yield judging
    else:
        from gateway.judging.inside import JudgingInside  # noqa: PLC0415 - 20 MB that only this way needs

        with JudgingInside(told, lambda: senders.trust, metrics.timed) as inside:
            yield inside


def ready_checks(settings: IntakeSettings, journal: Journal, kafka_check: ReadyCheck | None) -> dict[str, ReadyCheck]:
    """What readiness asks: PostgreSQL, and Kafka where it is configured."""
    checks: dict[str, ReadyCheck] = {"postgresql": journal.database_ready}
    if kafka_check is not None:
        checks["kafka"] = kafka_check
    elif settings.kafka_bootstrap:
        checks["kafka"] = kafka_check_of(settings.kafka_bootstrap)
    return checks


def kafka_check_of(bootstrap: str) -> ReadyCheck:
    """Asks the cluster; the Kafka library is loaded when that is done for the first time."""

    async def check() -> bool:
        from gateway.bus.cluster import kafka_ready  # noqa: PLC0415 - only readiness needs the Kafka library here

        await kafka_ready(bootstrap)
        return True

    return check


def add_gauges(services: Services) -> None:
    """The gauges of what is under way."""
    metrics = services.metrics
    metrics.gauge("gateway_requests_in_flight", "Messages under way", lambda: services.requests_gate.taken)
    metrics.gauge("gateway_bytes_in_flight", "Bytes of bodies held", lambda: services.bytes_gate.taken)
    metrics.gauge("gateway_journal_waiting", "Submissions waiting for the log", lambda: services.journal.waiting)


def read_file(path: Path) -> bytes:
    """The bytes of a file; raises ConfigurationError where it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
