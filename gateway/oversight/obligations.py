"""FM-1s that are due: what was paid or dealt with one party, by operation kind, against what was filed about it.

An obligation is about a day. Winnings are summed over that day; operations of dealers over the days of their window
that end with it, so that what was split over days is seen, and a day without an operation has no obligation. All
follows from sums alone, so that it does not matter in which order operations and FM-1s come. Of an FM-1 that was
corrected the last version counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID, uuid5

from gateway.oversight.facts import Batch, Figure, Notice, Reported
from gateway.oversight.parameters import DueRules
from gateway.oversight.state import Obligation, Working
from gateway.oversight.things import Effect
from gateway.oversight.tickets import NAMESPACE, Occasion
from validators.calendar import end_of_next_working_day
from validators.gaming.model import Complex
from validators.operations.deals import Deal
from validators.values import LEGAL_ZONE


class About(NamedTuple):
    """What an obligation is about."""

    owner: str
    player: str
    day: date
    operation: str
    matter: str = ""

    @property
    def id(self) -> UUID:
        """The id of the obligation about this, whether or not there is one."""
        return _id_of(self)


@lru_cache(maxsize=8_192)
def _id_of(about: About) -> UUID:
    """Remembered for a while: a run asks several times, to load an obligation, to find it and to keep it."""
    named = (about.owner, about.player, about.day.isoformat(), about.operation, about.matter)
    return uuid5(NAMESPACE, "\n".join(named if about.matter else named[:-1]))


def paid(state: Working, batch: Batch, of: Complex, rules: DueRules, occasion: Occasion) -> None:
    """Adds the winnings that the events of a batch name."""
    moves = ((about, figure, figure.count) for about, figure in winnings_of(batch, of.kind, rules))
    _add(state, moves, rules, occasion)


def dealt(state: Working, effects: Iterable[Effect], rules: DueRules, occasion: Occasion) -> None:
    """Adds the operations of dealers that count now, and takes off those that do no more."""
    moves = (
        (about, Figure(sign, sign * (deal.price or 0)), sign if about.day == deal.day else 0)
        for deal, counts in effects
        for sign in (1 if counts else -1,)
        for about in abouts_of_deal(deal, rules)
    )
    _add(state, moves, rules, occasion)


def reported(state: Working, notice: Notice, rules: DueRules, occasion: Occasion) -> None:
    """Adds what an FM-1 says about each of those that took part, and takes away what an earlier version of it said."""
    document = (notice.owner, notice.document)
    before = state.notices.get(document)
    if notice.reported == before:
        return
    state.notices[document] = state.changes.notices[document] = notice.reported
    changed: set[UUID] = set()
    for says, sign in ((before, -1), (notice.reported, 1)):
        for about in abouts_of(notice.owner, says, rules):
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


def winnings_of(batch: Batch, entity_kind: str, rules: DueRules) -> Iterator[tuple[About, Figure]]:
    """The winnings of a batch by what an obligation is about."""
    for (kind, means, player, day), figure in batch.tally.payments.items():
        operation = rules.operation(kind, entity_kind, means, day)
        if operation is not None:
            yield About(batch.owner, player, day, operation), figure


def abouts_of(owner: str, says: Reported | None, rules: DueRules) -> list[About]:
    """What obligations an FM-1 that says this may be about: of its day, and of the days with which that day counts."""
    if says is None:
        return []
    return [
        About(owner, player, day, says.operation, matter)
        for player in sorted(says.players)
        for matter in rules.matters_of(says.operation)
        for day in _window(says.day, rules.days(says.operation))
    ]


def abouts_of_deal(deal: Deal, rules: DueRules) -> list[About]:
    """What obligations a dealer's operation counts for: with each party but who files, on its day and those after."""
    operation = rules.operation_of(deal)
    if operation is None or not deal.price:
        return []
    parties = {party for party in (deal.seller, deal.buyer) if party is not None} - {deal.id.filer}
    days = _window(deal.day, rules.days(operation))
    return [About(deal.id.filer, party, day, operation, deal.matter) for party in sorted(parties) for day in days]


def _window(first: date, days: int) -> list[date]:
    return [first + timedelta(days=after) for after in range(days)]


def _add(state: Working, moves: Iterable[tuple[About, Figure, int]], rules: DueRules, occasion: Occasion) -> None:
    """Adds figures, with how many of each are of the day itself, and then says what changed."""
    changed: set[UUID] = set()
    for about, figure, own in moves:
        known = _known(state, about, rules)
        if known is not None:
            total, events = known.total + figure.amount, known.events + figure.count
            state.obligations[known.id] = replace(known, total=total, events=events, own=known.own + own)
            changed.add(known.id)
    for one in sorted(changed):
        _settle(state, one, occasion)


def _known(state: Working, about: About, rules: DueRules) -> Obligation | None:
    known = state.obligations.get(about.id)
    threshold = rules.threshold(about.operation, about.matter, about.day)
    if known is not None or threshold is None:
        return known
    deadline = end_of_next_working_day(about.day).replace(tzinfo=LEGAL_ZONE).astimezone(UTC)
    return Obligation(
        about.id, about.owner, about.player, about.day, about.operation, threshold, deadline, matter=about.matter
    )


def _settle(state: Working, one: UUID, occasion: Occasion) -> None:
    """Keeps the sums, and tells of them once an FM-1 was due, also when none is any more."""
    known = state.obligations[one]
    if known.due or known.revision:
        closed_at = None if known.open else known.closed_at or occasion.at
        _tell(state, replace(known, opened_at=known.opened_at or occasion.at, closed_at=closed_at))
    else:
        state.changes.obligations[one] = known


def _tell(state: Working, obligation: Obligation) -> None:
    new = replace(obligation, revision=obligation.revision + 1)
    state.obligations[new.id] = state.changes.obligations[new.id] = new
    state.changes.told.append(new)
