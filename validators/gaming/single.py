"""One event judged by itself, before it has a place in a batch: what a complex's own software asks at once."""

from datetime import datetime

from lxml import etree

from validators.gaming.judging import Judging
from validators.model import Finding
from validators.numbers import MOST
from validators.profiles import Profile

STAND_IN = MOST
"""The sequence of an event that has none yet: what it corrects lies before it."""


def event_findings(profile: Profile, event: etree._Element, at: datetime) -> tuple[Finding, ...]:
    """Everything that the edition finds in an `Event` element, as if received at `at`.

    Its batch and the register of its complex are not looked at. Raises TypeError for another family's profile.
    """
    rules = profile.rules
    if not isinstance(rules, Judging):
        raise TypeError(f"{profile.family} has no events")
    return rules.judge_event(profile, event, at).findings
