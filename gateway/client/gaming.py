"""The messages of the gaming family as a complex's own software makes them: plain objects in, lxml trees out.

`gateway.sealing.xmldsig.sign_tree` (or `sign_xml`) fills the empty `Signature` and gives the bytes to file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from lxml import etree

from gateway.client.envelopes import Attributes, Envelope, add_text, add_totals, enveloped, totals_by_kind
from validators.gaming.model import NO_BATCH

EventContent = Mapping[str, Any]
"""An event as plain data: `sequence`, `id`, `kind`, `time`, `unit`, then its attributes in lower snake case."""

ATTRIBUTES = (
    "sequence",
    "id",
    "kind",
    "time",
    "unit",
    "amount",
    "currency",
    "means",
    "count",
    "player",
    "player_kind",
    "birth_date",
    "document",
    "country",
    "card",
    "session",
    "reference",
    "odds",
    "outcome",
    "stake",
    "reason",
    "original",
    "original_sequence",
    "replaced_kind",
    "hash",
    "from",
    "to",
    "coin_in",
    "coin_out",
    "jackpots",
    "hand_pays",
    "drop",
    "games",
    "stakes",
    "winnings",
)
"""Every attribute that an event may have, in the order in which it is written."""


_EVENT = Attributes("Event", ATTRIBUTES)


class Action(StrEnum):
    """What a ComplexRegistration does."""

    REGISTER = "REGISTER"
    CHANGE = "CHANGE"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    RETIRE = "RETIRE"


class Repairs(StrEnum):
    """What a ChainRepair puts right."""

    CHAIN = "CHAIN"
    FORK = "FORK"


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """The place of a batch in its complex's series; `first` and `last` are those of its events where not given."""

    complex: str
    number: int
    previous: str = NO_BATCH
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """How often a kind of event happened at a unit within one hour (0-23) of the gaming day, and for how much."""

    unit: str
    kind: str
    hour: int
    count: int
    amount: str = "0"


@dataclass(frozen=True, slots=True)
class Unit:
    """A machine, table, desk, terminal or server of a complex; `kind` is a code of `unit_kinds`."""

    id: str
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The whole state of a complex that REGISTER and CHANGE report; `certificate` and `software` are SHA-256 in hex."""

    kind: str
    name: str
    premises: str
    heartbeat_seconds: int
    units: Sequence[Unit] = ()
    software: Sequence[str] = ()
    certificate: str | None = None


def batch_xml(envelope: Envelope, header: BatchHeader, events: Sequence[EventContent]) -> etree._Element:
    """A GamingBatch with its totals; raises UnknownAttribute when an event has a member that is not an attribute."""
    message = etree.Element("GamingBatch")
    add_text(message, "ComplexId", header.complex)
    add_text(message, "BatchSequence", str(header.number))
    add_text(message, "PreviousBatchHash", header.previous)
    add_text(message, "FirstEventSequence", str(events[0]["sequence"] if header.first is None else header.first))
    add_text(message, "LastEventSequence", str(events[-1]["sequence"] if header.last is None else header.last))
    add_text(message, "MadeAt", rfc3339(envelope.made_at))
    add_totals(message, totals_of(events))
    place = etree.SubElement(message, "Events")
    for event in events:
        etree.SubElement(place, "Event", attributes_of(event))
    return enveloped(envelope, message)


def end_of_day_xml(
    envelope: Envelope, complex_id: str, day: date, last_event: int, figures: Iterable[Figure]
) -> etree._Element:
    """An EndOfDay: the complex's own figures of one gaming day."""
    message = etree.Element("EndOfDay")
    add_text(message, "ComplexId", complex_id)
    add_text(message, "Day", day.isoformat())
    add_text(message, "LastEventSequence", str(last_event))
    place = etree.SubElement(message, "Figures")
    for figure in figures:
        etree.SubElement(
            place,
            "Figure",
            {
                "Unit": figure.unit,
                "Kind": figure.kind,
                "Hour": str(figure.hour),
                "Count": str(figure.count),
                "Amount": figure.amount,
            },
        )
    return enveloped(envelope, message)


def registration_xml(
    envelope: Envelope, complex_id: str, action: Action, state: State | None = None, reason: str = ""
) -> etree._Element:
    """A ComplexRegistration; REGISTER and CHANGE need the `state`, the others may have a reason."""
    message = etree.Element("ComplexRegistration")
    add_text(message, "ComplexId", complex_id)
    add_text(message, "Action", action.value)
    if state is not None:
        _add_state(message, state)
    if reason:
        add_text(message, "Reason", reason)
    return enveloped(envelope, message)


def chain_repair_xml(
    envelope: Envelope, complex_id: str, number: int, repairs: Repairs, *, reason: str, previous: str | None = None
) -> etree._Element:
    """A ChainRepair of the batch `number`; `previous` is the right hash of the batch before it, for CHAIN."""
    message = etree.Element("ChainRepair")
    add_text(message, "ComplexId", complex_id)
    add_text(message, "BatchSequence", str(number))
    add_text(message, "Repairs", repairs.value)
    if previous is not None:
        add_text(message, "PreviousBatchHash", previous)
    add_text(message, "Reason", reason)
    return enveloped(envelope, message)


def attributes_of(event: EventContent) -> dict[str, str]:
    """The attributes of an `Event` element, in their order."""
    return _EVENT.written(event)


def member_of(attribute: str) -> str:
    """The member of an event's content that an attribute stands for; the attribute itself where there is none."""
    return _EVENT.member(attribute)


def totals_of(events: Iterable[EventContent]) -> Mapping[str, tuple[int, str]]:
    """Count and sum of amounts by kind, kinds in alphabetical order; a malformed amount counts as nothing."""
    return totals_by_kind(events, ("amount",))


def rfc3339(moment: datetime) -> str:
    """The moment in UTC with three decimals of a second, as every time of the family is written."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add_state(message: etree._Element, state: State) -> None:
    add_text(message, "Kind", state.kind)
    add_text(message, "Name", state.name)
    add_text(message, "Premises", state.premises)
    add_text(message, "HeartbeatSeconds", str(state.heartbeat_seconds))
    if state.certificate is not None:
        add_text(message, "Certificate", state.certificate)
    units = etree.SubElement(message, "Units")
    for unit in state.units:
        named = {"Name": unit.name} if unit.name else {}
        etree.SubElement(units, "Unit", {"Id": unit.id, "Kind": unit.kind, **named})
    software = etree.SubElement(message, "Software")
    for digest in state.software:
        add_text(software, "Hash", digest)
