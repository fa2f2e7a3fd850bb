"""What one house sends, step by step, and what must come of each step: pure, the same for the same seed."""

from collections.abc import Iterator

from gateway.client.gaming import Action
from gateway.local.simulation.deliveries import DELIVERY_FAULTS, release
from gateway.local.simulation.insertions import INSERTION_FAULTS
from gateway.local.simulation.model import Account, Course, House, SimulatedEvent, Step
from gateway.local.simulation.plan import HousePlan
from gateway.local.simulation.play import cut
from gateway.local.simulation.scribe import Scribe
from gateway.local.simulation.series import Figures
from gateway.local.simulation.totals import end_of_day
from gateway.local.simulation.winnings import WINNING_FAULTS

FAULTS = {**DELIVERY_FAULTS, **INSERTION_FAULTS, **WINNING_FAULTS}
"""What is filed in place of an honest batch, by the fault."""


class Script:
    """The messages of a house; `account` tells what they must lead to, complete once all steps were taken."""

    def __init__(self, house: House, course: Course, seed: int, plan: HousePlan) -> None:
        self.house = house
        self._scribe = Scribe(house, course, seed)
        self._plan = plan.batches
        self._lies = plan.lies_at_end_of_day

    @property
    def account(self) -> Account:
        """What was done so far, and what must come of it."""
        return self._scribe.account

    @property
    def received(self) -> Figures:
        """The figures of the events that reach the gateway."""
        return self._scribe.received

    @property
    def last_event(self) -> int:
        """The last sequence that an event got so far."""
        return self._scribe.series.last

    def steps(self) -> Iterator[Step]:
        """Registration, batches with their faults, and the end of each gaming day."""
        scribe = self._scribe
        yield scribe.post("registration", scribe.series.registration(Action.REGISTER, scribe.house.state))
        number = 0
        for number, events in enumerate(cut(scribe.play.turns(scribe.course.end), scribe.course.batch_size), 1):
            yield from self._batch(number, [*self._carried(), *events])
        if carried := self._carried():
            yield from self._batch(number + 1, carried)
        for _fault, batch in scribe.held:
            yield scribe.file(batch)
        for place, day in enumerate(scribe.figures.days()):
            yield end_of_day(scribe, day, lies=self._lies and place == 0)

    def _batch(self, number: int, events: list[SimulatedEvent]) -> Iterator[Step]:
        planned = self._plan.get(number)
        if planned is not None:
            fault, occasion = planned
            yield from FAULTS[fault](self._scribe, events, occasion)
            return
        self._scribe.series.number(events)
        yield self._scribe.file(self._scribe.write(events))
        yield from release(self._scribe)

    def _carried(self) -> list[SimulatedEvent]:
        carried, self._scribe.carried = self._scribe.carried, []
        return carried
