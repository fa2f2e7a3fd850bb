from collections.abc import Callable

from bench.corpus.backlog import fill_chained, fill_stored, template_of
from gateway.journal import Journal, migrate
from gateway.journal.encoding import CHAIN_START, chain_of


async def test_a_backlog_is_a_log_whose_chain_holds(new_database: Callable[[], str]) -> None:
    dsn = new_database()
    await migrate(dsn)
    await fill_chained(dsn, 300, template_of([b"<a/>", b"<b/>"], [{"facts": 1}], "topic"))
    async with Journal(dsn) as journal:
        entries, head = await journal.read(0, 0, 1_000), await journal.head(0)
    chain = CHAIN_START
    for entry in entries:
        chain = chain_of(chain, entry.leaf)
        assert entry.chain == chain
    assert (len(entries), head.seq, head.chain) == (300, 300, chain)
    assert [entry.records[0].value for entry in entries] == [b'{"facts":1}'] * 300
    assert len({dict(entry.records[0].headers)["ce_id"] for entry in entries}) == 300


async def test_stored_entries_have_their_keys_and_a_true_head(new_database: Callable[[], str]) -> None:
    dsn, told = new_database(), list[str]()
    await migrate(dsn)
    position = await fill_stored(dsn, 500, told.append)
    async with Journal(dsn) as journal:
        (last,) = await journal.read(0, 499, 10)
        head, page = await journal.head(0), await journal.page(last.sender, limit=100)
    assert (position.seq, position.chain) == (head.seq, head.chain) == (500, last.chain)
    assert len(page) == 8
    assert told == ["  500 of 500 entries stored"]
