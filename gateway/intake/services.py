"""What the routes need, all of it started."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.intake.clock import SteadyClock
from gateway.intake.gates import Quota, SharedGate
from gateway.intake.metrics import Metrics
from gateway.intake.revocations import Revocations
from gateway.intake.senders import EnrolledSenders
from gateway.intake.settings import IntakeSettings
from gateway.intake.spool import Spool
from gateway.intake.turns import Turns
from gateway.journal import AuditLog, Journal, OversightReader, PeopleCache, SpentTokens
from gateway.journal.timestamps import Timestamps
from gateway.keyhistory import KeyHistory
from gateway.luxury.desk import Desk
from gateway.pipeline import Pipeline
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder

ReadyCheck = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Identity:
    """Who of the FMA is who, what they did, and which tokens were used up."""

    people: PeopleCache
    audit: AuditLog
    spent_tokens: SpentTokens


@dataclass(frozen=True)
class Services:
    """The parts that the routes ask; `checks` tell by name whether a part that is needed answers.

    `witness_certificates` are by fingerprint the `kid` and the PEM of each witness's.
    """

    settings: IntakeSettings
    pipeline: Pipeline
    journal: Journal
    senders: EnrolledSenders
    keys: KeyHolder
    keyset: KeySet
    metrics: Metrics
    checks: dict[str, ReadyCheck]
    bytes_gate: SharedGate
    turns: Turns
    oversight: OversightReader
    desk: Desk
    check_quota: Quota
    identity: Identity
    revocations: Revocations
    spool: Spool
    timestamps: Timestamps
    key_history: Callable[[], KeyHistory] = field(default=KeyHistory)
    witnesses: KeySet = field(default_factory=lambda: KeySet({}))
    clock: Callable[[], datetime] = field(default_factory=SteadyClock)
    witness_certificates: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
