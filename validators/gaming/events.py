"""The events of a batch, judged one by one in the order in which they stand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final

from validators.attributes import Given, ItemFlaw, read_item
from validators.faults import Flaw
from validators.gaming.model import Complex
from validators.gaming.order import Timed, untimely
from validators.gaming.parameters import Parameters
from validators.gaming.players import player_flaws
from validators.gaming.vocabulary import CANCEL, PERSONAL, REPLACE, Kind, Vocabulary
from validators.items import Carried, Seen, accepted_item, item_findings, judge_each, refused_item, refuses
from validators.model import Item
from validators.moments import read_moment
from validators.repeated import NOT_COUNTED, Repeated

CLOCK_CHANGED: Final = "CLOCK-CHANGED"
SOFTWARE_HASH: Final = "SOFTWARE-HASH"
ORDERED_EXACTLY: Final = 50_000
"""Of so many events in jumbled order as few as possible are refused."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds for every event of one batch; `complex` is None where nobody looked for it."""

    first: int
    last: int
    received_at: datetime
    complex: Complex | None
    parameters: Parameters
    vocabulary: Vocabulary
    skew: timedelta = field(init=False)
    latest: datetime = field(init=False)
    earliest: datetime = field(init=False)

    def __post_init__(self) -> None:
        skew = timedelta(seconds=self.parameters.skew_seconds)
        object.__setattr__(self, "skew", skew)
        object.__setattr__(self, "latest", self.received_at + skew)
        object.__setattr__(self, "earliest", datetime.combine(self.parameters.earliest, time(), UTC))


def judge_events(carried: Carried, given: Sequence[Given], bounds: Bounds) -> tuple[Item, ...]:
    """The outcome of each event; `given` are the attributes of each, by its position."""
    walk = Events(carried, bounds)
    items = judge_each(carried, given, walk.judge)
    if not walk.settled:
        items = judge_each(carried, given, walk.anew().judge)
    return items


class Events:
    """One walk over the events of a batch, and what the events so far mean for the next one.

    Where a time goes back by more than the skew, which events do not fit is known at the end alone: the walk is not
    `settled` then. Of more than ORDERED_EXACTLY events each that lies before an earlier one by more than the skew is
    refused at once, since to find the fewest takes memory for all of their times.
    """

    def __init__(
        self, carried: Carried, bounds: Bounds, repeated: Repeated = NOT_COUNTED, late: frozenset[int] | None = None
    ) -> None:
        self._carried = carried
        self._bounds = bounds
        self._repeated = repeated
        self._late = late
        self._exactly = len(carried.elements) <= ORDERED_EXACTLY
        self._jumbled = False
        self._timed: list[Timed] = []
        self._taken = Seen(repeated.number)
        self._named = Seen(repeated.id)
        self._latest: datetime | None = None

    @property
    def settled(self) -> bool:
        """Whether another walk would judge as this one did."""
        return not self._jumbled or self._late is not None or not self._exactly

    def anew(self) -> "Events":
        """A walk from the first event on, that knows what this one has learnt."""
        late = self._late if self.settled else untimely(self._timed, self._bounds.skew)
        return Events(self._carried, self._bounds, self._repeated, late)

    def judge(self, position: int, given: Given) -> Item:
        """The outcome of an event that the schema accepts."""
        content, told = read_item(given, self._bounds.vocabulary.readers)
        number: int = content["sequence"]
        kind = self._kind(given, told)
        if kind is not None:
            self._check_kind(given, kind, told)
        moment = self._check_time(given, told)
        self._check_numbers(given, number, told)
        if (kind is None or kind.personal) and not PERSONAL.isdisjoint(given):
            told.extend(player_flaws(given, moment, self._bounds.parameters.minimum_age))
        findings = item_findings(self._carried, position, given, told) if told else ()
        if moment is not None and not refuses(findings):
            self._check_place(position, given, number, moment, told)
            findings = item_findings(self._carried, position, given, told) if told else ()
        if findings and refuses(findings):
            return refused_item(self._carried.elements[position], number, given["Id"], findings)
        self._taken.add(number)
        self._named.add(given["Id"])
        return accepted_item(number, given["Id"], content, findings)

    def _kind(self, given: Given, told: list[ItemFlaw]) -> Kind | None:
        vocabulary = self._bounds.vocabulary
        kind = vocabulary.kinds.get(given["Kind"])
        if kind is None:
            told.append(("Kind", Flaw("COD-001", {"table": "event_kinds"})))
            return None
        replaced = given.get("ReplacedKind") if kind.code == REPLACE else None
        if replaced is None:
            return kind
        described = vocabulary.replacements.get(replaced)
        if described is None:
            flaw = Flaw("GAM-038") if replaced in vocabulary.kinds else Flaw("COD-001", {"table": "event_kinds"})
            told.append(("ReplacedKind", flaw))
        return described

    def _check_kind(self, given: Given, kind: Kind, told: list[ItemFlaw]) -> None:
        names = given.keys()
        if not kind.required <= names:
            told.extend((name, Flaw("GAM-020", {"kind": kind.code})) for name in sorted(kind.required - names))
        if not names <= kind.allowed:
            told.extend((name, Flaw("GAM-021", {"kind": kind.code})) for name in names if name not in kind.allowed)
        outcome = given.get("Outcome")
        if outcome is not None and kind.outcomes and outcome not in kind.outcomes:
            told.append(("Outcome", Flaw("GAM-022", {"kind": kind.code, "allowed": ", ".join(sorted(kind.outcomes))})))
        home = self._bounds.complex
        if home is not None:
            told.extend(_at_home(given, kind, home))

    def _check_time(self, given: Given, told: list[ItemFlaw]) -> datetime | None:
        """The event's time where it is one that an event may have."""
        bounds = self._bounds
        moment = read_moment(given["Time"])
        if moment is None:
            told.append(("Time", Flaw("GAM-031")))
        elif moment > bounds.latest:
            told.append(("Time", Flaw("GAM-028", {"seconds": str(bounds.parameters.skew_seconds)})))
        elif moment < bounds.earliest:
            told.append(("Time", Flaw("GAM-030", {"earliest": str(bounds.parameters.earliest)})))
        else:
            return moment
        return None

    def _check_place(self, position: int, given: Given, number: int, moment: datetime, told: list[ItemFlaw]) -> None:
        """The place of an event among the others, which only those take part in that nothing else refuses."""
        resets = given["Kind"] == CLOCK_CHANGED
        late = self._late is not None and position in self._late
        if self._exactly and self._late is None:
            self._timed.append(Timed(position, moment, resets))
        if self._latest is None or resets or moment >= self._latest:
            self._latest = moment
        elif moment < self._latest - self._bounds.skew:
            self._jumbled = True
            late = late or not self._exactly
        if late:
            told.append(("Time", Flaw("GAM-029", {"seconds": str(self._bounds.parameters.skew_seconds)})))
        elif number in self._taken:
            told.append(("Sequence", Flaw("GAM-026")))
        elif given["Id"] in self._named:
            told.append(("Id", Flaw("GAM-039")))

    def _check_numbers(self, given: Given, number: int, told: list[ItemFlaw]) -> None:
        bounds = self._bounds
        if not bounds.first <= number <= bounds.last:
            told.append(("Sequence", Flaw("GAM-025", {"first": str(bounds.first), "last": str(bounds.last)})))
        if (
            "OriginalSequence" in given
            and int(given["OriginalSequence"]) >= number
            and given["Kind"] in (REPLACE, CANCEL)
        ):
            told.append(("OriginalSequence", Flaw("GAM-034", {"sequence": str(number)})))


def _at_home(given: Given, kind: Kind, home: Complex) -> Iterator[ItemFlaw]:
    """What the register of the complex says against the event."""
    unit = home.units.get(given["Unit"])
    if unit is None:
        yield "Unit", Flaw("GAM-023", {"complex": home.id})
    elif unit not in kind.units:
        allowed = ", ".join(sorted(kind.units))
        yield "Unit", Flaw("GAM-024", {"unit": unit, "kind": kind.code, "allowed": allowed})
    if kind.code == SOFTWARE_HASH and given.get("Hash", "") not in home.software:
        yield "Hash", Flaw("GAM-035", {"complex": home.id})
