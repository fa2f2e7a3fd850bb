"""A whole topic is read and held against what the gateway promises of it."""

from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.bus.connecting import Bootstrap
from gateway.consumer.reading import Reader
from gateway.consumer.seals import VALID
from gateway.consumer.subscription import event_of
from gateway.model import Event
from gateway.sealing.cosignatures import read_cosignature
from gateway.sealing.jws import KeySet
from gateway.sealing.refusals import SealRefused

SLACK = timedelta(minutes=5)
COMPROMISED = "compromised-key"


@dataclass(frozen=True, slots=True)
class TopicBreak:
    """One place where a topic is not what it should be.

    `reason` is the seal's slug, `duplicate` (the event stands earlier too), `order` (its key has a later one before
    it), `cosignature` (a witness's word that it carries is not true), `history` (the witness saw another history) or
    `unwitnessed` (no checkpoint carries the word of a witness).
    """

    topic: str
    partition: int
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.topic}, partition {self.partition}, offset {self.offset}: {self.reason}"


@dataclass(slots=True)
class TopicReport:
    """What was checked, and the first break of all: the one with the lowest partition and offset, None when intact.

    `undetermined` counts events whose seal is that of a compromised key, `cosignatures` those of witnesses that hold.
    """

    topic: str
    records: int = 0
    partitions: set[int] = field(default_factory=set)
    breaks: int = 0
    first: TopicBreak | None = None
    undetermined: int = 0
    cosignatures: int = 0

    @property
    def intact(self) -> bool:
        """True when everything holds, and nothing is undetermined."""
        return self.breaks == 0 and self.undetermined == 0

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
        if event.seal not in (VALID, COMPROMISED):
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


class _Witnessed:
    """What witnesses say of the checkpoints of a topic; nothing where none are believed."""

    def __init__(self, witnesses: KeySet | None) -> None:
        self._witnesses = witnesses
        self._chains: dict[tuple[object, object], object] = {}
        self.held = 0

    def problem(self, event: Event) -> str | None:
        if self._witnesses is None:
            return None
        value = event.value
        self._chains[value.get("ledger"), value.get("seq")] = value.get("chain")
        carried = value.get("cosignatures", [])
        if not isinstance(carried, list) or not all(isinstance(jws, str) for jws in carried):
            return "cosignature"
        for jws in carried:
            try:
                said = read_cosignature(jws, self._witnesses)
            except SealRefused as error:
                if error.reason != "unknown-key":
                    return "cosignature"
                continue
            if self._chains.get((said.ledger, said.seq), said.chain.hex()) != said.chain.hex():
                return "history"
            self.held += 1
        return None


async def verify_topic(
    topic: str, *, bootstrap: Bootstrap, keys: KeySet, slack: timedelta = SLACK, witnesses: KeySet | None = None
) -> TopicReport:
    """Reads everything committed in a topic and checks every seal, that no event stands twice, and the order of keys.

    Checkpoints of a ledger must grow; messages of a key may stand up to `slack` out of the order of their
    `received_at`, for they are received side by side and ordered by the log. Memory grows with the number of events
    (about 200 bytes each). With `witnesses`, on the topic of checkpoints, the co-signatures that checkpoints carry must
    hold, and tell of the same history. Raises KafkaUnavailable, KafkaRefused or TopicMissing.
    """
    report = TopicReport(topic)
    course, witnessed = _Course(slack), _Witnessed(witnesses)
    last = (0, 0)
    async with (
        Reader([topic], bootstrap, from_beginning=True) as reader,
        aclosing(reader.records(until_end=True)) as found,
    ):
        async for record in found:
            event = event_of(record, keys)
            report.records += 1
            report.partitions.add(event.partition)
            report.undetermined += event.seal == COMPROMISED
            last = (event.partition, event.offset)
            if (reason := course.problem(event) or witnessed.problem(event)) is not None:
                report.note(TopicBreak(topic, event.partition, event.offset, reason))
    report.cosignatures = witnessed.held
    if witnesses is not None and report.records and not witnessed.held and not report.breaks:
        report.note(TopicBreak(topic, *last, "unwitnessed"))
    return report


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
