"""Reading the log back, hearing of news, checkpoints."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest

from gateway.errors import ConfigurationError, GatewayError, Unavailable
from gateway.journal import Checkpointer, Journal, JournalDamaged, JournalLimits
from gateway.model import Checkpoint
from tests.journal.support import BANK, CASINO, NOON, Drafts, run, seal_checkpoint


async def test_a_reader_gets_every_entry_once_and_in_order(journal: Journal, draft: Drafts) -> None:
    filed = await asyncio.gather(*(journal.append(draft()) for _ in range(100)))
    read: list[int] = []
    while entries := await journal.read(0, len(read), 7):
        assert len(entries) <= 7
        read += [entry.seq for entry in entries]
    assert read == sorted(item.seq for item in filed) == list(range(1, 101))


async def test_heavy_entries_are_read_in_smaller_helpings(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn, limits=JournalLimits(read_bytes=1000)) as journal:
        for number in range(6):
            await journal.append(draft(bytes(range(200, 256)) * number * 100 + bytes([number])))
        read: list[int] = []
        while entries := await journal.read(0, len(read), 100):
            read += [entry.seq for entry in entries]
        assert read == [1, 2, 3, 4, 5, 6]


async def test_a_reader_stops_at_a_gap_rather_than_leave_an_entry_out(
    journal: Journal, dsn: str, draft: Drafts
) -> None:
    for _ in range(5):
        await journal.append(draft())
    await run(dsn, "ALTER TABLE entries DISABLE TRIGGER append_only")
    await run(dsn, "DELETE FROM entries WHERE seq = 3")
    with pytest.raises(JournalDamaged, match="no entry 3"):
        await journal.read(0, 0, 10)
    with pytest.raises(JournalDamaged, match="no entry 3"):
        await journal.read(0, 2, 10)


async def test_what_was_filed_is_found_by_its_digest(journal: Journal, draft: Drafts) -> None:
    given = draft(sender=BANK)
    filed = await journal.append(given)
    for sender in (None, BANK):
        found = await journal.find(given.receipt.sha256, sender)
        assert found is not None
        assert (found.receipt_id, found.jws, found.seq, found.repeated) == (filed.receipt_id, filed.jws, 1, True)
    assert await journal.find(given.receipt.sha256, CASINO) is None
    assert await journal.find("00" * 32) is None
    assert await journal.find("no digest") is None


async def test_the_entries_of_others_do_not_exist(journal: Journal, draft: Drafts) -> None:
    filed = await journal.append(draft(b"secret", sender=BANK))
    mine = await journal.by_id(filed.receipt_id, BANK)
    assert mine is not None
    assert mine.body == b"secret"
    assert await journal.by_id(filed.receipt_id, CASINO) is None
    assert await journal.by_id(uuid4(), BANK) is None
    assert await journal.page(CASINO) == []


async def test_pages_of_a_sender_follow_each_other(journal: Journal, draft: Drafts) -> None:
    for number in range(20):
        await journal.append(draft(sender=BANK if number % 2 else CASINO))
    first = await journal.page(BANK, limit=4)
    second = await journal.page(BANK, after=first[-1].seq, limit=40)
    assert [entry.seq for entry in [*first, *second]] == list(range(2, 21, 2))
    assert len(first) == 4


async def test_there_is_no_head_of_a_ledger_that_does_not_exist(journal: Journal) -> None:
    with pytest.raises(ConfigurationError):
        await journal.head(9)


async def test_a_journal_that_was_not_started_answers_unavailable(dsn: str, draft: Drafts) -> None:
    journal = Journal(dsn)
    with pytest.raises(Unavailable):
        await journal.append(draft())
    with pytest.raises(Unavailable):
        await journal.read(0, 0, 1)


async def test_news_of_an_entry_arrive_at_once_from_another_process(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn) as writing, Journal(dsn) as reading:
        assert not await reading.wait_for_news(0, 0, 0.3)
        clock = asyncio.get_running_loop().time
        delays = []
        for seq in range(5):
            waiting = asyncio.create_task(reading.wait_for_news(0, seq, 5.0))
            await asyncio.sleep(0.01)
            await writing.append(draft())
            begun = clock()
            assert await waiting
            delays.append(clock() - begun)
        assert sorted(delays)[2] < 0.2
        assert await reading.wait_for_news(0, 3, 5.0)


async def test_news_arrive_though_notifications_are_lost(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn) as writing, Journal(dsn) as reading:
        await reading.wait_for_news(0, 0, 0.3)
        await run(
            dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'fma-gateway listener'",
        )
        waiting = asyncio.create_task(reading.wait_for_news(0, 0, 3.0))
        await writing.append(draft())
        assert await waiting


async def test_the_listener_comes_back_after_it_was_lost(dsn: str, draft: Drafts) -> None:
    query = (
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'fma-gateway listener'"
    )
    async with Journal(dsn) as journal:
        await journal.wait_for_news(0, 0, 0.3)
        await run(dsn, query.replace("count(*) AS n", "pg_terminate_backend(pid)"))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if (await run(dsn, query))[0]["n"] == 1:
                break
        assert (await run(dsn, query))[0]["n"] == 1
        await journal.append(draft())
        assert await journal.wait_for_news(0, 0, 1.0)


async def test_checkpoints_are_made_when_the_log_has_grown_and_only_then(journal: Journal, draft: Drafts) -> None:
    checkpointer = Checkpointer(journal, seal_checkpoint, lambda: NOON)
    assert await checkpointer.make() == []
    await journal.append(draft())
    (made,) = await checkpointer.make()
    assert (made.ledger, made.seq, made.chain, made.made_at) == (0, 1, (await journal.head(0)).chain, NOON)
    assert await checkpointer.make() == []
    assert await journal.latest_checkpoint(0) == made
    await journal.append(draft())
    (second,) = await checkpointer.make()
    assert await journal.checkpoints_after(0, 0, 10) == [made, second]
    assert await journal.checkpoints_after(0, 1, 10) == [second]
    assert await journal.checkpoints_after(0, 0, 1) == [made]


async def test_the_first_checkpoint_for_a_place_stands(journal: Journal) -> None:
    first, second = Checkpoint(0, 5, bytes(32), NOON, "first"), Checkpoint(0, 5, bytes(32), NOON, "second")
    await journal.store_checkpoint(first)
    await journal.store_checkpoint(second)
    assert await journal.latest_checkpoint(0) == first


async def test_checkpoints_follow_the_log_within_a_second(journal: Journal, draft: Drafts) -> None:
    async with (
        Checkpointer(journal, seal_checkpoint, lambda: NOON),
        Checkpointer(journal, seal_checkpoint, lambda: NOON),
    ):
        filed = await journal.append(draft())
        await asyncio.sleep(1.0)
        latest = await journal.latest_checkpoint(0)
        assert latest is not None
        assert latest.seq == filed.seq


async def test_a_key_that_fails_once_only_delays_a_checkpoint(journal: Journal, draft: Drafts) -> None:
    failures = [GatewayError("the key holder is away")]

    async def seal(checkpoint: Checkpoint) -> Checkpoint:
        if failures:
            raise failures.pop()
        return await seal_checkpoint(checkpoint)

    await journal.append(draft())
    async with Checkpointer(journal, seal, lambda: NOON, seconds=0.02):
        with suppress(TimeoutError):
            async with asyncio.timeout(40):
                while await journal.latest_checkpoint(0) is None:
                    await asyncio.sleep(0.02)
    assert await journal.latest_checkpoint(0) is not None
