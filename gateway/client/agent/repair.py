"""What an operator does about a stopped series, or about a chain that the gateway finds broken."""

from dataclasses import dataclass

import httpx
from lxml import etree

from gateway.client.agent.model import Halt, Trouble
from gateway.client.agent.position import fetch_position
from gateway.client.agent.settings import AgentSettings
from gateway.client.agent.spool import read_spool
from gateway.client.agent.taking import Clock
from gateway.client.envelopes import Envelope
from gateway.client.filing import file_message
from gateway.client.gaming import Repairs, chain_repair_xml
from gateway.client.reading import Reader
from gateway.errors import GatewayError
from gateway.sealing.keys import KeyHolder
from gateway.sealing.xmldsig import sign_tree

FORK_TICKET = "fork"


class NotRepaired(GatewayError):
    """The series stays stopped: this can't be put right from here."""

    code = "agent-not-repaired"


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a repair needs."""

    settings: AgentSettings
    keys: KeyHolder
    client: httpx.AsyncClient
    clock: Clock

    def reader(self) -> Reader:
        """Asks the gateway as the owner."""
        return Reader(self.client, self.settings.owner, self.settings.url, self.keys, self.clock)

    async def file(self, number: int, repairs: Repairs, reason: str, previous: str | None = None) -> str:
        """Files a ChainRepair and returns its receipt's id; raises NotRepaired when it is refused."""
        settings = self.settings
        envelope = Envelope(settings.owner, settings.kind, self.clock())
        root: etree._Element = chain_repair_xml(
            envelope, settings.complex, number, repairs, reason=reason, previous=previous
        )
        answer = await file_message(self.client, await sign_tree(root, self.keys, "UTF-8"), language=settings.language)
        if not answer.accepted:
            findings = answer.facts.get("findings") or [{"message": answer.facts.get("detail", answer.status)}]
            told = "; ".join(str(finding.get("message")) for finding in findings)
            raise NotRepaired(f"the gateway refused the repair: {told}")
        return str(answer.facts.get("id"))


async def repair_series(shop: Workshop, reason: str) -> str:
    """Lets a stopped series go on, and tells what was done; raises NotRepaired, or what asking the gateway raises.

    A refused batch is made anew from the same events, under the same number that no accepted batch has. After a fork,
    and when the gateway is ahead, what the gateway does not have is numbered anew behind what it has.
    """
    settings = shop.settings
    halt = read_spool(settings.spool, settings.complex, lambda spool: spool.head().halt)
    if halt is None:
        return "the series is not stopped; nothing was done"
    if halt.trouble is Trouble.LOST:
        raise NotRepaired(f"batch {halt.number} is on no disk here any more: agree with the agency how to go on")
    if halt.trouble is Trouble.REFUSED:
        read_spool(settings.spool, settings.complex, lambda spool: spool.remake(reason))
        return f"batch {halt.number} is made anew from the same events and sent by the running agent"
    return await _renumber(shop, halt, reason)


async def repair_chain(shop: Workshop, number: int, reason: str) -> str:
    """Files the right previous hash of a batch whose chain the gateway finds broken, and tells what was done."""
    settings = shop.settings
    previous = read_spool(settings.spool, settings.complex, lambda spool: spool.hash_of(number - 1))
    if previous is None:
        raise NotRepaired(f"batch {number - 1} is not in this spool any more: its hash is not known here")
    receipt = await shop.file(number, Repairs.CHAIN, reason, previous)
    return f"the repair of batch {number} is filed, receipt {receipt}"


async def _renumber(shop: Workshop, halt: Halt, reason: str) -> str:
    settings = shop.settings
    position = await fetch_position(shop.reader(), settings.complex)
    received = read_spool(settings.spool, settings.complex, lambda spool: spool.received())
    if position.last_batch < received:
        raise NotRepaired(
            f"the gateway has batches up to {position.last_batch}, this spool has receipts up to {received}: "
            "agree with the agency how to go on"
        )
    filed = ""
    if any(ticket.get("kind") == FORK_TICKET for ticket in position.open_tickets):
        filed = f"; the repair is filed, receipt {await shop.file(halt.number, Repairs.FORK, reason)}"
    moved = read_spool(settings.spool, settings.complex, lambda spool: spool.rebase(position, reason))
    return (
        f"the series goes on with batch {position.last_batch + 1}; "
        f"events that were not received moved on by {moved} numbers{filed}"
    )
