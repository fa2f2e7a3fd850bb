"""What a sender's requests come to: shares accepted, latencies, answers, Retry-After; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

from chaos.flood import LATER, NEVER_SENT, NO_ANSWER, Shot

ACCEPTED = (200, 201)
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """What one sender saw in one phase; latencies in milliseconds from sending, of what was accepted.

    `offered` counts messages that were sent, `answers` counts answers by status (0: none came; -1: what was due and
    never sent, for all connections were waiting). `accepted` and the two below are shares of what was offered, of all
    and of each kind (None where none of that kind was offered);
    `longest` is the longest time in seconds from when a message was due until it was in, over all attempts.
    `retry_after` is the least and the most that was said, (0, 0) where nothing was.
    """

    name: str
    offered: int
    rate: float
    answers: Mapping[int, int]
    accepted: float
    suspicious: float | None
    threshold: float | None
    p50: float
    p99: float
    longest: float
    attempts: int
    retry_after: tuple[int, int]


def figures(name: str, shots: Sequence[Shot], suspicious: AbstractSet[int]) -> Figures:
    """The figures of what one sender sent."""
    first = [shot for shot in shots if shot.attempt == 1 and shot.status != NEVER_SENT]
    taken = [shot for shot in shots if shot.status in ACCEPTED]
    took = sorted(MILLISECONDS * (shot.done - shot.sent) for shot in taken)
    due = [shot.due for shot in first]
    said = [shot.retry_after for shot in shots if shot.status in LATER]
    return Figures(
        name=name,
        offered=len(first),
        rate=round(len(first) / max(1.0, max(due) - min(due)), 1) if due else 0.0,
        answers=dict(Counter(shot.status for shot in shots)),
        accepted=_share(len(taken), len(first)),
        suspicious=_share_of(first, taken, suspicious, inside=True),
        threshold=_share_of(first, taken, suspicious, inside=False),
        p50=round(percentile(took, 0.5), 1),
        p99=round(percentile(took, 0.99), 1),
        longest=round(max((shot.done - shot.due for shot in taken), default=0.0), 2),
        attempts=max((shot.attempt for shot in shots), default=0),
        retry_after=(min(said, default=0), max(said, default=0)),
    )


def rate_of(shots: Iterable[Shot]) -> float:
    """Accepted messages a second of all these together."""
    done = sorted(shot.done for shot in shots if shot.status in ACCEPTED)
    return len(done) / (done[-1] - done[0]) if len(done) > 1 else 0.0


def standstill(shots: Iterable[Shot]) -> float:
    """The longest time in seconds between two messages that were accepted one after the other."""
    done = sorted(shot.done for shot in shots if shot.status in ACCEPTED)
    return max((after - before for before, after in pairwise(done)), default=0.0)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value at that share of an ordered list, 0 where there is none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def strange(name: str, shots: Iterable[Shot], longest: int) -> list[str]:
    """The answers that nobody should get: neither accepted nor asked to come later, or later without a time."""
    right = (*ACCEPTED, *LATER, NEVER_SENT)
    statuses = Counter(shot.status for shot in shots if shot.status not in right)
    found = [f"{name}: {'no answer' if status == NO_ANSWER else status}, {n} times" for status, n in statuses.items()]
    said = Counter(shot.retry_after for shot in shots if shot.status in LATER)
    wrong = sum(times for seconds, times in said.items() if not 1 <= seconds <= longest)
    return [*found, *([f"{name}: Retry-After missing or out of bounds, {wrong} times"] if wrong else [])]


def _share_of(
    first: Sequence[Shot], taken: Sequence[Shot], suspicious: AbstractSet[int], *, inside: bool
) -> float | None:
    offered = sum((shot.message in suspicious) is inside for shot in first)
    accepted = sum((shot.message in suspicious) is inside for shot in taken)
    return _share(accepted, offered) if offered else None


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
