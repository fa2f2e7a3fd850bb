"""What those who judge are told: once, and with every message."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.model import Standing
from validators.limits import DEFAULT_LIMITS, LONG_LIMITS, Limits
from validators.long_text import READ_BYTES

Timed = Callable[[str, float], None]
"""Is told the name of each step and the seconds that it took, whether it came to an end or refused."""


@dataclass(frozen=True, slots=True)
class JudgingSettings:
    """How messages are judged: those longer than `inline_bytes` beside the others, in one of `threads`.

    A process that has not answered after `patience` seconds is killed and started anew.
    """

    limits: Limits = DEFAULT_LIMITS
    inline_bytes: int = 65_536
    threads: int = 2
    patience: float = 30.0

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "JudgingSettings":
        """What `dataclasses.asdict` made facts of."""
        return cls(**{**facts, "limits": Limits(**facts["limits"])})


@dataclass(frozen=True, slots=True)
class LargeSettings:
    """How long messages are judged, each in a process of its own, read in pieces of `read_bytes`.

    Contents come in segments of `segment_items`, or of `segment_bytes` where that is less. A process that has nothing
    to say for `patience` seconds is killed. A message of more than `short_bytes` that is none of many items is refused.
    Accepted items wait for the verdict in a file in the directory `spool` (None: where temporary files do).
    """

    limits: Limits = LONG_LIMITS
    read_bytes: int = READ_BYTES
    segment_items: int = 2_048
    segment_bytes: int = 4 * 1024 * 1024
    patience: float = 1_200.0
    short_bytes: int = DEFAULT_LIMITS.bytes
    spool: str | None = None

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "LargeSettings":
        """What `dataclasses.asdict` made facts of."""
        return cls(**{**facts, "limits": Limits(**facts["limits"])})


@dataclass(frozen=True, slots=True)
class Question:
    """The bytes of a message, when they were received, and its sender's standing where the asker knows it."""

    body: bytes
    at: datetime
    standing: Standing | None = None
