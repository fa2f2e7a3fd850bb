"""Tickets and obligations as their readers get them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest

from gateway.consumer import GamingTicket, NotDecodable, Obligation, decode
from gateway.model import Event
from gateway.sealing.derived import Derived, seal_derived
from tests.bus.kit import KEYS
from tests.oversight.kit import PLAYER, Casino, blank, event, facts_of, oversee


async def events() -> list[Event]:
    casino = Casino()
    paid = event(9, "CASH-OUT", "D-1", amount="1500000.5", means="CASH", player=PLAYER)
    state = oversee(blank(), facts_of([await casino.register(), await casino.batch(2, [paid])]))
    at = datetime(2026, 11, 26, 8, tzinfo=UTC)
    derived = Derived(0, 0, 2, at, "2026-01-01", "00" * 32, state.tickets.told, state.changes.told)
    records = (await seal_derived(derived, KEYS)).records
    return [
        Event(
            record.topic,
            0,
            offset,
            record.key,
            {name: value.decode() for name, value in record.headers},
            orjson.loads(record.value),
            "valid",
        )
        for offset, record in enumerate(records)
    ]


async def test_a_ticket_and_an_obligation_are_typed() -> None:
    ticket, due = [decode(one) for one in await events()]
    assert isinstance(ticket, GamingTicket)
    assert (ticket.kind, ticket.state, ticket.detail["missing"]) == ("gap", "open", [[1, 1]])
    assert isinstance(due, Obligation)
    assert (due.total, due.day, due.player) == (Decimal("1500000.50"), date(2026, 11, 26), PLAYER)


async def test_what_is_no_ticket_is_not_decoded() -> None:
    ticket, _ = await events()
    with pytest.raises(NotDecodable, match="state"):
        decode(Event(ticket.topic, 0, 0, ticket.key, ticket.headers, {**ticket.value, "state": "lost"}, "valid"))
