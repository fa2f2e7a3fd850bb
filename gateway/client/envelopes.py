"""What stands around the items of a message: the envelope, attributes in their order, control totals."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lxml import etree

from gateway.client.amounts import in_tiyn, written
from gateway.errors import GatewayError
from validators.values import LEGAL_ZONE

MOMENT = "%d.%m.%Y %H:%M:%S"
RECEIVER = "AFM"
TRANSPORT = "1"

Content = Mapping[str, Any]
"""An item as plain data: its attributes in lower snake case."""


class UnknownAttribute(GatewayError):
    """An item has a member that none of its attributes stands for."""

    code = "unknown-attribute"


def new_guid() -> str:
    """A random GUID in the form of the order: upper case."""
    return str(uuid.uuid4()).upper()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around each message: the sender's BIN or IIN and kind, and the moment it was made (aware).

    `sender` is `ENTITY` and the identifier where it is not given; both GUIDs are new ones.
    """

    owner: str
    kind: str
    made_at: datetime
    sender: str = ""
    version: str = field(default_factory=new_guid)
    document: str = field(default_factory=new_guid)


class Attributes:
    """The attributes that an item of one tag may have, in the order in which they are written."""

    def __init__(self, tag: str, names: Sequence[str]) -> None:
        self.tag = tag
        self._names = {name: "".join(part.capitalize() for part in name.split("_")) for name in names}
        self._members = {tag: name for name, tag in self._names.items()}
        self._order = {name: place for place, name in enumerate(names)}

    def member(self, attribute: str) -> str:
        """The member of the content that an attribute stands for; the attribute itself where there is none."""
        return self._members.get(attribute, attribute)

    def written(self, content: Content) -> dict[str, str]:
        """The attributes of the element; raises UnknownAttribute for a member that is none."""
        try:
            return {self._names[name]: str(content[name]) for name in sorted(content, key=self._order.__getitem__)}
        except KeyError as error:
            raise UnknownAttribute(f"{self.tag} has no attribute {error.args[0]!r}") from None


def totals_by_kind(items: Iterable[Content], amounts: Sequence[str]) -> Mapping[str, tuple[int, str]]:
    """Count and sum of amounts by kind, kinds in alphabetical order; a malformed amount counts as nothing.

    The amount of an item is the first of the members in `amounts` that it has.
    """
    counts: dict[str, int] = {}
    sums: dict[str, int] = {}
    for item in items:
        kind = item["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        amount = next((item[name] for name in amounts if name in item), None)
        sums[kind] = sums.get(kind, 0) + in_tiyn(amount)
    return {kind: (counts[kind], written(sums[kind])) for kind in sorted(counts)}


def add_totals(message: etree._Element, totals: Mapping[str, tuple[int, str]]) -> None:
    """Puts the control totals into a message."""
    holder = etree.SubElement(message, "Totals")
    for kind, (count, amount) in totals.items():
        etree.SubElement(holder, "Total", {"Kind": kind, "Count": str(count), "Amount": amount})


def enveloped(envelope: Envelope, message: etree._Element) -> etree._Element:
    """The whole document around a message, its `Signature` empty."""
    export = etree.Element("ExportData")
    signed = etree.SubElement(export, "SignedData")
    add_text(signed, "Sender", envelope.sender or f"ENTITY{envelope.owner}")
    add_text(signed, "Receiver", RECEIVER)
    add_text(signed, "TimeStamp", envelope.made_at.astimezone(LEGAL_ZONE).strftime(MOMENT))
    root = etree.SubElement(etree.SubElement(signed, "Data"), "Root")
    add_text(root, "Version", envelope.version)
    add_text(root, "DocumentUniqueIdentifier", envelope.document)
    person = etree.SubElement(root, "PersonalData")
    add_text(person, "OrganisationCode", envelope.kind)
    add_text(person, "IINBIN", envelope.owner)
    root.append(message)
    etree.SubElement(signed, "Signature")
    add_text(export, "TransportType", TRANSPORT)
    return export


def add_text(parent: etree._Element, tag: str, text: str) -> None:
    """Adds an element that holds text alone."""
    etree.SubElement(parent, tag).text = text
