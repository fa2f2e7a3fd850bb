"""A batch that goes into the log by one statement: the same outcome as step by step, or nothing at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from functools import reduce

import asyncpg
import pytest

from gateway.journal import EntryRefused, Head, Journal
from gateway.journal.batches import file_batch
from gateway.journal.connections import WRITING, Connection, Session, connect
from gateway.journal.encoding import CHAIN_START, ROW_COLUMNS, Packer, chain_of, leaf_of
from gateway.journal.queries import query_names, sql
from gateway.journal.settlement import Prepared
from gateway.model import Draft, Filed, Series, Verdict
from tests.journal.support import CASINO, Drafts, run

EMPTY = Head(0, 0, CHAIN_START)
ONE_STATEMENT = [sql("append_at_once")]
OURS = {sql(name) for name in query_names()}
FILING_COLUMNS = ("sha256", "sender", "receipt_id", "document", "version", "series", "number")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    held = await connect(dsn, WRITING)
    yield held
    await held.close()


@pytest.fixture
def said(connection: Connection) -> list[str]:
    """Which of the journal's queries the connection asks, from now on."""
    texts: list[str] = []
    listen(connection, texts)
    return texts


def listen(connection: Connection, texts: list[str]) -> None:
    def note(query: asyncpg.connection.LoggedQuery) -> None:
        if query.query in OURS:
            texts.append(query.query)

    connection.add_query_logger(note)


async def taken_from(texts: list[str]) -> list[str]:
    """What was asked so far, which is forgotten then: loggers are told in the loop's next turn."""
    await asyncio.sleep(0)
    taken, texts[:] = texts[:], []
    return taken


def prepared(*drafts: Draft) -> list[Prepared]:
    return [Prepared(row, leaf_of(row)) for row in map(Packer().row, drafts)]


async def test_a_batch_that_meets_the_expected_head_is_filed_by_one_statement(
    connection: Connection, said: list[str], dsn: str, draft: Drafts
) -> None:
    drafts = [
        draft(document="D"),
        draft(verdict=Verdict.REFUSED),
        draft(document="D", version="2", verdict=Verdict.UNDETERMINED),
        draft(series=Series("S", 7, {})),
    ]
    batch = prepared(*drafts)
    settlement = await file_batch(connection, 0, batch, EMPTY)
    assert await taken_from(said) == ONE_STATEMENT
    assert [answer.seq for answer in settlement.answers if isinstance(answer, Filed)] == [1, 2, 3, 4]
    assert settlement.head == Head(0, 4, reduce(chain_of, (item.leaf for item in batch), CHAIN_START))
    async with Journal(dsn) as journal:
        assert await journal.head(0) == settlement.head
        assert [entry.records for entry in await journal.read(0, 0, 10)] == [given.records for given in drafts]
    for place, item in enumerate(batch, 1):
        (entry,) = await run(dsn, "SELECT * FROM entries WHERE ledger = 0 AND seq = $1", place)
        assert {name: entry[name] for name in ROW_COLUMNS} == asdict(item.row)
        assert entry["leaf"] == item.leaf
        (filing,) = await run(dsn, "SELECT * FROM filings WHERE ledger = 0 AND seq = $1", place)
        assert filing["accepted"] is item.row.accepted
        assert all(filing[name] == getattr(item.row, name) for name in FILING_COLUMNS)


@pytest.mark.parametrize("kind", ["bytes", "document", "document of a refused one", "number", "doubles in the batch"])
async def test_a_batch_of_which_something_is_taken_is_settled_as_if_nothing_had_been_expected(
    kind: str, connection: Connection, said: list[str], draft: Drafts
) -> None:
    before = draft(b"first", document="D", series=Series("S", 1, {}))
    head = (await file_batch(connection, 0, prepared(before))).head
    again: dict[str, Sequence[Draft]] = {
        "bytes": [before],
        "document": [draft(document="D")],
        "document of a refused one": [draft(document="D", verdict=Verdict.REFUSED)],
        "number": [draft(series=Series("S", 1, {}))],
        "doubles in the batch": [draft(b"same"), draft(b"same")],
    }
    batch = prepared(draft(), *again[kind], draft())
    await taken_from(said)
    expecting = await file_batch(connection, 0, batch, head)
    assert len(await taken_from(said)) > 1
    assert [entry.seq for entry in expecting.appended] == list(range(2, expecting.head.seq + 1))
    told = await file_batch(connection, 0, batch)
    assert told.appended == ()
    assert [_plain(answer) for answer in told.answers] == [_plain(answer) for answer in expecting.answers]


async def test_a_head_that_somebody_else_moved_is_found_where_it_is(
    connection: Connection, said: list[str], dsn: str, draft: Drafts
) -> None:
    async with Journal(dsn) as other:
        await other.append(draft())
        await other.append(draft())
    settlement = await file_batch(connection, 0, prepared(draft(), draft()), EMPTY)
    assert (await taken_from(said))[:2] == [sql("append_at_once"), sql("lock_head")]
    assert [placed.seq for placed in settlement.appended] == [3, 4]


async def test_what_goes_by_one_statement_waits_for_a_writer_under_way_and_then_for_its_own_turn(
    connection: Connection, dsn: str, draft: Drafts
) -> None:
    other = await connect(dsn, WRITING)
    try:
        async with other.transaction():
            await other.fetchrow(sql("lock_head"), 0)
            waiting = asyncio.create_task(file_batch(connection, 0, prepared(draft(b"same")), EMPTY))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            first = await file_batch(other, 0, prepared(draft(b"same")))
        (answer,) = (await waiting).answers
        assert isinstance(answer, Filed)
        assert (answer.seq, answer.repeated) == (first.head.seq, True)
    finally:
        await other.close()


@pytest.mark.parametrize("expecting", [True, False])
async def test_the_same_bytes_of_another_sender_are_filed_as_its_own(
    expecting: bool,  # noqa: FBT001 - a case, not a switch
    connection: Connection,
    draft: Drafts,
) -> None:
    first = await file_batch(connection, 0, prepared(draft(b"same")))
    batch = prepared(draft(b"same", sender=CASINO))
    settlement = await file_batch(connection, 0, batch, first.head if expecting else None)
    assert settlement.answers == (Filed(batch[0].row.receipt_id, batch[0].row.receipt, 0, 2, repeated=False),)


async def test_readers_are_told_at_once_what_one_statement_filed(
    connection: Connection, said: list[str], dsn: str, draft: Drafts
) -> None:
    reader, told = await connect(dsn, WRITING), asyncio.get_running_loop().create_future()
    try:
        await reader.add_listener("journal_news", lambda *news: told.set_result(news[-1]))
        await file_batch(connection, 0, prepared(draft(), draft()), EMPTY)
        assert await asyncio.wait_for(told, 5.0) == "0 2"
        assert await taken_from(said) == ONE_STATEMENT
    finally:
        await reader.close()


@pytest.fixture
async def overheard(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Journal, list[str]]]:
    """A journal that has filed nothing yet, and which of its queries it asks."""
    texts: list[str] = []

    async def listening(where: str, session: Session) -> Connection:
        held = await connect(where, session)
        listen(held, texts)
        return held

    monkeypatch.setattr("gateway.journal.writer.connect", listening)
    async with Journal(dsn) as journal:
        yield journal, texts


async def asked_for(journal: Journal, texts: list[str], given: Draft) -> list[str]:
    await taken_from(texts)
    await journal.append(given)
    return await taken_from(texts)


async def test_a_writer_that_is_alone_files_by_one_statement_from_its_third_batch_on(
    overheard: tuple[Journal, list[str]], draft: Drafts
) -> None:
    asked = [await asked_for(*overheard, draft()) for _ in range(4)]
    assert [each == ONE_STATEMENT for each in asked] == [False, False, True, True]


async def test_a_writer_that_meets_another_tries_once_and_then_goes_the_long_way(
    overheard: tuple[Journal, list[str]], dsn: str, draft: Drafts
) -> None:
    journal, texts = overheard
    for _ in range(3):
        await journal.append(draft())
    async with Journal(dsn) as other:
        tries = []
        for _ in range(4):
            await other.append(draft())
            tries.append((await asked_for(journal, texts, draft())).count(ONE_STATEMENT[0]))
        assert tries == [1, 0, 0, 0]
        assert (await journal.head(0)).seq == 11


async def test_behind_a_batch_of_which_something_was_taken_the_next_goes_the_long_way(
    overheard: tuple[Journal, list[str]], draft: Drafts
) -> None:
    again = draft()
    for given in (again, draft(), draft()):
        await overheard[0].append(given)
    asked = [await asked_for(*overheard, given) for given in (again, again, draft(), draft())]
    assert [each.count(ONE_STATEMENT[0]) for each in asked] == [1, 0, 0, 1]
    assert asked[-1] == ONE_STATEMENT


async def test_what_postgresql_refuses_in_one_statement_concerns_itself_alone(
    overheard: tuple[Journal, list[str]], draft: Drafts
) -> None:
    journal, texts = overheard
    for _ in range(2):
        await journal.append(draft())
    drafts = [draft() for _ in range(5)]
    drafts[2] = replace(drafts[2], receipt=replace(drafts[2].receipt, edition="nul\x00"))
    await taken_from(texts)
    answers = await asyncio.gather(*map(journal.append, drafts), return_exceptions=True)
    assert (await taken_from(texts))[0] == ONE_STATEMENT[0]
    assert [type(answer) for answer in answers] == [Filed, Filed, EntryRefused, Filed, Filed]
    assert (await journal.head(0)).seq == 6


async def test_a_partition_that_nobody_made_is_made_for_one_statement_too(
    overheard: tuple[Journal, list[str]], dsn: str, draft: Drafts
) -> None:
    journal, texts = overheard
    await run(dsn, "UPDATE ledgers SET seq = 999996")
    for _ in range(3):
        await journal.append(draft())
    await run(dsn, "ALTER TABLE entries DETACH PARTITION entries_000001")
    await run(dsn, "DROP TABLE entries_000001")
    await taken_from(texts)
    assert (await journal.append(draft())).seq == 1_000_000
    assert (await taken_from(texts))[:3] == [ONE_STATEMENT[0], sql("head"), sql("prepare_partition")]


def _plain(answer: object) -> object:
    return replace(answer, repeated=False) if isinstance(answer, Filed) else type(answer)
