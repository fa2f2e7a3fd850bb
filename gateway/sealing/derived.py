"""What oversight derives from the log: records of tickets, obligations and findings, and the entry with them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from uuid_utils.compat import uuid7

from gateway.model import Draft, Receipt, Verdict
from gateway.oversight.dealers import LUXURY_TOPIC
from gateway.oversight.reading import AUTHOR, GAMING, OVERSIGHT
from gateway.oversight.state import Obligation
from gateway.oversight.things import Finding
from gateway.oversight.tickets import Ticket
from gateway.sealing.batches import Unsealed, seal_records
from gateway.sealing.cloudevents import CloudEvent
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import moment_text, seal_receipt
from validators.totals import written

INTEGRITY = "fma.gaming.integrity.v1"
TICKET_EVENT = "kz.fma.gaming.ticket.v1"
OBLIGATION_EVENT = "kz.fma.obligation.v1"
FINDING_EVENT = "kz.fma.luxury.finding.v1"


@dataclass(frozen=True, slots=True)
class Derived:
    """What came of the entries of a ledger behind `after` up to `upto`, at a moment (UTC)."""

    ledger: int
    after: int
    upto: int
    at: datetime
    edition: str
    codes_digest: str
    tickets: Sequence[Ticket]
    obligations: Sequence[Obligation]
    findings: Sequence[Finding] = ()


async def seal_derived(derived: Derived, keys: KeyHolder) -> Draft:
    """The entry with a sealed record for each change of a ticket, an obligation or a finding, in their order."""
    tickets = [(one, ticket_facts(one)) for one in derived.tickets]
    obligations = [(one, obligation_facts(one)) for one in derived.obligations]
    findings = [(one, finding_facts(one)) for one in derived.findings]
    body = orjson.dumps(
        {
            "ledger": derived.ledger,
            "after": derived.after,
            "upto": derived.upto,
            "at": moment_text(derived.at),
            "tickets": [facts for _, facts in tickets],
            "obligations": [facts for _, facts in obligations],
            "findings": [facts for _, facts in findings],
        }
    )
    unsealed = [_ticket_record(one, facts) for one, facts in tickets]
    unsealed += [_obligation_record(one, facts, derived.at) for one, facts in obligations]
    unsealed += [_finding_record(one, facts) for one, facts in findings]
    receipt = Receipt(
        id=uuid7(),
        verdict=Verdict.ACCEPTED,
        document=None,
        version=None,
        sender=AUTHOR,
        sha256=hashlib.sha256(body).hexdigest(),
        received_at=derived.at,
        family=GAMING,
        message_type=OVERSIGHT,
        edition=derived.edition,
        codes_digest=derived.codes_digest,
        findings=(),
    )
    return Draft(await seal_receipt(receipt, keys), body, await seal_records(unsealed, keys))


def ticket_facts(ticket: Ticket) -> dict[str, Any]:
    """A ticket as it is told, times in RFC 3339 (UTC)."""
    return {
        "id": str(ticket.id),
        "revision": ticket.revision,
        "kind": ticket.kind.value,
        "complex": ticket.complex,
        "owner": ticket.owner,
        "state": ticket.state.value,
        "opened_at": moment_text(ticket.opened_at),
        "deadline": moment_text(ticket.deadline),
        "overdue": ticket.overdue,
        "closed_at": _moment(ticket.closed_at),
        "changed_at": moment_text(ticket.changed_at),
        "detail": dict(ticket.detail),
    }


def obligation_facts(one: Obligation) -> dict[str, Any]:
    """An obligation as it is told, amounts in tenge."""
    return {
        "id": str(one.id),
        "revision": one.revision,
        "state": "open" if one.open else "closed",
        "owner": one.owner,
        "player": one.player,
        "day": one.day.isoformat(),
        "operation": one.operation,
        "matter": one.matter,
        "threshold": written(one.threshold),
        "total": written(one.total),
        "events": one.events,
        "reported": written(one.reported),
        "deadline": moment_text(one.deadline),
        "overdue": one.overdue,
        "opened_at": _moment(one.opened_at),
        "closed_at": _moment(one.closed_at),
    }


def finding_facts(one: Finding) -> dict[str, Any]:
    """A finding as it is told, amounts in tenge."""
    return {
        "id": str(one.id),
        "revision": one.revision,
        "kind": one.remark.value,
        "item": one.item,
        "operation": one.deal.told(),
        "state": "open" if one.open else "closed",
        "opened_at": moment_text(one.opened_at),
        "closed_at": _moment(one.closed_at),
        "changed_at": moment_text(one.changed_at),
        "detail": dict(one.detail),
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else moment_text(value)


def _ticket_record(ticket: Ticket, facts: Mapping[str, Any]) -> Unsealed:
    event = CloudEvent(f"{ticket.id}/{ticket.revision}", TICKET_EVENT, ticket.changed_at, ticket.complex)
    return Unsealed(INTEGRITY, ticket.complex, orjson.dumps(facts), event)


def _obligation_record(one: Obligation, facts: Mapping[str, Any], at: datetime) -> Unsealed:
    event = CloudEvent(f"{one.id}/{one.revision}", OBLIGATION_EVENT, at, one.owner)
    return Unsealed(INTEGRITY, one.owner, orjson.dumps(facts), event)


def _finding_record(one: Finding, facts: Mapping[str, Any]) -> Unsealed:
    event = CloudEvent(f"{one.id}/{one.revision}", FINDING_EVENT, one.changed_at, one.item)
    return Unsealed(LUXURY_TOPIC, one.item, orjson.dumps(facts), event)
