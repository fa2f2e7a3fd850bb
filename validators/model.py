"""The nouns of the verdict: findings, judgements, and the moment they are made for."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from validators.gaming.model import Complex

NOTHING: Mapping[str, str] = MappingProxyType({})


class Severity(StrEnum):
    """How much a finding weighs: an error refuses, a warning accepts and flags."""

    ERROR = "error"
    WARNING = "warning"


class Verdict(StrEnum):
    """What became of a message; `undetermined` means that a check could not be made."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted with warnings"
    REFUSED = "refused"
    UNDETERMINED = "undetermined"

    @property
    def stands(self) -> bool:
        """True when the message is accepted, with or without warnings."""
        return self in (Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_WARNINGS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a message.

    `code` is the catalogue's, stable and never reused; `path` is an XPath with positions where siblings repeat
    (`/ExportData/SignedData/Data/Root/Participants/Participant[2]/OKED`, attributes as `.../@Code`); `line` counts
    from 1; `field` is the form field's number such as `3.10`; `value` is what was found, cut to 200 characters;
    `parameters` fill the catalogue's text.
    """

    code: str
    severity: Severity
    path: str
    line: int | None = None
    field: str | None = None
    value: str | None = None
    parameters: Mapping[str, str] = dataclasses.field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a verdict depends on beside the message: the moment of receipt (UTC) and the sender's enrolled kind.

    `reporter_kind` is a code of `reporting_entity_kinds`, None where it is not known (offline); the rules that need
    it are then left out. `complex` is the sender's complex that the message names, None where he has none of that
    name; `complex_taken` says that somebody else has one; both count only where `register_known` says that somebody
    looked. `certificate` is the lower-case hex SHA-256 of the certificate that signed.
    """

    received_at: datetime
    reporter_kind: str | None = None
    complex: Complex | None = None
    register_known: bool = False
    certificate: str | None = None
    complex_taken: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One of the many things that a message carries (an event, an operation), judged by itself.

    `number` is its place in its series; `leaf` the lower-case hex RFC 9162 leaf hash of its element in Exclusive C14N
    where it was refused, empty otherwise; `content` is the item as plain data; `key` orders its record, None where
    the message's does.
    """

    number: int
    id: str
    accepted: bool
    findings: tuple[Finding, ...]
    leaf: str
    content: Mapping[str, Any]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The place of a message among those of one source that are numbered 1, 2, 3 ...; `facts` are plain data."""

    name: str
    number: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one message and everything that was learnt while judging it.

    `message_type` is `doc`, `Ack1` ... or `unknown`; `edition` names the edition that judged and `codes_digest` the
    lower-case hex SHA-256 of its code tables; `document` and `version` are the message's GUIDs where they are well
    formed; `content` is the message as plain data (tags as keys, attributes as `@Name`, repeated tags as lists);
    `topic` is where the message is routed; `key` orders its records there, None stands for the sender; `event_type` is
    their CloudEvents type, empty for that of an accepted message of the family. `items` are all the things it carries
    that were judged one by one, `series` its place among its source's messages.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    family: str
    message_type: str
    edition: str
    codes_digest: str
    topic: str
    document: str | None = None
    version: str | None = None
    content: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    key: str | None = None
    event_type: str = ""
    items: tuple[Item, ...] = ()
    series: Series | None = None


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """The verdict that follows from findings alone: refused on any error, flagged on any warning."""
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return Verdict.REFUSED
    return Verdict.ACCEPTED_WITH_WARNINGS if severities else Verdict.ACCEPTED
