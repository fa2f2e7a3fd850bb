"""The gateway's own rules, asked for one event at once: the complex hears now what the receipt would tell later."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from lxml import etree

from gateway.client.agent.model import Told
from gateway.client.gaming import attributes_of, member_of
from validators.catalogue import LANGUAGES, catalogue
from validators.gaming.single import STAND_IN, event_findings
from validators.model import Finding, Severity
from validators.profiles import Profile, ProfileBook
from validators.values import LEGAL_ZONE

FAMILY = "gaming"


def by_the_rules(content: Mapping[str, Any], now: datetime) -> Sequence[Told]:
    """An `EventCheck` by the edition of the day: what would refuse the event, its batch and its complex aside."""
    profile = _profile(now.astimezone(LEGAL_ZONE).date())
    event = etree.Element("Event", attributes_of({"sequence": STAND_IN, **content}))
    return [_told(finding) for finding in event_findings(profile, event, now) if finding.severity is Severity.ERROR]


@lru_cache(maxsize=4)
def _profile(day: date) -> Profile:
    return ProfileBook.load().family(FAMILY).on(day)[0]


def _told(finding: Finding) -> Told:
    texts = {language: catalogue().text(finding, language) for language in LANGUAGES}
    attribute = finding.path.rpartition("/@")[2] if "/@" in finding.path else ""
    attribute = finding.parameters.get("attribute") or attribute
    return Told(finding.code, member_of(attribute), finding.value or "", MappingProxyType(texts))
