"""What was sent, answered, logged and published, held against each other: pure, and of its own making.

Nothing of the gateway is used here: an oracle that shared its code would share its mistakes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Item:
    """What must become one record: its identity, and texts that the record's value must hold."""

    identity: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as it was sent: lower-case hex SHA-256 of its bytes, the records' key, its items in their order."""

    sha256: str
    key: str
    items: tuple[Item, ...]
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A receipt that was given: for which bytes, its id and its JWS; `at` in seconds of the monotonic clock."""

    sha256: str
    receipt: str
    jws: str
    at: float


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the log that holds a message."""

    seq: int
    sha256: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Told:
    """A committed record; `item` is the identity of what it tells, `seal` is `valid` or why not."""

    topic: str
    partition: int
    offset: int
    key: str
    item: str
    sha256: str
    receipt: str
    seal: str
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is not as it must be: `kind` names it, `what` says where."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


@dataclass(slots=True)
class Account:
    """All that is known from outside, in the order in which it became known.

    `taken` are items that an agent answered with a number, by the key of their complex; `tolerated` are keys whose
    agent adds events of its own (heart-beats).
    """

    sent: dict[str, Sent] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    taken: dict[str, list[Item]] = field(default_factory=lambda: defaultdict(list))
    tolerated: set[str] = field(default_factory=set)

    def accepted(self) -> dict[str, Answer]:
        """The first answer to each message that has one."""
        first: dict[str, Answer] = {}
        for answer in self.answers:
            first.setdefault(answer.sha256, answer)
        return first

    def expected(self) -> set[str]:
        """The identity of every item that must be published by now."""
        answered = {item.identity for sha256 in self.accepted() for item in self.sent[sha256].items}
        return answered | {item.identity for items in self.taken.values() for item in items}


def judge(account: Account, logged: Sequence[Logged], told: Sequence[Told]) -> list[Wrong]:
    """Everything that is lost, doubled, altered, out of order or not stood by; empty when all is well."""
    return [*_answers(account), *_log(account, logged), *_records(account, told), *_order(account, told)]


def _answers(account: Account) -> Iterator[Wrong]:
    yield from (Wrong("refused", refusal) for refusal in account.refusals)
    first = account.accepted()
    for answer in account.answers:
        before = first[answer.sha256]
        if (answer.receipt, answer.jws) != (before.receipt, before.jws):
            yield Wrong("receipt changed", f"{answer.sha256} had {before.receipt}, now {answer.receipt}")


def _log(account: Account, logged: Sequence[Logged]) -> Iterator[Wrong]:
    first = account.accepted()
    counts = Counter(entry.sha256 for entry in logged)
    by_digest = {entry.sha256: entry for entry in logged}
    for sha256, answer in first.items():
        entry = by_digest.get(sha256)
        if entry is None:
            yield Wrong("lost from the log", f"{sha256}, receipt {answer.receipt}")
        elif entry.receipt != answer.receipt:
            yield Wrong("receipt not in the log", f"{answer.receipt}; entry {entry.seq} has {entry.receipt}")
    yield from (Wrong("doubled in the log", f"{sha256}, {n} times") for sha256, n in counts.items() if n > 1)
    if not account.tolerated:
        yield from (
            Wrong("unknown in the log", f"entry {entry.seq}") for entry in logged if entry.sha256 not in account.sent
        )


def _records(account: Account, told: Sequence[Told]) -> Iterator[Wrong]:
    counts = Counter(record.item for record in told)
    yield from (Wrong("lost", identity) for identity in sorted(account.expected() - counts.keys()))
    yield from (Wrong("doubled", f"{identity}, {n} times") for identity, n in counts.items() if n > 1)
    receipts = {sha256: answer.receipt for sha256, answer in account.accepted().items()}
    items = _items_by_identity(account)
    for record in told:
        place = f"{record.topic}/{record.partition}@{record.offset}"
        if record.seal != "valid":
            yield Wrong("seal", f"{place}: {record.seal}")
        found = items.get(record.item)
        if found is None:
            if record.key not in account.tolerated:
                yield Wrong("unknown", f"{place}: {record.item}")
            continue
        yield from (Wrong("altered", f"{place}: {why}") for why in _differences(found, record, receipts))


def _items_by_identity(account: Account) -> dict[str, tuple[str, str | None, Item]]:
    """By identity: the key, the digest of the message where it is known from outside, and the item."""
    items: dict[str, tuple[str, str | None, Item]] = {
        item.identity: (key, None, item) for key, taken in account.taken.items() for item in taken
    }
    for sent in account.sent.values():
        items |= {item.identity: (sent.key, sent.sha256, item) for item in sent.items}
    return items


def _differences(found: tuple[str, str | None, Item], record: Told, receipts: dict[str, str]) -> Iterator[str]:
    key, sha256, item = found
    if record.key != key:
        yield f"key {record.key}, not {key}"
    if sha256 is not None and record.sha256 != sha256:
        yield "another digest"
    if sha256 is not None and record.receipt != receipts.get(sha256, record.receipt):
        yield "another receipt"
    yield from (f"{mark!r} is not in it" for mark in item.marks if mark not in record.value)


def _order(account: Account, told: Iterable[Told]) -> Iterator[Wrong]:
    """Of each key the records of a topic stand in one partition, in the order in which their messages were sent."""
    place = {item.identity: number for number, item in enumerate(_sending_order(account))}
    lanes: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for record in told:
        if record.item in place:
            lanes[record.topic, record.key].append(record)
    for (topic, key), records in lanes.items():
        if len({record.partition for record in records}) > 1:
            yield Wrong("order", f"{topic}: key {key} stands in several partitions")
        ordered = sorted(records, key=lambda record: (record.partition, record.offset))
        for before, after in pairwise(ordered):
            if place[after.item] < place[before.item]:
                yield Wrong("order", f"{topic}/{after.partition}@{after.offset}: key {key}, sent earlier")


def _sending_order(account: Account) -> Iterator[Item]:
    for sent in account.sent.values():
        yield from sent.items
    for taken in account.taken.values():
        yield from taken
