"""The nouns of the verdict: findings, judgements, and the moment they are made for."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

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
    it are then left out.
    """

    received_at: datetime
    reporter_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one message and everything that was learnt while judging it.

    `message_type` is `doc`, `Ack1` ... or `unknown`; `edition` names the edition that judged and `codes_digest` the
    lower-case hex SHA-256 of its code tables; `document` and `version` are the message's GUIDs where they are well
    formed; `content` is the message as plain data (tags as keys, attributes as `@Name`, repeated tags as lists);
    `topic` is where the message is routed.
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


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """The verdict that follows from findings alone: refused on any error, flagged on any warning."""
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return Verdict.REFUSED
    return Verdict.ACCEPTED_WITH_WARNINGS if severities else Verdict.ACCEPTED
