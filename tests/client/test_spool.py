"""The spool as a state machine: whatever is done in whatever order, numbers have no hole and nothing is lost."""

import hashlib
import json
import tempfile
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.client.agent.errors import SpoolFails
from gateway.client.agent.model import Batch, Doubled, Halt, NewEvent, Position, Taken, Trouble
from gateway.client.agent.spool import FILE, Spool, open_file, read_spool
from gateway.client.agent.writer import Writer
from gateway.client.envelopes import new_guid
from tests.client.kit import COMPLEX, NONE, TIME

T = TypeVar("T")


def new_event(identifier: str | None = None, amount: str = "1", *, timed: bool = True) -> NewEvent:
    name = identifier or new_guid()
    content = {"id": name, "kind": "BUY-IN", "unit": "DESK-1", "time": TIME if timed else new_guid(), "amount": amount}
    return NewEvent(uuid.UUID(name).bytes, content, timed)


def make_batch(spool: Spool, most: int = 3) -> Batch | None:
    head = spool.head()
    events = spool.unbatched(most, 10**6)
    if not events or spool.unanswered() is not None:
        return None
    body = f"<PreviousBatchHash>{head.last_hash}</PreviousBatchHash>{uuid.uuid4()}".encode()
    first, last = events[0]["sequence"], events[-1]["sequence"]
    return Batch(head.last_batch + 1, first, last, hashlib.sha256(body).hexdigest(), body)


class SpoolMachine(RuleBasedStateMachine):
    """Events are taken, batched, received, refused, lost in forks, dropped when old, and the file is reopened."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.connection = open_file(Path(self.place.name), COMPLEX)
        self.ids: dict[str, int] = {}
        self.order: list[str] = []
        self.received: set[str] = set()

    def step(self, work: Callable[[Spool], T]) -> T:
        self.connection.execute("BEGIN IMMEDIATE")
        result = work(Spool(self.connection))
        self.connection.execute("COMMIT")
        return result

    def teardown(self) -> None:
        self.connection.close()
        self.place.cleanup()

    @rule(count=st.integers(1, 5))
    def take(self, count: int) -> None:
        events = [new_event() for _ in range(count)]
        for event, answer in zip(events, self.step(lambda spool: spool.add(events, 1)), strict=True):
            assert isinstance(answer, Taken)
            assert not answer.repeated
            self.ids[event.content["id"]] = answer.sequence
            self.order.append(event.content["id"])

    @precondition(lambda self: self.order)
    @rule(data=st.data())
    def take_again(self, data: st.DataObject) -> None:
        known = data.draw(st.sampled_from(self.order))
        answer = self.step(lambda spool: spool.add([new_event(known)], 1))[0]
        assert answer == Taken(self.ids[known], repeated=True)
        assert isinstance(self.step(lambda spool: spool.add([new_event(known, "2")], 1))[0], Doubled)

    @rule()
    def batch(self) -> None:
        def work(spool: Spool) -> bool | None:
            made = make_batch(spool)
            return None if made is None else spool.add_batch(made, TIME)

        assert self.step(work) in (None, True)

    @rule()
    def receive(self) -> None:
        def work(spool: Spool) -> Batch | None:
            batch = spool.unanswered()
            if batch is not None:
                spool.keep_receipt(batch.number, {"id": "r"}, 5)
            return batch

        batch = self.step(work)
        if batch is not None:
            self.received |= {name for name, number in self.ids.items() if batch.first <= number <= batch.last}

    @rule()
    def refused_and_repaired(self) -> None:
        self.step(lambda spool: spool.halt(Halt(Trouble.REFUSED, 1, "why")))
        assert self.step(lambda spool: spool.add_batch(Batch(1, 1, 1, NONE, b""), TIME)) is False
        self.step(lambda spool: spool.remake("because"))
        assert self.step(lambda spool: spool.head().halt) is None

    @rule(ahead=st.integers(0, 3), events=st.integers(0, 4))
    def forked_and_repaired(self, ahead: int, events: int) -> None:
        def work(spool: Spool) -> tuple[int, int]:
            head, last = spool.head(), spool.received()
            if ahead == 0:
                return 0, 0
            batch = spool.unanswered()
            kept = batch.first - 1 if batch else head.batched_event
            return spool.rebase(Position(last + ahead, "ab" * 32, kept + events), "fork"), kept

        moved, kept = self.step(work)
        assert moved in (0, events)
        for name, number in self.ids.items():
            self.ids[name] = number + moved if number > kept else number

    @precondition(lambda self: self.received)
    @rule()
    def drop_old(self) -> None:
        dropped = self.step(lambda spool: spool.drop_old(10, 1))
        if dropped:
            left = self.kept()
            gone = {name for name in self.ids if name not in left}
            assert gone <= self.received
            self.order = [name for name in self.order if name not in gone]
            self.ids = {name: number for name, number in self.ids.items() if name not in gone}

    @rule()
    def reopen(self) -> None:
        self.connection.close()
        self.connection = open_file(Path(self.place.name), COMPLEX)

    def kept(self) -> dict[str, int]:
        rows: list[dict[str, object]] = []
        self.step(lambda spool: spool.export(1, 10**9, lambda facts: rows.append(dict(facts))))
        return {str(row["id"]): int(str(row["sequence"])) for row in rows if "id" in row}

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        assert self.kept() == self.ids

    @invariant()
    def what_waits_has_no_hole(self) -> None:
        head = self.step(lambda spool: spool.head())
        waiting = self.step(lambda spool: spool.unbatched(10**6, 10**9))
        assert [event["sequence"] for event in waiting] == list(range(head.batched_event + 1, head.last_event + 1))
        unsent, oldest = self.step(lambda spool: spool.unsent())
        assert unsent == len(self.ids.keys() - self.received)
        assert (oldest is None) == (unsent == 0)

    @invariant()
    def the_chain_is_that_of_the_bytes(self) -> None:
        batch = self.step(lambda spool: spool.unanswered())
        if batch is not None:
            assert hashlib.sha256(batch.body).hexdigest() == batch.hash
            assert self.step(lambda spool: spool.hash_of(batch.number)) == batch.hash


SpoolMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestSpool = SpoolMachine.TestCase


def test_an_event_without_its_own_time_is_known_again(tmp_path: Path) -> None:
    name = new_guid()
    first = read_spool(tmp_path, COMPLEX, lambda spool: spool.add([new_event(name, timed=False)], 1))
    again = read_spool(tmp_path, COMPLEX, lambda spool: spool.add([new_event(name, timed=False)], 2))
    assert (first, again) == ([Taken(1)], [Taken(1, repeated=True)])


def test_text_with_every_kind_of_line_break_comes_back_as_it_was(tmp_path: Path) -> None:
    texts = ["a\u2028b", "a\x85b", "a\u2029", "Қ\t", ""]

    def work(spool: Spool) -> list[object]:
        spool.add([new_event(amount=text) for text in texts], 1)
        return [event["amount"] for event in spool.unbatched(10, 10**6)]

    assert read_spool(tmp_path, COMPLEX, work) == texts


def test_many_events_at_once_are_numbered_in_their_order_doubles_among_them_too(tmp_path: Path) -> None:
    events = [new_event() for _ in range(701)]
    mixed = [*events, *events[::7], new_event()]
    answers = read_spool(tmp_path, COMPLEX, lambda spool: spool.add(mixed, 1))
    numbers = [answer.sequence for answer in answers if isinstance(answer, Taken)]
    assert numbers == [*range(1, 702), *range(1, 702, 7), 702]


def test_another_complex_s_spool_is_not_touched(tmp_path: Path) -> None:
    open_file(tmp_path, COMPLEX).close()
    with pytest.raises(SpoolFails, match="each complex has a directory of its own"):
        open_file(tmp_path, "KZ-2")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, " * 100)
    with pytest.raises(SpoolFails, match=FILE):
        open_file(tmp_path, COMPLEX)


def test_a_later_format_is_left_alone(tmp_path: Path) -> None:
    with closing(open_file(tmp_path, COMPLEX)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SpoolFails, match="later agent"):
        open_file(tmp_path, COMPLEX)


async def test_a_step_that_fails_undoes_itself_alone(tmp_path: Path) -> None:
    def fails(spool: Spool) -> None:
        spool.add([new_event()], 1)
        raise LookupError("mine")

    async with Writer(tmp_path, COMPLEX) as writer:
        with pytest.raises(LookupError, match="mine"):
            await writer.call(fails)
        assert await writer.call(lambda spool: spool.add([new_event()], 1)) == [Taken(1)]
    with pytest.raises(SpoolFails):
        await writer.call(fails)


async def test_what_the_disk_does_not_take_is_nobody_s_success(tmp_path: Path) -> None:
    async with Writer(tmp_path, COMPLEX) as writer:
        await writer.call(lambda spool: spool._db.execute("PRAGMA max_page_count = 20"))
        with pytest.raises(SpoolFails, match="the disk did not take it"):
            await writer.call(lambda spool: spool.add([new_event() for _ in range(2500)], 1))
        await writer.call(lambda spool: spool._db.execute("PRAGMA max_page_count = 100000"))
        head = await writer.call(lambda spool: spool.head())
        answers = await writer.call(lambda spool: spool.add([new_event()], 1))
        assert answers == [Taken(head.last_event + 1)]


def test_export_gives_events_then_receipts(tmp_path: Path) -> None:
    def work(spool: Spool) -> list[str]:
        spool.add([new_event() for _ in range(3)], 1)
        batch = make_batch(spool)
        assert batch is not None
        spool.add_batch(batch, TIME)
        spool.keep_receipt(1, {"id": "r-1"}, 1)
        lines: list[str] = []
        assert spool.export(2, 3, lambda facts: lines.append(json.dumps(facts))) == 2
        return lines

    lines = [json.loads(line) for line in read_spool(tmp_path, COMPLEX, work)]
    assert [line.get("sequence") for line in lines] == [2, 3, None]
    assert lines[2]["receipt"] == {"id": "r-1"}
