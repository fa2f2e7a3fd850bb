"""The messages of the gaming family as a complex's own software makes them: plain objects in, lxml trees out.

`gateway.sealing.xmldsig.sign_tree` (or `sign_xml`) fills the empty `Signature` and gives the bytes to file.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from gateway.client.amounts import in_tiyn, written
from gateway.errors import GatewayError
from validators.gaming.model import NO_BATCH

LEGAL_TIME = ZoneInfo("Asia/Almaty")
MOMENT = "%d.%m.%Y %H:%M:%S"
RECEIVER = "AFM"
TRANSPORT = "1"

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


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


_NAMES: Mapping[str, str] = MappingProxyType({name: _camel(name) for name in ATTRIBUTES})
_MEMBERS: Mapping[str, str] = MappingProxyType({tag: name for name, tag in _NAMES.items()})
_ORDER: Mapping[str, int] = MappingProxyType({name: place for place, name in enumerate(ATTRIBUTES)})


class UnknownAttribute(GatewayError):
    """An event has a member that no attribute of an event stands for."""

    code = "gaming-attribute"


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


def new_guid() -> str:
    """A random GUID in the form of the order: upper case."""
    return str(uuid.uuid4()).upper()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around each message: the owner's BIN or IIN and kind (092-096), and the moment it was made (aware).

    `sender` is `ENTITY` and the identifier where it is not given; both GUIDs are new ones.
    """

    owner: str
    kind: str
    made_at: datetime
    sender: str = ""
    version: str = field(default_factory=new_guid)
    document: str = field(default_factory=new_guid)


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
    _text(message, "ComplexId", header.complex)
    _text(message, "BatchSequence", str(header.number))
    _text(message, "PreviousBatchHash", header.previous)
    _text(message, "FirstEventSequence", str(events[0]["sequence"] if header.first is None else header.first))
    _text(message, "LastEventSequence", str(events[-1]["sequence"] if header.last is None else header.last))
    _text(message, "MadeAt", rfc3339(envelope.made_at))
    totals = etree.SubElement(message, "Totals")
    for kind, (count, amount) in totals_of(events).items():
        etree.SubElement(totals, "Total", {"Kind": kind, "Count": str(count), "Amount": amount})
    place = etree.SubElement(message, "Events")
    for event in events:
        etree.SubElement(place, "Event", attributes_of(event))
    return _enveloped(envelope, message)


def end_of_day_xml(
    envelope: Envelope, complex_id: str, day: date, last_event: int, figures: Iterable[Figure]
) -> etree._Element:
    """An EndOfDay: the complex's own figures of one gaming day."""
    message = etree.Element("EndOfDay")
    _text(message, "ComplexId", complex_id)
    _text(message, "Day", day.isoformat())
    _text(message, "LastEventSequence", str(last_event))
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
    return _enveloped(envelope, message)


def registration_xml(
    envelope: Envelope, complex_id: str, action: Action, state: State | None = None, reason: str = ""
) -> etree._Element:
    """A ComplexRegistration; REGISTER and CHANGE need the `state`, the others may have a reason."""
    message = etree.Element("ComplexRegistration")
    _text(message, "ComplexId", complex_id)
    _text(message, "Action", action.value)
    if state is not None:
        _add_state(message, state)
    if reason:
        _text(message, "Reason", reason)
    return _enveloped(envelope, message)


def chain_repair_xml(
    envelope: Envelope, complex_id: str, number: int, repairs: Repairs, *, reason: str, previous: str | None = None
) -> etree._Element:
    """A ChainRepair of the batch `number`; `previous` is the right hash of the batch before it, for CHAIN."""
    message = etree.Element("ChainRepair")
    _text(message, "ComplexId", complex_id)
    _text(message, "BatchSequence", str(number))
    _text(message, "Repairs", repairs.value)
    if previous is not None:
        _text(message, "PreviousBatchHash", previous)
    _text(message, "Reason", reason)
    return _enveloped(envelope, message)


def attributes_of(event: EventContent) -> dict[str, str]:
    """The attributes of an `Event` element, in their order."""
    try:
        return {_NAMES[name]: str(event[name]) for name in sorted(event, key=_ORDER.__getitem__)}
    except KeyError as error:
        raise UnknownAttribute(f"an event has no attribute {error.args[0]!r}") from None


def member_of(attribute: str) -> str:
    """The member of an event's content that an attribute stands for; the attribute itself where there is none."""
    return _MEMBERS.get(attribute, attribute)


def totals_of(events: Iterable[EventContent]) -> Mapping[str, tuple[int, str]]:
    """Count and sum of amounts by kind, kinds in alphabetical order; a malformed amount counts as nothing."""
    counts: dict[str, int] = {}
    sums: dict[str, int] = {}
    for event in events:
        kind = event["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        if "amount" in event:
            sums[kind] = sums.get(kind, 0) + in_tiyn(event["amount"])
    return {kind: (counts[kind], written(sums.get(kind, 0))) for kind in sorted(counts)}


def rfc3339(moment: datetime) -> str:
    """The moment in UTC with three decimals of a second, as every time of the family is written."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add_state(message: etree._Element, state: State) -> None:
    _text(message, "Kind", state.kind)
    _text(message, "Name", state.name)
    _text(message, "Premises", state.premises)
    _text(message, "HeartbeatSeconds", str(state.heartbeat_seconds))
    if state.certificate is not None:
        _text(message, "Certificate", state.certificate)
    units = etree.SubElement(message, "Units")
    for unit in state.units:
        named = {"Name": unit.name} if unit.name else {}
        etree.SubElement(units, "Unit", {"Id": unit.id, "Kind": unit.kind, **named})
    software = etree.SubElement(message, "Software")
    for digest in state.software:
        _text(software, "Hash", digest)


def _enveloped(envelope: Envelope, message: etree._Element) -> etree._Element:
    export = etree.Element("ExportData")
    signed = etree.SubElement(export, "SignedData")
    _text(signed, "Sender", envelope.sender or f"ENTITY{envelope.owner}")
    _text(signed, "Receiver", RECEIVER)
    _text(signed, "TimeStamp", envelope.made_at.astimezone(LEGAL_TIME).strftime(MOMENT))
    root = etree.SubElement(etree.SubElement(signed, "Data"), "Root")
    _text(root, "Version", envelope.version)
    _text(root, "DocumentUniqueIdentifier", envelope.document)
    person = etree.SubElement(root, "PersonalData")
    _text(person, "OrganisationCode", envelope.kind)
    _text(person, "IINBIN", envelope.owner)
    root.append(message)
    etree.SubElement(signed, "Signature")
    _text(export, "TransportType", TRANSPORT)
    return export


def _text(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text
