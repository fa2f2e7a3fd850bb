"""The nouns of unique codes as the database knows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class CodeState(StrEnum):
    """What has become of a code; the names stand in the table `luxury_code_states`."""

    ISSUED = "issued"
    RESERVED = "reserved"
    RETURNED = "returned"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class WantedCode:
    """What a code is wanted for.

    `identity` (32 bytes) makes it the same for ever. A thing has `identifiers` (JSON), an operation its GUID and the
    code of its `item`.
    """

    identity: bytes
    owner: str
    item_class: str
    identifiers: str | None = None
    item: str | None = None
    operation: UUID | None = None


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code as it stands: `at` is when it came into its state, `owner` who asked first or reserved it."""

    code: str
    stored_state: str
    owner: str
    at: datetime
    item_class: str | None
    identifiers: str | None
    item: str | None
    operation: UUID | None
    block: UUID | None
    expires_at: datetime | None

    def state(self, now: datetime) -> CodeState:
        """The state at that moment: what is reserved expires by itself."""
        state = CodeState(self.stored_state)
        over = self.expires_at is not None and self.expires_at <= now
        return CodeState.EXPIRED if state is CodeState.RESERVED and over else state


@dataclass(frozen=True, slots=True)
class Block:
    """Codes that were reserved together: their kind's letter, how many, from when until when."""

    id: UUID
    kind: str
    size: int
    reserved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Unlogged:
    """A group of new codes on its way into the log: the same bytes for ever."""

    batch: UUID
    at: datetime
    body: bytes
