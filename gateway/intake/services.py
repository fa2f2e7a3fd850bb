"""What the routes need, all of it started."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.intake.clock import SteadyClock
from gateway.intake.gates import Gate, Quota
from gateway.intake.metrics import Metrics
from gateway.intake.senders import EnrolledSenders
from gateway.intake.settings import IntakeSettings
from gateway.journal import Journal, OversightReader
from gateway.luxury.desk import Desk
from gateway.pipeline import Pipeline
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder

ReadyCheck = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Services:
    """The parts that the routes ask; `checks` tell by name whether a part that is needed answers."""

    settings: IntakeSettings
    pipeline: Pipeline
    journal: Journal
    senders: EnrolledSenders
    keys: KeyHolder
    keyset: KeySet
    metrics: Metrics
    checks: dict[str, ReadyCheck]
    bytes_gate: Gate
    requests_gate: Gate
    oversight: OversightReader
    desk: Desk
    check_quota: Quota
    clock: Callable[[], datetime] = field(default_factory=SteadyClock)
