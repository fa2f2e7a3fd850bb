"""The shapes of the answers about complexes, for the OpenAPI document alone."""

from typing import Any

from pydantic import Field

from gateway.intake.documentation import Shape


class UnitFacts(Shape):
    """One unit of a complex."""

    id: str
    kind: str = Field(description="of the table unit_kinds")


class ComplexFacts(Shape):
    """A complex as it is registered now."""

    id: str
    owner: str
    state: str = Field(description="active, suspended or retired")
    kind: str = Field(description="of the table reporting_entity_kinds: 092 to 096")
    name: str
    premises: str = Field(description="KATO code")
    heartbeat_seconds: int
    certificate: str | None = Field(description="SHA-256 of the one that may sign batches; null: any of the owner's")
    units: list[UnitFacts]
    software: list[str] = Field(description="registered SHA-256 digests, lower-case hex")
    received_batches: int
    heard_at: str | None = Field(description="when a message of it was received last")


class ComplexPage(Shape):
    """One page of one's own complexes."""

    complexes: list[ComplexFacts]
    next: str | None


class MissingRange(Shape):
    """Numbers that did not come."""

    what: str = Field(description="batch or event")
    first: int
    last: int
    ticket: str


class TicketFacts(Shape):
    """One thing that is wrong with a complex."""

    id: str
    revision: int = Field(description="grows with every change")
    kind: str = Field(
        description="gap, fork, chain, silence, meter, totals, software, correction or overlap", examples=["gap"]
    )
    complex: str
    owner: str
    state: str = Field(description="open or closed")
    opened_at: str
    deadline: str = Field(description="until when it is to be mended (proposed)")
    overdue: bool
    closed_at: str | None
    changed_at: str
    detail: dict[str, Any] = Field(description="by kind; a gap names what, first, last, count and the missing ranges")


class TicketPage(Shape):
    """One page of one's own tickets."""

    tickets: list[TicketFacts]
    next: str | None


class PositionFacts(Shape):
    """What was received of a complex."""

    complex: str
    state: str
    last_batch: int = Field(description="up to this one every batch was received; 0 where the first is missing")
    last_batch_hash: str = Field(description="SHA-256 of its bytes; 64 zeros for 0")
    last_event: int = Field(description="LastEventSequence of that batch")
    highest_batch: int = Field(description="the highest number received, whatever is missing below it")
    highest_event: int = Field(description="the highest event sequence received")
    received_batches: int = Field(description="how many batches were received")
    missing: list[MissingRange]
    open_tickets: list[TicketFacts]
    clock_difference_ms: int | None = Field(description="receipt minus MadeAt of the batch received last")
    heard_at: str | None


class FigureFacts(Shape):
    """Events of one unit, kind and local hour."""

    unit: str
    kind: str
    hour: int
    count: int
    amount: str = Field(description="sum in tenge, whole or with two decimals")


class SideFacts(Shape):
    """One side of a difference."""

    count: int
    amount: str


class DifferenceFacts(Shape):
    """Where the two sides of a day differ."""

    unit: str
    kind: str
    hour: int
    reported: SideFacts
    received: SideFacts


class DayFacts(Shape):
    """The two sides of a local day of a complex."""

    complex: str
    day: str
    figures: list[FigureFacts] = Field(description="what the gateway received")
    reported: list[FigureFacts] | None = Field(description="the complex's EndOfDay; null where there is none")
    differences: list[DifferenceFacts]


class ObligationFacts(Shape):
    """An FM-1 that is or was due."""

    id: str
    revision: int
    state: str = Field(description="open or closed")
    owner: str
    player: str = Field(description="the player or the other party: IIN, BIN, or number of the foreign document")
    day: str = Field(description="local day of the winnings; the last day of a dealer's operations that count together")
    operation: str = Field(description="of the table operation_kinds, or luxury_operation_kinds")
    matter: str = Field(description="the class of luxury goods, empty for all else")
    threshold: str
    total: str = Field(description="winnings paid on that day, or prices of the operations up to it")
    events: int
    reported: str = Field(description="what accepted FM-1s say of it")
    deadline: str
    overdue: bool
    opened_at: str | None
    closed_at: str | None


class ObligationPage(Shape):
    """One page of one's own obligations."""

    obligations: list[ObligationFacts]
    next: str | None
