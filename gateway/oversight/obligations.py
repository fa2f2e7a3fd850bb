"""FM-1s that are due: winnings of one player, day and operation kind against what was filed about them.

An obligation follows from sums alone, so that it does not matter in which order winnings and FM-1s come. Of an FM-1
that was corrected the last version counts.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date
from typing import NamedTuple
from uuid import UUID, uuid5

from gateway.oversight.facts import Batch, Figure, Notice, Reported
from gateway.oversight.parameters import WinningsRules
from gateway.oversight.state import Obligation, Working
from gateway.oversight.tickets import NAMESPACE, Occasion
from validators.calendar import end_of_next_working_day
from validators.gaming.model import Complex
from validators.values import LEGAL_ZONE


class About(NamedTuple):
    """What an obligation is about."""

    owner: str
    player: str
    day: date
    operation: str

    @property
    def id(self) -> UUID:
        """The id of the obligation about this, whether or not there is one."""
        return uuid5(NAMESPACE, f"{self.owner}\n{self.player}\n{self.day.isoformat()}\n{self.operation}")


def paid(state: Working, batch: Batch, of: Complex, rules: WinningsRules, occasion: Occasion) -> None:
    """Adds the winnings that the events of a batch name."""
    changed: set[UUID] = set()
    for about, figure in winnings_of(batch, of.kind, rules):
        known = _known(state, about, rules)
        if known is not None:
            total, events = known.total + figure.amount, known.events + figure.count
            state.obligations[known.id] = replace(known, total=total, events=events)
            changed.add(known.id)
    for one in sorted(changed):
        _settle(state, one, occasion)


def reported(state: Working, notice: Notice, rules: WinningsRules, occasion: Occasion) -> None:
    """Adds what an FM-1 says about each of those that took part, and takes away what an earlier version of it said."""
    document = (notice.owner, notice.document)
    before = state.notices.get(document)
    if notice.reported == before:
        return
    state.notices[document] = state.changes.notices[document] = notice.reported
    changed: set[UUID] = set()
    for says, sign in ((before, -1), (notice.reported, 1)):
        for about in abouts_of(notice.owner, says):
            known = _known(state, about, rules)
            if known is not None and says is not None:
                state.obligations[known.id] = replace(known, reported=known.reported + sign * says.amount)
                changed.add(known.id)
    for one in sorted(changed):
        _settle(state, one, occasion)


def expire(state: Working, occasion: Occasion) -> None:
    """Marks the open obligations whose deadline has passed."""
    for known in list(state.obligations.values()):
        if known.open and not known.overdue and known.deadline <= occasion.at:
            _tell(state, replace(known, overdue=True))


def winnings_of(batch: Batch, entity_kind: str, rules: WinningsRules) -> Iterator[tuple[About, Figure]]:
    """The winnings of a batch by what an obligation is about."""
    for (kind, means, player, day), figure in batch.tally.payments.items():
        operation = rules.operation(kind, entity_kind, means, day)
        if operation is not None:
            yield About(batch.owner, player, day, operation), figure


def abouts_of(owner: str, says: Reported | None) -> list[About]:
    """What obligations an FM-1 that says this may be about."""
    if says is None:
        return []
    return [About(owner, player, says.day, says.operation) for player in sorted(says.players)]


def _known(state: Working, about: About, rules: WinningsRules) -> Obligation | None:
    known = state.obligations.get(about.id)
    threshold = rules.threshold(about.operation, about.day)
    if known is not None or threshold is None:
        return known
    deadline = end_of_next_working_day(about.day).replace(tzinfo=LEGAL_ZONE).astimezone(UTC)
    return Obligation(about.id, *about, threshold, deadline)


def _settle(state: Working, one: UUID, occasion: Occasion) -> None:
    """Keeps the sums, and tells of them once the threshold was reached."""
    known = state.obligations[one]
    if known.due:
        closed_at = None if known.open else known.closed_at or occasion.at
        _tell(state, replace(known, opened_at=known.opened_at or occasion.at, closed_at=closed_at))
    else:
        state.changes.obligations[one] = known


def _tell(state: Working, obligation: Obligation) -> None:
    new = replace(obligation, revision=obligation.revision + 1)
    state.obligations[new.id] = state.changes.obligations[new.id] = new
    state.changes.told.append(new)
