"""The answer to an EndOfDay: the gateway's own figures for the same day."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson

from gateway.errors import Unavailable
from gateway.intake.oversight_telling import day_facts, day_path
from gateway.journal import OversightReader
from gateway.pipeline import Outcome
from validators.gaming.messages import END_OF_DAY

PATIENCE = 1.0
"""So many seconds an EndOfDay is held for oversight; it is filed by then, whatever comes."""


async def day_told(outcome: Outcome, oversight: OversightReader) -> Mapping[str, Any] | None:
    """Both sides of the day that an EndOfDay reported, None for any other message.

    While oversight does not keep up only `href` is told: where they can be read later.
    """
    receipt = outcome.receipt
    if receipt.message_type != END_OF_DAY or outcome.content is None:
        return None
    report = orjson.loads(outcome.content)["Data"]["Root"][END_OF_DAY]
    name, day = report["ComplexId"], date.fromisoformat(report["Day"])
    href = {"href": day_path(name, day)}
    try:
        await oversight.caught_up(receipt.sender, PATIENCE)
        figures = await oversight.day(receipt.sender, name, day)
    except Unavailable:
        return href
    return href if figures is None else {**href, **day_facts(name, day, figures)}
