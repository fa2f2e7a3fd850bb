"""One event judged by itself, before it has a place in a batch: what a complex's own software asks at once."""

from datetime import datetime
from typing import cast

from lxml import etree

from validators.gaming.complexes import BATCH
from validators.gaming.events import Bounds, Given, judge_events
from validators.gaming.judging import Judging
from validators.items import Carried
from validators.model import Finding
from validators.profiles import Profile
from validators.structure import unexplained

STAND_IN = 2**53 - 1
"""The sequence of an event that has none yet: what it corrects lies before it."""


def event_findings(profile: Profile, event: etree._Element, at: datetime) -> tuple[Finding, ...]:
    """Everything that the edition finds in an `Event` element whose sequence is STAND_IN, as if received at `at`.

    Its batch and the register of its complex are not looked at. Raises TypeError for another family's profile.
    """
    rules = profile.rules
    if not isinstance(rules, Judging):
        raise TypeError(f"{profile.family} has no events")
    schema = profile.schemas[BATCH]
    ill: dict[int, tuple[Finding, ...]] = {}
    if not schema.accepts_part(event):
        from validators.explain import explain_parts  # noqa: PLC0415 - xmlschema costs memory, needed for refusals only

        ill[0] = tuple(next(explain_parts([(event, f"/{event.tag}")], schema))) or (unexplained(event, schema),)
    bounds = Bounds(STAND_IN, STAND_IN, at, None, rules.parameters, rules.vocabulary)
    given = cast("Given", dict(event.attrib))
    return judge_events(Carried([event], "", [], ill), [given], bounds)[0].findings
