"""The nouns of the gateway, frozen and typed. The first page to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from validators.gaming.model import Complex
from validators.model import Circumstances, Finding, Item, Judgement, Series, Severity, Verdict

__all__ = [
    "Checkpoint",
    "Circumstances",
    "Draft",
    "Entity",
    "EntityState",
    "Entry",
    "Event",
    "Examined",
    "Filed",
    "Finding",
    "IdentifierKind",
    "Item",
    "Judged",
    "Judgement",
    "Part",
    "Parts",
    "Receipt",
    "Record",
    "Series",
    "Severity",
    "Signer",
    "Standing",
    "Submission",
    "Timestamp",
    "Verdict",
]


class IdentifierKind(StrEnum):
    """What an entity is known by: its BIN, or its IIN when it has none."""

    BIN = "bin"
    IIN = "iin"


class EntityState(StrEnum):
    """Whether an enrolled entity may file."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Entity:
    """An enrolled reporting entity; `certificates` are lower-case hex SHA-256 of the DER of each enrolled one."""

    identifier: str
    identifier_kind: IdentifierKind
    kind: str
    name: str
    state: EntityState
    certificates: frozenset[str]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a message, as far as the certificate tells: its fingerprint, BIN and IIN.

    `revocation_known` is False where there are revocation lists of an issuer and none of them holds at the moment.
    """

    fingerprint: str
    bin: str | None
    iin: str | None
    revocation_known: bool = True

    @property
    def identifier(self) -> str | None:
        """The BIN, or the IIN where the certificate has no BIN."""
        return self.bin or self.iin


@dataclass(frozen=True, slots=True)
class Submission:
    """The exact bytes that came in, their lower-case hex SHA-256, and the moment they were received (UTC).

    `peer` is the lower-case hex SHA-256 of the certificate of the connection over which they came, if it had one.
    """

    body: bytes
    sha256: str
    received_at: datetime
    traceparent: str | None = None
    peer: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement without its content, and the content as JSON: one text for each record, none for a refusal.

    Of a message with items the judgement holds the refused ones alone; the texts are those of the accepted ones, each
    with its findings, `numbers` are theirs, and `keys` order their records, none where the message's does. Without
    items both are empty and the one text is the message.
    """

    judgement: Judgement
    contents: tuple[bytes, ...] = ()
    numbers: tuple[int, ...] = ()
    keys: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """As whom a sender is judged: its kind, and the complex of its own that the message names, None where it has none.

    `taken` says that somebody else has a complex of that name. Two standings with the same `mark` are the same.
    """

    kind: str
    complex: Complex | None = None
    taken: bool = False

    @property
    def mark(self) -> str:
        """The kind, and the complex with its revision."""
        if self.complex is None:
            return f"{self.kind} taken" if self.taken else self.kind
        return f"{self.kind} {self.complex.id} {self.complex.revision}"


@dataclass(frozen=True, slots=True)
class Examined:
    """Who signed a message, whom and which complex it names, and what it was judged to be.

    `mark` is that of the standing under which it was judged; both it and `judged` are None where it was not yet.
    """

    signer: Signer
    reporter: str | None
    complex_id: str | None = None
    mark: str | None = None
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record for Kafka: its headers are CloudEvents 1.0 (binary mode), `traceparent` and `seal`."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The gateway's word on one message: the facts, and the compact JWS over the same facts.

    `items` are those of its items that were refused.
    """

    id: UUID
    verdict: Verdict
    document: str | None
    version: str | None
    sender: str
    sha256: str
    received_at: datetime
    family: str
    message_type: str
    edition: str
    codes_digest: str
    findings: tuple[Finding, ...]
    jws: str = ""
    items: tuple[Item, ...] = ()
    series: Series | None = None

    @property
    def place(self) -> tuple[str, int] | tuple[None, None]:
        """The name of its series and its number there; None and None where it has no series."""
        return (self.series.name, self.series.number) if self.series is not None else (None, None)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be appended to the log: everything but its place there."""

    receipt: Receipt
    body: bytes
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Filed:
    """What the log answers: where the message stands, its receipt, and whether it stood there before."""

    receipt_id: UUID
    jws: str
    ledger: int
    seq: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a large body or of its records: SHA-256 of the part as it is stored, and how much it `holds`.

    That is the number of bytes of the body, or of records.
    """

    sha256: bytes
    holds: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What a large entry is made of, in the order of the body and of the records."""

    body: tuple[Part, ...]
    records: tuple[Part, ...]

    @property
    def size(self) -> int:
        """The length of the body in bytes."""
        return sum(part.holds for part in self.body)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log as it is read back; `leaf` and `chain` are SHA-256 digests of 32 bytes.

    A large one has `parts`, which are read one by one; its `body` and `records` are empty here.
    """

    ledger: int
    seq: int
    receipt_id: UUID
    sender: str
    received_at: datetime
    jws: str
    body: bytes
    records: tuple[Record, ...]
    leaf: bytes
    chain: bytes
    parts: Parts | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The gateway's signed word on how long a ledger is and what its chain value is there."""

    ledger: int
    seq: int
    chain: bytes
    made_at: datetime
    jws: str = ""
    cosignatures: tuple[str, ...] = ()
    """The newest co-signature of each witness when it was made, of this checkpoint or an earlier one."""
    timestamp: bytes = b""
    """In an archive, what a time-stamping service answered about its JWS (DER); empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's signed word that a checkpoint extends all it saw before; `witness` is the `kid` of its key."""

    ledger: int
    seq: int
    chain: bytes
    seen_at: datetime
    witness: str
    jws: str = ""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A time-stamping service's signed word (RFC 3161) that the JWS of a checkpoint was there at a moment.

    `token` is its answer as it came: a TimeStampResp in DER. `jws` is the checkpoint, None where that is gone.
    """

    ledger: int
    seq: int
    stamped_at: datetime
    token: bytes = field(repr=False)
    jws: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One record as an analyst's reader gets it; `seal` is `valid` or the reason why it is not."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    value: Mapping[str, Any]
    seal: str
    raw: bytes = field(repr=False, default=b"")
