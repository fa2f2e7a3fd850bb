"""The whole chain of one thing from the topic of luxury goods: its code, every operation in order, what does not hold.

All records of a thing stand in the one partition that its code leads to, and each is verified. What does not hold is
found here anew from the operations; the findings of oversight that stand on the topic are shown beside it.
"""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from gateway.bus.connecting import Bootstrap
from gateway.consumer.decoding import ChainFinding, LuxuryCodeIssued, LuxuryOperation, decode
from gateway.consumer.reading import Reader
from gateway.consumer.seals import VALID
from gateway.consumer.subscription import Memory, event_of
from gateway.model import Event
from gateway.oversight.dealers import LUXURY_TOPIC
from gateway.sealing.jws import KeySet
from validators.luxury.chains import Link, Standing, chain_of, chain_rules, luxury_deal
from validators.luxury.unique_codes import CodeKind, read_code
from validators.operations.deals import LUXURY, Deal, DealId, Filing

REMEMBERED = 1_000_000


@dataclass(slots=True)
class Trace:
    """What stands on the topic about one thing; records whose seal does not hold are in `broken` alone.

    `withdrawn` are operations that a later one took back. `issued` is None where no code of this thing was issued.
    """

    code: str
    issued: LuxuryCodeIssued | None = None
    operations: dict[DealId, LuxuryOperation] = field(default_factory=dict)
    deal_codes: list[LuxuryCodeIssued] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    withdrawn: list[Deal] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)
    findings: list[ChainFinding] = field(default_factory=list)
    broken: list[Event] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether the topic says anything about this thing."""
        return self.issued is not None or bool(self.operations)

    @property
    def whole(self) -> bool:
        """Whether the code was issued and every operation follows from the one before."""
        return self.issued is not None and not any(link.findings for link in self.links)

    def finding_at(self, deal: Deal, kind: str) -> ChainFinding | None:
        """What oversight told, last, about a deal; None where it told nothing of the kind, or not yet."""
        told = (one for one in reversed(self.findings) if one.kind == kind)
        return next((one for one in told if one.operation.model_dump() == deal.id.told()), None)


async def trace(code: str, *, bootstrap: Bootstrap, keys: KeySet, every_partition: bool = False) -> Trace:
    """The chain of the thing with that code, however it is typed, as it is committed now.

    One partition is read, that to which the code leads by Kafka's own partitioner; with `every_partition` all are,
    which is needed where the topic was given more of them later. Raises CodeRefused for what is no code of a thing,
    NotDecodable for a record that this version does not know; KafkaUnavailable, KafkaRefused or TopicMissing.
    """
    found = Trace(read_code(code, CodeKind.ITEM).text)
    reader = Reader([LUXURY_TOPIC], bootstrap, from_beginning=True, only_key=None if every_partition else found.code)
    deals: list[Deal] = []
    memory = Memory(REMEMBERED)
    async with reader, aclosing(reader.records(until_end=True)) as records:
        async for record in records:
            if record.key == found.code.encode():
                event = event_of(record, keys)
                if event.seal != VALID:
                    found.broken.append(event)
                elif memory.is_new(event):
                    _take(found, event, deals)
    _arrange(found, deals)
    return found


def _take(found: Trace, event: Event, deals: list[Deal]) -> None:
    told = decode(event)
    if isinstance(told, LuxuryCodeIssued):
        if told.issued.item is None:
            found.issued = found.issued or told
        else:
            found.deal_codes.append(told)
    elif isinstance(told, LuxuryOperation):
        content: dict[str, Any] = event.value["item"]
        deal = luxury_deal(Filing(LUXURY, told.sender, "", event.offset), content)
        if deal.id not in found.operations:
            deals.append(deal)
            found.operations[deal.id] = told
    elif isinstance(told, ChainFinding):
        found.findings.append(told)


def _arrange(found: Trace, deals: Iterable[Deal]) -> None:
    deals = list(deals)
    undone = {deal.corrects for deal in deals if deal.corrects is not None}
    found.links, found.standing = chain_of([deal for deal in deals if deal.id not in undone], chain_rules())
    found.withdrawn = [deal for deal in deals if deal.id in undone and deal.counts]
