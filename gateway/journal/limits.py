"""How much the journal takes on at once, and how long it waits."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """The journal's bounds; times are in seconds.

    `waiting` submissions of `waiting_bytes` altogether may wait in one process for one ledger, each for at most
    `patience`; a transaction takes at most `batch` of them and `batch_bytes`, and after one that took `busy` or more
    others may gather for `gather`; stopping waits `drain` for what is under way; one reading answers at most
    `read_bytes` of stored bytes (and always one entry); `connections` serve readers. A large body is kept in parts of
    `part_bytes`, its records in parts whose values have about `record_part_bytes` at most.
    """

    waiting: int = 1024
    waiting_bytes: int = 64 * MEBIBYTE
    patience: float = 5.0
    batch: int = 256
    batch_bytes: int = 16 * MEBIBYTE
    busy: int = 8
    gather: float = 0.005
    drain: float = 10.0
    read_bytes: int = 16 * MEBIBYTE
    connections: int = 4
    part_bytes: int = 2 * MEBIBYTE
    record_part_bytes: int = 16 * MEBIBYTE


DEFAULT_LIMITS = JournalLimits()
