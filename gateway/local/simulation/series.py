"""The series of one complex: its events numbered, its batches chained, its messages signed."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from lxml import etree

from gateway.client.amounts import in_tiyn, written
from gateway.client.envelopes import Envelope
from gateway.client.gaming import (
    Action,
    BatchHeader,
    Figure,
    Repairs,
    State,
    batch_xml,
    chain_repair_xml,
    end_of_day_xml,
    registration_xml,
)
from gateway.local.simulation.diary import Diary
from gateway.local.simulation.model import House, Owner, SimulatedEvent
from gateway.sealing.xmldsig import Encoded, sign_xml
from validators.gaming.model import NO_BATCH
from validators.values import LEGAL_ZONE

FigureKey = tuple[date, str, str, int]
"""Gaming day, unit, kind of event, hour."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One signed batch and what is in it."""

    number: int
    previous: str
    events: Sequence[SimulatedEvent]
    made_at: datetime
    body: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """What the next batch names as the hash of this one."""
        return hashlib.sha256(self.body).hexdigest()


class Series:
    """Writes the messages of a complex; `last` is the last sequence given, `head` the hash for the next batch."""

    def __init__(self, house: House, diary: Diary, encoding: Encoded) -> None:
        self.house = house
        self.last = 0
        self.head = NO_BATCH
        self._number = 0
        self._diary = diary
        self._encoding = encoding

    def number(self, events: Iterable[SimulatedEvent], start: int | None = None, skip: int | None = None) -> None:
        """Gives the events their sequences, going on from the last, or from `start`; `skip` is a place to leave out.

        A correction names the event right before it.
        """
        sequence = self.last + 1 if start is None else start
        for place, event in enumerate(events):
            sequence += place == skip
            event["sequence"] = sequence
            if "original" in event:
                event.setdefault("original_sequence", sequence - 1)
            sequence += 1
        self.last = sequence - 1

    def next_batch(self, events: Sequence[SimulatedEvent], previous: str | None = None) -> Batch:
        """The next batch of numbered events, chained to the last one, or to a `previous` that is wrong."""
        self._number += 1
        batch = self.rewritten(self._number, previous or self.head, events)
        self.head = batch.digest
        return batch

    def rewritten(self, number: int, previous: str, events: Sequence[SimulatedEvent]) -> Batch:
        """A batch of any number, which the series itself does not take note of."""
        made_at = self._diary.now
        header = BatchHeader(
            self.house.id,
            number,
            previous,
            min(event["sequence"] for event in events),
            max(event["sequence"] for event in events),
        )
        body = self._signed(batch_xml(self._envelope(made_at), header, events))
        return Batch(number, previous, events, made_at, body)

    def registration(self, action: Action, state: State | None) -> bytes:
        """A registration of the complex as it is, or one of the actions that need no state."""
        return self._signed(registration_xml(self._envelope(self._diary.now), self.house.id, action, state))

    def chain_repair(self, number: int, repairs: Repairs, previous: str | None) -> bytes:
        """A signed word on a batch: the right hash of the one before it, or which of two is the true one."""
        reason = "Сервердің қатесі түзетілді"
        envelope = self._envelope(self._diary.now)
        return self._signed(
            chain_repair_xml(envelope, self.house.id, number, repairs, reason=reason, previous=previous)
        )

    def end_of_day(self, day: date, figures: Iterable[Figure]) -> bytes:
        """The complex's own figures of a gaming day."""
        return self._signed(end_of_day_xml(self._envelope(self._diary.now), self.house.id, day, self.last, figures))

    def _envelope(self, made_at: datetime) -> Envelope:
        owner = self.house.owner
        return Envelope(owner.identifier, owner.kind, made_at, version=self._diary.guid(), document=self._diary.guid())

    def _signed(self, message: etree._Element) -> bytes:
        return signed(self.house.owner, message, self._encoding)


class Figures:
    """Counts and amounts of events by gaming day, unit, kind and hour."""

    def __init__(self) -> None:
        self._counts: Counter[FigureKey] = Counter()
        self._sums: Counter[FigureKey] = Counter()

    def add(self, event: SimulatedEvent) -> None:
        """Counts one event."""
        local = datetime.fromisoformat(event["time"]).astimezone(LEGAL_ZONE)
        key = (local.date(), event["unit"], event["kind"], local.hour)
        self._counts[key] += 1
        self._sums[key] += in_tiyn(event.get("amount", "0"))

    def days(self) -> list[date]:
        """The days on which something was counted."""
        return sorted({day for day, *_ in self._counts})

    def of(self, day: date) -> list[Figure]:
        """The figures of a day, in the order of unit, kind and hour."""
        keys = sorted(key for key in self._counts if key[0] == day)
        return [Figure(*key[1:], self._counts[key], written(self._sums[key])) for key in keys]


def signed(owner: Owner, message: etree._Element, encoding: Encoded = "UTF-16") -> bytes:
    """The message as its owner signs it."""
    return sign_xml(message, owner.credentials.key, [owner.credentials.certificate], encoding)
