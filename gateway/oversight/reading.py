"""Entries of the log become facts. The log is the gateway's own, so no seal is checked here."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from gateway.errors import GatewayError
from gateway.model import Part
from gateway.oversight.dealers import REPORTS, deals_in
from gateway.oversight.facts import (
    Batch,
    DayReport,
    Dealings,
    Fact,
    Figure,
    Fork,
    Notice,
    Origin,
    Registration,
    Repair,
    Reported,
)
from gateway.oversight.intervals import runs
from gateway.oversight.parameters import DueRules
from gateway.oversight.scattered import MOST, Event, Stretch, Survey, Values, events_in, in_order
from gateway.oversight.tallying import Tallier, hundredths
from validators.model import Verdict
from validators.operations.deals import Filing
from validators.series import FORK
from validators.values import read_amount, read_moment

REJECTIONS = "fma.rejections.v1"
AUTHOR = "AFM"
"""The sender of the entries that oversight writes itself."""
GAMING, FM1 = "gaming", "fm1"
OVERSIGHT = "Oversight"
_EARLIEST_YEAR = 2000
_OPERATION = b'"ViewOperationId":"'


@dataclass(frozen=True, slots=True)
class LargeRecords:
    """The parts of a large entry's records, and how many of them (of a batch: of its events) were overseen already."""

    receipt_id: UUID
    parts: tuple[Part, ...]
    overseen: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as oversight reads it: no body, and of each record its topic and value.

    Of a large entry `records` are those of one part, or none yet, and `large` tells of its parts.
    """

    ledger: int
    seq: int
    sender: str
    family: str
    verdict: str
    received_at: datetime
    jws: str
    records: Sequence[tuple[str, bytes]]
    large: LargeRecords | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Entries in their order, and whether more of them were there to be read."""

    lines: Sequence[Line]
    more: bool


class Unreadable(GatewayError):
    """An entry is not of the form in which the gateway files messages of its kind."""

    code = "entry-unreadable"


class Reader:
    """Reads facts with the tallies of this tallier, and FM-1s about the operations of these rules."""

    def __init__(self, tallier: Tallier, rules: DueRules) -> None:
        self._tallier = tallier
        self._operations = rules.operations
        self._sought = tuple(_OPERATION + operation.encode() for operation in sorted(rules.operations))

    def fact(self, line: Line) -> Fact | None:
        """What one line says to oversight, None when it is nothing, as most lines do.

        Raises Unreadable for one that does not have the form in which the gateway files.
        """
        with readable(line):
            return self._fact(line)

    def _fact(self, line: Line) -> Fact | None:
        stands = Verdict(line.verdict).stands
        if line.family == FM1:
            return self._notice(line) if stands else None
        if line.family in REPORTS:
            return _dealings(line) if stands else None
        if line.family != GAMING or line.sender == AUTHOR:
            return None
        receipt = payload_of(line.jws)
        if not stands:
            return _fork(line, receipt)
        if receipt["message_type"] == "GamingBatch":
            return self._batch(line, receipt)
        return _message(line, receipt)

    def large_batch(self, line: Line, most: int = MOST) -> "LargeBatch | None":
        """A large batch, to be read part by part; None where the line is no accepted batch. Raises Unreadable.

        `most` is how many of its events are held at once.
        """
        with readable(line):
            receipt = payload_of(line.jws)
            stands = Verdict(line.verdict).stands
            if line.family != GAMING or not stands or receipt["message_type"] != "GamingBatch":
                return None
            return LargeBatch(line, receipt, self._tallier, most)

    def _batch(self, line: Line, receipt: Mapping[str, Any]) -> Batch:
        series = receipt["series"]
        return _batch_of(
            line, receipt, (series["first"], series["last"]), in_order(events_in(line.records)), self._tallier
        )

    def _notice(self, line: Line) -> Notice:
        receipt = payload_of(line.jws)
        value = next((value for topic, value in line.records if topic != REJECTIONS), b"")
        found = self._reported(value) if any(sought in value for sought in self._sought) else None
        return Notice(_origin(line, receipt), line.sender, receipt["document"] or receipt["id"], found)

    def _reported(self, value: bytes) -> Reported | None:
        root = orjson.loads(value)["message"]["Data"]["Root"]
        about = root["MessageInformation"]
        moment, amount = read_moment(about.get("TransactionDate")), read_amount(about.get("AmountCurrencyTenge"))
        if about["ViewOperationId"] not in self._operations or moment is None or amount is None:
            return None
        if moment.year < _EARLIEST_YEAR:
            return None
        players = frozenset(name for one in _listed(root["Participants"]["Participant"]) for name in _names(one))
        return Reported(about["ViewOperationId"], moment.date(), amount[0] * 100 + amount[1], players)


class LargeBatch:
    """A batch on its way: every part is surveyed, then it becomes facts, each of the events of some sequences.

    Parts that do not have the form in which the gateway files raise LookupError, TypeError, ValueError or
    AttributeError: stand inside `readable`.
    """

    def __init__(self, line: Line, receipt: Mapping[str, Any], tallier: Tallier, most: int) -> None:
        self.most = most
        self.taken = 0
        self._line = line
        self._receipt = receipt
        self._tallier = tallier
        self._survey = Survey()
        self._reached: int = receipt["series"]["first"] - 1
        self._to_skip = 0

    def survey(self, number: int, values: Values) -> None:
        """Takes note of what is in a part."""
        self._survey.take(number, values)

    def stretches(self, overseen: int) -> list[Stretch]:
        """What is to be read, in this order, once all parts were surveyed and so many events were overseen before."""
        left = self._survey.stretches(self.most)
        while left and self.taken + left[0].events <= overseen:
            stretch = left.pop(0)
            self.taken, self._reached = self.taken + stretch.events, stretch.last
        self._to_skip = overseen - self.taken
        return left

    @property
    def done(self) -> bool:
        """Whether all of its events were taken."""
        return self.taken >= self._survey.events

    def fact(self, events: Sequence[Event]) -> Batch | None:
        """What the next events in ascending order say, None where they were overseen before."""
        skipped, events = events[: self._to_skip], events[self._to_skip :]
        self._to_skip -= len(skipped)
        self.taken += len(skipped) + len(events)
        if skipped:
            self._reached = skipped[-1]["sequence"]
            if not events:
                return None
        first = self._reached + 1
        self._reached = self._receipt["series"]["last"] if self.done else events[-1]["sequence"]
        return _batch_of(self._line, self._receipt, (first, self._reached), events, self._tallier)


def payload_of(jws: str) -> dict[str, Any]:
    """The facts that a compact JWS carries, unchecked."""
    part = jws.split(".")[1]
    facts: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return facts


@contextmanager
def readable(line: Line) -> Iterator[None]:
    """Turns what reading an entry of another form raises into Unreadable."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"ledger {line.ledger}, entry {line.seq}: {type(error).__name__}") from error


def _batch_of(
    line: Line, receipt: Mapping[str, Any], span: tuple[int, int], events: Sequence[Event], tallier: Tallier
) -> Batch:
    """The batch, or what it says of the sequences of a span, with all of its events there in ascending order."""
    series, (first, last) = receipt["series"], span
    whole = (series["first"], series["last"])
    refused = [item["number"] for item in receipt["items"] if first <= item["number"] <= last]
    arrived = runs(sorted([*refused, *(event["sequence"] for event in events)]))
    return Batch(
        replace(_origin(line, receipt), step=0 if first == whole[0] else first),
        series["name"],
        line.sender,
        series["number"],
        receipt["sha256"],
        series["previous"],
        first,
        last,
        datetime.fromisoformat(series["made_at"]),
        arrived,
        tallier.tally(events, arrived),
        whole,
    )


def _origin(line: Line, receipt: Mapping[str, Any]) -> Origin:
    return Origin(line.ledger, line.seq, receipt["id"], line.received_at)


def _dealings(line: Line) -> Dealings | None:
    receipt = payload_of(line.jws)
    if receipt["message_type"] != REPORTS[line.family]:
        return None
    filing = Filing(line.family, line.sender, receipt["series"]["entity_kind"], line.seq)
    return Dealings(_origin(line, receipt), line.sender, deals_in(filing, line.records))


def _fork(line: Line, receipt: Mapping[str, Any]) -> Fork | None:
    series = receipt.get("series")
    if series is None or all(finding["code"] != FORK for finding in receipt["findings"]):
        return None
    return Fork(_origin(line, receipt), series["name"], line.sender, series["number"], receipt["sha256"])


def _message(line: Line, receipt: Mapping[str, Any]) -> Fact | None:
    kind = receipt["message_type"]
    values = [orjson.loads(value) for topic, value in line.records if topic != REJECTIONS]
    if not values:
        return None
    message = values[0]["message"]
    content = message.get("Data", {}).get("Root", message).get(kind)
    made = _MESSAGES.get(kind)
    return made(_origin(line, receipt), line.sender, content) if made and content else None


def _registration(origin: Origin, owner: str, content: Mapping[str, Any]) -> Registration:
    return Registration(origin, content["ComplexId"], owner, content["Action"], content)


def _repair(origin: Origin, owner: str, content: Mapping[str, Any]) -> Repair:
    previous = str(content.get("PreviousBatchHash") or "")
    return Repair(
        origin, content["ComplexId"], owner, int(content["BatchSequence"]), content["Repairs"], previous.lower()
    )


def _day_report(origin: Origin, owner: str, content: Mapping[str, Any]) -> DayReport:
    figures: dict[tuple[str, str, int], Figure] = {}
    for one in _listed((content.get("Figures") or {}).get("Figure")):
        key = (one["@Unit"], one["@Kind"], int(one["@Hour"]))
        figure = Figure(int(one["@Count"]), hundredths(str(one["@Amount"])))
        figures[key] = figures[key].plus(figure) if key in figures else figure
    day = date.fromisoformat(content["Day"])
    return DayReport(origin, content["ComplexId"], owner, day, int(content["LastEventSequence"]), figures)


_MESSAGES: Mapping[str, Callable[[Origin, str, Mapping[str, Any]], Fact]] = {
    "ComplexRegistration": _registration,
    "ChainRepair": _repair,
    "EndOfDay": _day_report,
}


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _names(participant: Mapping[str, Any]) -> Iterable[str]:
    """By what a participant may be the player that events name."""
    if participant.get("IndividualIssue"):
        yield str(participant["IndividualIssue"])
    branch = participant.get("AdditionalPersonInfo") or {}
    person = branch.get("AdditionalInformationAc") or branch.get("AdditionalInformationIp") or {}
    number = str(person.get("NumberDocIdentity") or "")
    if number:
        yield number
        yield str(person.get("SeriesDocIdentity") or "") + number
