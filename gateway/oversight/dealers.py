"""Reports of dealers become facts: their accepted operations, as the records of an entry tell them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from validators.luxury.chains import luxury_deal
from validators.operations.deals import LUXURY, METALS, Deal, Filing, deal_of

LUXURY_TOPIC = "fma.luxury.v1"
METALS_TOPIC = "fma.precious-metals.v1"
_READ: Mapping[str, tuple[str, Callable[[Filing, Mapping[str, Any]], Deal]]] = {
    LUXURY: (LUXURY_TOPIC, luxury_deal),
    METALS: (METALS_TOPIC, deal_of),
}
REPORTS = {LUXURY: "LuxuryReport", METALS: "MetalsReport"}
"""The message that is a report, by family."""


def deals_in(filing: Filing, records: Iterable[tuple[str, bytes]]) -> tuple[Deal, ...]:
    """The operations among the records of a report; a nil report has none."""
    topic, read = _READ[filing.family]
    contents = (orjson.loads(value) for at, value in records if at == topic)
    return tuple(read(filing, content["item"]) for content in contents if "item" in content)
