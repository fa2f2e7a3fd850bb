"""The whole log is published anew, into topics that are fresh: what Kafka lost is what the log holds."""

from collections.abc import Callable, Collection, Sequence

from gateway.bus.connecting import Bootstrap
from gateway.bus.emptiness import require_empty
from gateway.bus.positions import Position
from gateway.journal import Journal
from gateway.relay import Relay

RelayUntil = Callable[[int, Position], Relay]
"""A relay of this ledger that ends at this position."""


async def rebuild(
    journal: Journal, bootstrap: Bootstrap, topics: Collection[str], relay_until: RelayUntil
) -> Sequence[Position]:
    """Publishes every ledger from its first entry to where it ends now, and returns the positions reached.

    Keys, values, headers and seals are those of the log, so they are the same bytes as before. What is running is
    fenced; what is filed meanwhile is left to the next relay. Raises TopicsNotEmpty before anything is changed when one
    of `topics` is not fresh, EntryArchived when the log begins in an archive, and what a relay raises.
    """
    await require_empty(bootstrap, topics)
    targets = [await _target(journal, ledger) for ledger in await journal.ledgers()]
    for target in targets:
        await journal.read(target.ledger, 0, 1)
    reached: list[Position] = []
    for target in targets:
        relay = relay_until(target.ledger, target)
        await relay.run()
        reached.append(relay.position or target)
    return reached


async def _target(journal: Journal, ledger: int) -> Position:
    checkpoint = await journal.latest_checkpoint(ledger)
    head = await journal.head(ledger)
    return Position(ledger, head.seq, head.chain, 0 if checkpoint is None else checkpoint.seq)
