"""The nouns of the agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is wrong with an event: a stable code, the member, its value, and the text by language."""

    code: str
    member: str
    value: str
    texts: Mapping[str, str]

    def facts(self) -> dict[str, Any]:
        """What the complex is answered."""
        return {"code": self.code, "member": self.member, "value": self.value, "message": dict(self.texts)}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that passed its checks and waits for a number; `timed` when its time was given by the complex."""

    id: bytes
    content: Mapping[str, Any]
    timed: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an event: its number in the complex, and whether it had it before."""

    sequence: int
    repeated: bool = False


class Doubled:
    """The id was taken before by an event with other contents."""


class Trouble(StrEnum):
    """Why a series is stopped until somebody repairs it."""

    REFUSED = "refused"
    FORK = "fork"
    AHEAD = "ahead"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Halt:
    """A stopped series: why, at which batch, and what the gateway said of it."""

    trouble: Trouble
    number: int
    detail: str
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a spool stands: the highest numbers given, the hash of the last batch, and why it is stopped if it is."""

    complex: str
    last_event: int
    batched_event: int
    last_batch: int
    last_hash: str
    halt: Halt | None

    @property
    def waiting(self) -> int:
        """How many events are in no batch yet."""
        return self.last_event - self.batched_event


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is sent: its place, its exact bytes and their hash."""

    number: int
    first: int
    last: int
    hash: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """What the gateway received of a complex: its last contiguous batch, its last event, and the gaps behind."""

    last_batch: int
    last_hash: str
    last_event: int
    missing: tuple[tuple[int, int], ...] = ()
    open_tickets: tuple[Mapping[str, Any], ...] = ()
