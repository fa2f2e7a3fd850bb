"""What the intake is told: one frozen object, built by the command line and passed down."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from gateway.bus.connecting import Bootstrap
from gateway.judging.settings import LargeSettings
from gateway.sealing.keys import TokenSettings
from validators.limits import DEFAULT_LIMITS, LONG_LIMITS, Limits

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Bounds:
    """Every limit of the HTTP edge, with its unit in its name or docstring.

    `requests_in_flight` counts messages whose bytes are complete and that wait for their answer, of which
    `requests_at_once` are worked on (fewer where so many take longer than `ahead_seconds`) and the others wait for
    their turn, at most `turn_seconds`; for want of a turn `refusals` a second are answered 503, the others a little
    later; `bytes_in_flight` counts every byte of a body that is held, complete or not; what goes past either is
    answered 503.
    `small_body_bytes` is up to where messages are judged one after the other, a larger one is judged beside them in
    one of `worker_threads`; a judging process that is silent for `judging_seconds` is killed. `sender_rate` is
    messages a second of one sender (0: no limit), `sender_burst` how many may come at once. `check_rate`
    and `check_burst` bound in the same way how often one address may ask for unique codes. Of all `connections` one
    address may hold `address_connections`, and of `bytes_in_flight` the share `address_bytes`; `connections_refused`
    beyond them are told so at once, and further ones are closed without a word.

    A body of more than `body_bytes` is long: it goes to disk, `large_bodies` at once, `large_address_bodies` of one
    address. It may take a second more for each `large_rate_bytes` that came; `large_judging_seconds` is how long the
    process that examines it may have nothing to say. `body_chunks` grow by one for each 4 KiB that came.
    """

    body_bytes: int = 4 * MIB
    large_body_bytes: int = LONG_LIMITS.bytes
    large_bodies: int = 2
    large_address_bodies: int = 1
    large_rate_bytes: int = 256 * KIB
    large_judging_seconds: float = 1_200.0
    body_seconds: float = 30.0
    head_bytes: int = 32 * KIB
    head_seconds: float = 10.0
    body_chunks: int = 65_536
    connections: int = 2_000
    address_connections: int = 1_500
    connections_refused: int = 256
    requests_in_flight: int = 512
    requests_at_once: int = 256
    turn_seconds: float = 10.0
    ahead_seconds: float = 0.25
    refusals: float = 400.0
    bytes_in_flight: int = 64 * MIB
    address_bytes: float = 0.75
    small_body_bytes: int = 64 * KIB
    worker_threads: int = 2
    judging_seconds: float = 30.0
    retry_after_seconds: int = 2
    sender_rate: float = 0.0
    sender_burst: int = 2_000
    check_rate: float = 10.0
    check_burst: int = 100
    page_entries: int = 100
    token_seconds: int = 300
    token_skew_seconds: int = 30
    keep_alive_seconds: int = 15
    linger_seconds: float = 2.0
    stop_seconds: int = 30
    ready_seconds: float = 3.0


class UndeterminedPolicy(StrEnum):
    """What becomes of a message when nobody can say whether its certificate is revoked."""

    FLAG = "flag"
    """It is taken, with the warning SIG-001."""
    LATER = "later"
    """It is answered 503, to be sent again later."""


@dataclass(frozen=True, slots=True)
class RevocationSettings:
    """Which responder is asked (None: none), the policy, and seconds.

    `seconds` is the longest that one question takes, `fresh_seconds` how long an answer stands, `retry_seconds` how
    long nobody asks again about a certificate of which nothing could be learnt. With `nonce` an answer must repeat
    that of its question, so that no old answer passes for a new one.
    """

    responder: str | None = None
    policy: UndeterminedPolicy = UndeterminedPolicy.FLAG
    nonce: bool = True
    seconds: float = 2.0
    fresh_seconds: float = 60.0
    retry_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class TimestampSettings:
    """The time-stamping service for checkpoints (None: none), and the files (PEM) of those that vouch for it.

    A log is stamped at most once in `seconds`; an answer may take `patience` seconds.
    """

    service: str | None = None
    anchors: tuple[Path, ...] = ()
    seconds: float = 60.0
    patience: float = 10.0


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """TLS at the door, and whether a client's certificate is asked for there.

    With `certificate` and `key` (PEM files) the intake speaks TLS itself; with `client_authorities` (a PEM file) it
    asks for clients' certificates below them. `trusted_proxies` are addresses of reverse proxies whose word on the
    client's certificate and address is taken. With `client_certificates` nothing is filed or read but over a
    connection whose certificate is enrolled for the same entity or person.
    """

    certificate: Path | None = None
    key: Path | None = None
    client_authorities: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    client_certificates: bool = False


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Where the intake listens, what it needs and how much it takes.

    `public_urls` are the names by which entities reach the gateway: the first one is shown, each of them is a valid
    audience of a bearer token. Port 0 takes a free one. `metrics_port` None serves no metrics. `revocation_lists` are
    files with CRLs (PEM or DER), read again when they change. `token` holds the private keys where they are not files,
    `witness_certificates` are those of the witnesses whose co-signatures are kept. `archives` is where archives of the
    log are mounted, if any are; `spool` is where long bodies wait on disk (None: where temporary files do).
    `judging_processes` judge beside the intake; with 0 it judges itself. `workers` is how many intakes there are behind
    the one address, each with judging processes, limits and metrics of its own.
    """

    database_url: str = field(repr=False)
    key_file: Path
    certificate_file: Path
    public_urls: tuple[str, ...]
    kafka: Bootstrap | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    revocation_lists: tuple[Path, ...] = ()
    archives: Path | None = None
    revocation: RevocationSettings = RevocationSettings()
    door: DoorSettings = DoorSettings()
    token: TokenSettings | None = None
    witness_certificates: tuple[Path, ...] = ()
    timestamps: TimestampSettings = TimestampSettings()
    default_language: str = "ru"
    checkpoint_seconds: float = 1.0
    judging_processes: int = 1
    workers: int = 1
    spool: Path | None = None
    bounds: Bounds = Bounds()
    large: LargeSettings = field(default_factory=LargeSettings)

    @property
    def limits(self) -> Limits:
        """The most that a message may hold."""
        return replace(DEFAULT_LIMITS, bytes=self.bounds.body_bytes)

    @property
    def large_judging(self) -> LargeSettings:
        """How long messages are judged."""
        limits = replace(self.large.limits, bytes=self.bounds.large_body_bytes)
        short, patience = self.bounds.body_bytes, self.bounds.large_judging_seconds
        spool = None if self.spool is None else str(self.spool)
        return replace(self.large, limits=limits, short_bytes=short, patience=patience, spool=spool)
