"""What the gateway received, compared with what this spool knows it sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.client.agent.model import Batch, Halt, Head, Position, Trouble
from gateway.client.reading import NotAnswered, Reader


@dataclass(frozen=True, slots=True)
class Resend:
    """The gateway lacks batches that it gave receipts for, or that are kept here: send them again, as they are."""

    numbers: tuple[int, ...]


async def fetch_position(reader: Reader, complex_id: str) -> Position:
    """The gateway's answer to "what did you last receive from me?"; raises what `Reader.get` raises."""
    facts = await reader.get(f"/v1/gaming/complexes/{complex_id}/position")
    try:
        return _position(facts)
    except (KeyError, TypeError, ValueError) as error:
        raise NotAnswered("the gateway's position does not have the expected form") from error


def _position(facts: Mapping[str, Any]) -> Position:
    ranges = (row for row in facts.get("missing", ()) if row["what"] == "batch")
    return Position(
        last_batch=int(facts["last_batch"]),
        last_hash=str(facts["last_batch_hash"]),
        last_event=int(facts["last_event"]),
        missing=tuple((int(row["first"]), int(row["last"])) for row in ranges),
        open_tickets=tuple(facts.get("open_tickets", ())),
    )


def compare(
    head: Head, unanswered: Batch | None, position: Position, hash_of: Callable[[int], str | None]
) -> Resend | Halt | None:
    """What follows from a position: nothing, batches to send again, or that the series must stop.

    `hash_of` tells the hash of a batch that is kept. A batch whose answer was lost may be there or not: it is sent
    again either way.
    """
    received = head.last_batch - (1 if unanswered else 0)
    if position.last_batch > head.last_batch:
        return Halt(
            Trouble.AHEAD, position.last_batch, f"hash {position.last_hash}, here the last is {head.last_batch}"
        )
    known = hash_of(position.last_batch) if position.last_batch else None
    if known is not None and known != position.last_hash:
        return Halt(Trouble.FORK, position.last_batch, f"hash {position.last_hash}, here {known}")
    if position.last_batch >= received:
        return None
    return _resend(position, received, hash_of)


def _resend(position: Position, received: int, hash_of: Callable[[int], str | None]) -> Resend | Halt:
    beyond = range(position.last_batch + 1, received + 1)
    if position.missing:
        gaps = [range(first, last + 1) for first, last in position.missing]
        numbers = tuple(number for number in beyond if any(number in gap for gap in gaps))
    else:
        numbers = tuple(beyond)
    lost = next((number for number in numbers if hash_of(number) is None), None)
    if lost is not None:
        return Halt(Trouble.LOST, lost, f"the gateway has all up to {position.last_batch}")
    return Resend(numbers)
