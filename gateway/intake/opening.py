"""Makes the intake's services ready, and puts them away in the opposite order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from gateway.bus.connecting import Bootstrap
from gateway.intake.clock import SteadyClock
from gateway.intake.gates import Quota, SharedGate
from gateway.intake.metrics import Metrics
from gateway.intake.revocations import Revocations
from gateway.intake.senders import EnrolledSenders, ListFiles, holds, read_file
from gateway.intake.services import Identity, ReadyCheck, Services
from gateway.intake.settings import Bounds, DoorSettings, IntakeSettings
from gateway.intake.spool import Spool
from gateway.intake.turns import Turns
from gateway.journal import (
    AuditLog,
    Checkpointer,
    ComplexRegister,
    Directory,
    DirectoryCache,
    Journal,
    OversightReader,
    People,
    PeopleCache,
    SpentTokens,
)
from gateway.journal.timestamps import Timestamps
from gateway.journal.witness_lag import WitnessLag
from gateway.judging.longs import LongJudging
from gateway.judging.processes import JudgingProcesses
from gateway.judging.settings import JudgingSettings
from gateway.keychain import open_keychain
from gateway.luxury.desk import Desk
from gateway.model import Checkpoint
from gateway.pipeline import Judging, Pipeline, over_any_connection
from gateway.sealing.certificates import describe
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.jws import KeySet
from gateway.sealing.keyring import Keyring
from gateway.sealing.keys import KeyHolder, KeyPlaces, kid_of_certificate


@dataclass(frozen=True)
class Parts:
    """What the pipeline is made of in this process."""

    journal: Journal
    senders: EnrolledSenders
    keys: Keyring
    metrics: Metrics
    judging: Judging
    register: ComplexRegister
    revocations: Revocations


@asynccontextmanager
async def open_services(settings: IntakeSettings, kafka_check: ReadyCheck | None = None) -> AsyncIterator[Services]:
    """The services, started; at the end what waits in the journal is filed before it is closed.

    Raises ConfigurationError, or Unavailable when PostgreSQL is away.
    """
    clock = SteadyClock()
    async with AsyncExitStack() as stack:
        places = KeyPlaces(settings.key_file, settings.certificate_file, settings.token)
        keychain = await stack.enter_async_context(open_keychain(settings.database_url, places, clock))
        holder = keychain.ring
        journal = await stack.enter_async_context(Journal(settings.database_url))
        directory = await stack.enter_async_context(Directory(settings.database_url))
        cache = await stack.enter_async_context(DirectoryCache(directory))
        metrics = Metrics()
        senders = EnrolledSenders(cache)
        await stack.enter_async_context(ListFiles(senders, settings.revocation_lists))
        revocations = Revocations(settings.revocation, senders, metrics, clock)
        await stack.enter_async_context(revocations)
        judging = await stack.enter_async_context(open_judging(settings, senders, metrics))
        oversight = await stack.enter_async_context(OversightReader(settings.database_url, journal))
        register = await stack.enter_async_context(ComplexRegister(oversight))
        parts = Parts(journal, senders, holder, metrics, judging, register, revocations)
        pipeline = make_pipeline(settings.bounds, settings.door, parts)
        pems = [read_file(path) for path in settings.witness_certificates]
        services = Services(
            settings,
            pipeline,
            journal,
            senders,
            holder,
            pipeline.keyset,
            metrics,
            ready_checks(settings, journal, kafka_check),
            SharedGate(settings.bounds.bytes_in_flight, settings.bounds.address_bytes),
            make_turns(settings.bounds),
            oversight,
            await stack.enter_async_context(make_desk(settings, journal, holder, clock)),
            Quota(settings.bounds.check_rate, settings.bounds.check_burst, monotonic),
            await stack.enter_async_context(open_identity(settings.database_url)),
            revocations,
            make_spool(settings, senders),
            await stack.enter_async_context(Timestamps(settings.database_url)),
            lambda: keychain.history,
            KeySet.from_certificates(pems),
            clock,
            {describe(pem)[0].fingerprint: (kid_of_certificate(pem), pem) for pem in pems},
        )
        add_gauges(services, holder)
        await stack.enter_async_context(watch_witnesses(services))

        async def seal(checkpoint: Checkpoint) -> Checkpoint:
            return await seal_checkpoint(checkpoint, holder)

        for sealed in (journal, services.identity.audit):
            await stack.enter_async_context(Checkpointer(sealed, seal, clock, settings.checkpoint_seconds))
        await stack.enter_async_context(stamp_checkpoints(services))
        yield services


@asynccontextmanager
async def open_identity(dsn: str) -> AsyncIterator[Identity]:
    """The FMA's people, the audit log and the tokens that were used up. Raises Unavailable."""
    async with People(dsn) as people, PeopleCache(people) as cache, AuditLog(dsn) as audit, SpentTokens(dsn) as spent:
        yield Identity(cache, audit, spent)


def make_pipeline(bounds: Bounds, door: DoorSettings, parts: Parts) -> Pipeline:
    """The pipeline with this process's clock, quota and timers."""
    return Pipeline(
        journal=parts.journal,
        senders=parts.senders,
        keys=parts.keys,
        keyset=parts.keys.keyset,
        judging=parts.judging,
        register=parts.register,
        quota=Quota(bounds.sender_rate, bounds.sender_burst, monotonic),
        revocation=parts.revocations,
        connected=holds if door.client_certificates else over_any_connection,
        watch=parts.metrics.step,
    )


def make_turns(bounds: Bounds) -> Turns:
    """The turns of messages in this process."""
    return Turns(
        bounds.requests_at_once,
        bounds.requests_in_flight,
        bounds.turn_seconds,
        monotonic,
        ahead=bounds.ahead_seconds,
        refusals=bounds.refusals,
    )


def make_spool(settings: IntakeSettings, senders: EnrolledSenders) -> Spool:
    """Where long bodies wait, and who examines them."""
    bounds, judging = settings.bounds, LongJudging(settings.large_judging, lambda: senders.trust)
    return Spool(settings.spool, bounds.large_bodies, bounds.large_address_bodies, judging)


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
    elif settings.kafka is not None:
        checks["kafka"] = kafka_check_of(settings.kafka)
    return checks


def kafka_check_of(bootstrap: Bootstrap) -> ReadyCheck:
    """Asks the cluster; the Kafka library is loaded when that is done for the first time."""

    async def check() -> bool:
        from gateway.bus.cluster import kafka_ready  # noqa: PLC0415 - only readiness needs the Kafka library here

        await kafka_ready(bootstrap)
        return True

    return check


@asynccontextmanager
async def watch_witnesses(services: Services) -> AsyncIterator[None]:
    """Has the metrics tell how far the slowest witness is behind; nothing where there are none."""
    if not len(services.witnesses):
        yield
        return
    async with WitnessLag((services.journal, services.identity.audit), services.witnesses.kids) as lag:
        told = "Entries up to the newest checkpoint that the slowest witness has not co-signed"
        services.metrics.gauge("gateway_witness_lag_entries", told, lambda: lag.entries)
        yield


@asynccontextmanager
async def stamp_checkpoints(services: Services) -> AsyncIterator[None]:
    """Has checkpoints time-stamped, and the metrics tell how far that is behind; nothing where no service is set."""
    settings = services.settings.timestamps
    if settings.service is None:
        yield
        return
    from gateway.intake.timestamping import Stamper, TimestampService  # noqa: PLC0415 - 4 MB that only this way needs

    async with TimestampService(settings, services.clock) as service:
        logs = (services.journal, services.identity.audit)
        async with Stamper(logs, services.timestamps, service, services.metrics) as stamper:
            told = "Entries up to the newest checkpoint that no time stamp covers"
            services.metrics.gauge("gateway_timestamp_lag_entries", told, lambda: stamper.lag)
            yield


def add_gauges(services: Services, ring: Keyring) -> None:
    """The gauges of what is under way, and of keys that ought to be here."""
    metrics = services.metrics
    metrics.gauge("gateway_keys_missing", "Keys that seal, or will, and can't be used here", lambda: len(ring.missing))
    metrics.gauge("gateway_requests_in_flight", "Messages under way", lambda: services.turns.here)
    metrics.gauge("gateway_turns_waiting", "Messages waiting for their turn", lambda: services.turns.waiting)
    metrics.gauge("gateway_large_in_flight", "Long messages under way", lambda: services.spool.held)
    metrics.gauge("gateway_bytes_in_flight", "Bytes of bodies held", lambda: services.bytes_gate.taken)
    metrics.gauge("gateway_journal_waiting", "Submissions waiting for the log", lambda: services.journal.waiting)
