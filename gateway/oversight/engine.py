"""The order in which a fact changes the working set; nobody else knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.oversight import chain, complexes, meters, obligations, remarks, sequence, silence, things, totals
from gateway.oversight.facts import Batch, DayReport, Dealings, Fact, Fork, Notice, Registration, Repair
from gateway.oversight.parameters import DueRules, Parameters
from gateway.oversight.state import Working
from gateway.oversight.tickets import Occasion
from validators.gaming.model import Complex
from validators.luxury.chains import ChainRules


@dataclass(frozen=True, slots=True)
class Engine:
    """Changes working sets by these parameters; what came of it is in `changes` and `tickets` of the set.

    For one set of facts the open tickets and the places reached are the same in whichever order batches come, save
    for how missing numbers are spread over tickets. A fact about a complex that is not its sender's changes nothing.
    """

    parameters: Parameters
    rules: DueRules
    chains: ChainRules

    def apply(self, state: Working, facts: Sequence[Fact]) -> None:
        """Takes facts in, in their order."""
        named = remarks.originals(facts)
        for fact in facts:
            occasion = Occasion(fact.origin.at, fact.origin.name)
            if isinstance(fact, Notice):
                obligations.reported(state, fact, self.rules, occasion)
                continue
            if isinstance(fact, Dealings):
                effects = things.take(state.things, fact.deals, self.chains, occasion)
                obligations.dealt(state, effects, self.rules, occasion)
                continue
            owned = self._owned(state, fact, occasion)
            if owned is None:
                continue
            if isinstance(fact, Batch):
                self._batch(state, fact, owned, occasion)
                remarks.remember(state, fact, named)
            elif isinstance(fact, Fork):
                chain.fork(state, fact, self.parameters.forks_told, occasion)
                continue
            elif isinstance(fact, Repair):
                chain.repair(state, fact, occasion)
            elif isinstance(fact, DayReport):
                totals.report(state, fact, self.parameters.differences_told, occasion)
            silence.heard(state, fact, occasion)

    def tick(self, state: Working, since: datetime, now: datetime) -> None:
        """What time alone brings: silence, and deadlines that pass; `since` is when the overseer began to listen."""
        occasion = Occasion(now, f"tick {now.isoformat()}")
        silence.find(state, self.parameters.silence_factor, since, occasion)
        state.tickets.expire(occasion)
        obligations.expire(state, occasion)

    def _owned(self, state: Working, fact: Fact, occasion: Occasion) -> Complex | None:
        """The complex that a fact is about, where it is its sender's; a registration makes it so."""
        if isinstance(fact, Notice | Dealings):
            return None
        if isinstance(fact, Registration):
            now = complexes.register(state, fact)
            if now is not None:
                remarks.registered(state, now, occasion)
            return now
        known = state.complexes.get(fact.complex)
        return known if known is not None and known.owner == fact.owner else None

    def _batch(self, state: Working, batch: Batch, owned: Complex, occasion: Occasion) -> None:
        placed = sequence.place(state, batch, self.parameters.ranges_told, occasion)
        if batch.begins:
            chain.link(state, batch, occasion)
        meters.check(state, batch, placed, self.parameters.meters, occasion)
        totals.count(state, batch, self.parameters.differences_told, occasion)
        remarks.software(state, batch, owned, occasion)
        remarks.corrections(state, batch, occasion)
        obligations.paid(state, batch, owned, self.rules, occasion)
