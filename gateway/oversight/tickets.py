"""Tickets: what is wrong with a complex, from when it was seen until it was mended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "urn:fma-gateway:oversight")


class Kind(StrEnum):
    """What is wrong."""

    GAP = "gap"
    FORK = "fork"
    CHAIN = "chain"
    SILENCE = "silence"
    METER = "meter"
    TOTALS = "totals"
    SOFTWARE = "software"
    CORRECTION = "correction"
    OVERLAP = "overlap"


class State(StrEnum):
    """Whether it still is."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One thing that is wrong; `subject` tells apart what is open of one kind in one complex at the same time."""

    id: UUID
    kind: Kind
    complex: str
    owner: str
    subject: str
    state: State
    opened_at: datetime
    deadline: datetime
    overdue: bool
    closed_at: datetime | None
    revision: int
    changed_at: datetime
    detail: Mapping[str, Any]

    @property
    def key(self) -> "TicketKey":
        """What one open ticket has alone."""
        return (self.complex, self.kind, self.subject)


TicketKey = tuple[str, Kind, str]


@dataclass(frozen=True, slots=True)
class Occasion:
    """At which moment something changes, and what makes it change: `name` is unique to it in its ledger."""

    at: datetime
    name: str


class TicketBook:
    """The tickets at hand; `told` has every change of one in order, `changed` how each of them stands at last."""

    def __init__(self, deadline_hours: Mapping[str, int], tickets: Iterable[Ticket] = ()) -> None:
        self._hours = deadline_hours
        self._open = {ticket.key: ticket for ticket in tickets if ticket.state is State.OPEN}
        self._ids = {ticket.id: ticket.key for ticket in self._open.values()}
        self.told: list[Ticket] = []
        self.changed: dict[UUID, Ticket] = {}

    def held(self, ticket: Ticket) -> None:
        """Takes one more open ticket in, unless it is at hand."""
        if ticket.key not in self._open:
            self._open[ticket.key] = ticket
            self._ids[ticket.id] = ticket.key

    def find(self, complex_id: str, kind: Kind, subject: str) -> Ticket | None:
        """The open ticket about this, None where there is none."""
        return self._open.get((complex_id, kind, subject))

    def by_id(self, ticket: UUID) -> Ticket | None:
        """The open ticket of this id."""
        return self._open.get(self._ids[ticket]) if ticket in self._ids else None

    def open_of(self, complex_id: str, kind: Kind) -> list[Ticket]:
        """The open tickets of a kind."""
        return [ticket for key, ticket in self._open.items() if key[:2] == (complex_id, kind)]

    @property
    def open(self) -> list[Ticket]:
        """All open tickets at hand."""
        return list(self._open.values())

    def raise_for(self, about: TicketKey, owner: str, detail: Mapping[str, Any], occasion: Occasion) -> Ticket:
        """The open ticket about this with this detail: a new one, or the one that is open brought up to date."""
        known = self._open.get(about)
        if known is not None:
            return self.revise(known, detail, occasion)
        complex_id, kind, subject = about
        ticket = Ticket(
            id=uuid5(NAMESPACE, "\n".join((*about, occasion.name))),
            kind=kind,
            complex=complex_id,
            owner=owner,
            subject=subject,
            state=State.OPEN,
            opened_at=occasion.at,
            deadline=occasion.at + timedelta(hours=self._hours[kind]),
            overdue=False,
            closed_at=None,
            revision=0,
            changed_at=occasion.at,
            detail=detail,
        )
        self._ids[ticket.id] = about
        return self._take(ticket, occasion)

    def revise(self, ticket: Ticket, detail: Mapping[str, Any], occasion: Occasion) -> Ticket:
        """The ticket with this detail; nothing is told where it has it already."""
        return ticket if ticket.detail == detail else self._take(replace(ticket, detail=detail), occasion)

    def close(self, ticket: Ticket, occasion: Occasion, **more: object) -> None:
        """Closes an open ticket; `more` is added to its detail."""
        detail = {**ticket.detail, **more}
        closed_at = max(occasion.at, ticket.changed_at)
        self._take(replace(ticket, state=State.CLOSED, closed_at=closed_at, detail=detail), occasion)
        del self._open[ticket.key], self._ids[ticket.id]

    def expire(self, occasion: Occasion) -> None:
        """Marks the open tickets whose deadline has passed."""
        for ticket in self.open:
            if not ticket.overdue and ticket.deadline <= occasion.at:
                self._take(replace(ticket, overdue=True), occasion)

    def _take(self, ticket: Ticket, occasion: Occasion) -> Ticket:
        new = replace(ticket, revision=ticket.revision + 1, changed_at=max(occasion.at, ticket.changed_at))
        self._open[new.key] = self.changed[new.id] = new
        self.told.append(new)
        return new
