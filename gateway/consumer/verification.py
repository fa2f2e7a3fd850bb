"""A whole topic is read and held against what the gateway promises of it."""

from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.bus.connecting import Bootstrap
from gateway.consumer.reading import Reader
from gateway.consumer.seals import VALID
from gateway.consumer.subscription import event_of
from gateway.model import Event
from gateway.sealing.jws import KeySet

SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class TopicBreak:
    """One place where a topic is not what it should be.

    `reason` is the seal's slug, `duplicate` (the event stands earlier too) or `order` (its key has a later one before
    it).
    """

    topic: str
    partition: int
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.topic}, partition {self.partition}, offset {self.offset}: {self.reason}"


@dataclass(slots=True)
class TopicReport:
    """What was checked, and the first break of all: the one with the lowest partition and offset, None when intact."""

    topic: str
    records: int = 0
    partitions: set[int] = field(default_factory=set)
    breaks: int = 0
    first: TopicBreak | None = None

    @property
    def intact(self) -> bool:
        """True when everything holds."""
        return self.breaks == 0

    def note(self, found: TopicBreak) -> None:
        """Counts a break and keeps it if it is the first."""
        self.breaks += 1
        if self.first is None or (found.partition, found.offset) < (self.first.partition, self.first.offset):
            self.first = found


class _Course:
    """What was seen of each key and identity so far."""

    def __init__(self, slack: timedelta) -> None:
        self._slack = slack
        self._identities: set[str] = set()
        self._latest: dict[tuple[int, str], datetime | int] = {}

    def problem(self, event: Event) -> str | None:
        if event.seal != VALID:
            return event.seal
        identity = event.headers.get("ce_id", "")
        if identity in self._identities:
            return "duplicate"
        self._identities.add(identity)
        return None if self._in_order(event) else "order"

    def _in_order(self, event: Event) -> bool:
        place = (event.partition, event.key)
        if isinstance(seq := event.value.get("seq"), int):
            before = self._latest.get(place)
            self._latest[place] = seq
            return not isinstance(before, int) or before < seq
        moment = _moment(event.value.get("received_at"))
        if moment is None:
            return True
        latest = self._latest.get(place)
        if not isinstance(latest, datetime) or moment > latest:
            self._latest[place] = moment
            return True
        return latest - moment <= self._slack


async def verify_topic(topic: str, *, bootstrap: Bootstrap, keys: KeySet, slack: timedelta = SLACK) -> TopicReport:
    """Reads everything committed in a topic and checks every seal, that no event stands twice, and the order of keys.

    Checkpoints of a ledger must grow; messages of a key may stand up to `slack` out of the order of their
    `received_at`, for they are received side by side and ordered by the log. Memory grows with the number of events
    (about 200 bytes each). Raises KafkaUnavailable, KafkaRefused or TopicMissing.
    """
    report = TopicReport(topic)
    course = _Course(slack)
    async with (
        Reader([topic], bootstrap, from_beginning=True) as reader,
        aclosing(reader.records(until_end=True)) as found,
    ):
        async for record in found:
            event = event_of(record, keys)
            report.records += 1
            report.partitions.add(event.partition)
            if (reason := course.problem(event)) is not None:
                report.note(TopicBreak(topic, event.partition, event.offset, reason))
    return report


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
