"""Makes the intake's services ready, and puts them away in the opposite order."""

from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from gateway.errors import ConfigurationError
from gateway.intake.gates import Gate, Quota
from gateway.intake.metrics import Metrics
from gateway.intake.senders import EnrolledSenders
from gateway.intake.services import ReadyCheck, Services, utc_now
from gateway.intake.settings import Bounds, IntakeSettings
from gateway.journal import Checkpointer, Directory, DirectoryCache, Journal
from gateway.luxury.desk import Desk
from gateway.model import Checkpoint
from gateway.pipeline import Pipeline
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder, LocalKeyHolder
from validators.limits import DEFAULT_LIMITS
from validators.profiles import ProfileBook


@dataclass(frozen=True)
class Parts:
    """What the pipeline is made of in this process."""

    journal: Journal
    senders: EnrolledSenders
    keys: KeyHolder
    metrics: Metrics
    workers: Executor


@asynccontextmanager
async def open_services(
    settings: IntakeSettings, keys: KeyHolder | None = None, kafka_check: ReadyCheck | None = None
) -> AsyncIterator[Services]:
    """The services, started; at the end what waits in the journal is filed before it is closed.

    Raises ConfigurationError, or Unavailable when PostgreSQL is away.
    """
    holder = keys or LocalKeyHolder.load(settings.key_file, settings.certificate_file)
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(Journal(settings.database_url))
        directory = await stack.enter_async_context(Directory(settings.database_url))
        cache = await stack.enter_async_context(DirectoryCache(directory))
        workers = stack.enter_context(ThreadPoolExecutor(settings.bounds.worker_threads, "judging"))
        metrics = Metrics()
        senders = EnrolledSenders(cache, [read_file(path) for path in settings.revocation_lists])
        pipeline = make_pipeline(settings.bounds, Parts(journal, senders, holder, metrics, workers))
        workers.submit(warm, pipeline.profiles)
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
            await stack.enter_async_context(make_desk(settings, journal, holder)),
            Quota(settings.bounds.check_rate, settings.bounds.check_burst, monotonic),
        )
        add_gauges(services)

        async def seal(checkpoint: Checkpoint) -> Checkpoint:
            return await seal_checkpoint(checkpoint, holder)

        await stack.enter_async_context(Checkpointer(journal, seal, utc_now, settings.checkpoint_seconds))
        yield services


def make_pipeline(bounds: Bounds, parts: Parts) -> Pipeline:
    """The pipeline with this process's clock, quota and timers."""
    return Pipeline(
        journal=parts.journal,
        senders=parts.senders,
        keys=parts.keys,
        keyset=KeySet.of(parts.keys),
        profiles=ProfileBook.load(),
        limits=replace(DEFAULT_LIMITS, bytes=bounds.body_bytes),
        workers=parts.workers,
        inline_bytes=bounds.small_body_bytes,
        quota=Quota(bounds.sender_rate, bounds.sender_burst, monotonic),
        watch=parts.metrics.step,
    )


def make_desk(settings: IntakeSettings, journal: Journal, keys: KeyHolder) -> Desk:
    """The desk of unique codes."""
    return Desk(settings.database_url, journal, keys, utc_now)


def warm(profiles: ProfileBook) -> None:
    """Builds what the first message, and the first refusal, would otherwise wait for."""
    for profile in profiles.profiles:
        for name in profile.accepted:
            profile.schemas[name].warm(explain=True)


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
