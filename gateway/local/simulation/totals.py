"""The end of a gaming day, when a complex tells figures that are not its own."""

from dataclasses import replace
from datetime import date

from gateway.client.gaming import Figure
from gateway.local.simulation.model import Fault
from gateway.local.simulation.scribe import Scribe


def falsify(scribe: Scribe, day: date, figures: list[Figure]) -> list[Figure]:
    """The figures with one count too many in one of them."""
    place = scribe.random.randrange(len(figures))
    true = figures[place]
    lie = {"day": day.isoformat(), "unit": true.unit, "kind": true.kind, "hour": true.hour}
    scribe.injected(Fault.LYING_TOTALS, None, **lie, count=true.count, told=true.count + 1)
    scribe.ticket("totals", "open", **lie)
    return [*figures[:place], replace(true, count=true.count + 1), *figures[place + 1 :]]
