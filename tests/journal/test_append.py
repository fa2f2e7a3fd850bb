"""Filing: one place, one receipt, no doubles, whoever asks and however often."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from gateway.errors import GatewayError, Unavailable
from gateway.journal import DocumentConflict, EntryRefused, Journal, JournalLimits, Overloaded, SeriesConflict
from gateway.journal.encoding import CHAIN_START, chain_of
from gateway.model import Draft, Filed, Series, Verdict
from tests.journal.support import BANK, CASINO, Drafts, run


async def all_of(journal: Journal, drafts: Iterable[Draft]) -> list[Filed | BaseException]:
    return await asyncio.gather(*(journal.append(draft) for draft in drafts), return_exceptions=True)


async def test_an_entry_is_read_back_as_it_was_filed(journal: Journal, draft: Drafts) -> None:
    given = draft(b"\x00\xff" * 50_000)
    filed = await journal.append(given)
    (entry,) = await journal.read(0, 0, 10)
    assert (filed.ledger, filed.seq, filed.repeated, filed.jws) == (0, 1, False, given.receipt.jws)
    assert (entry.body, entry.records, entry.jws) == (given.body, given.records, given.receipt.jws)
    assert (entry.receipt_id, entry.sender) == (given.receipt.id, BANK)
    assert entry.received_at == given.receipt.received_at
    assert entry.chain == chain_of(CHAIN_START, entry.leaf) == (await journal.head(0)).chain


async def test_the_same_bytes_get_the_first_receipt_whatever_the_verdict_was(journal: Journal, draft: Drafts) -> None:
    for verdict in Verdict:
        first = await journal.append(draft(verdict.value.encode(), verdict=verdict))
        again = await journal.append(draft(verdict.value.encode(), verdict=Verdict.ACCEPTED))
        assert again == replace(first, repeated=True)
    assert (await journal.head(0)).seq == len(Verdict)


async def test_the_same_bytes_twice_in_one_batch_are_one_entry(journal: Journal, draft: Drafts) -> None:
    filed = await all_of(journal, [draft(b"same") for _ in range(20)])
    assert len({(item.seq, item.jws) for item in filed if isinstance(item, Filed)}) == 1
    assert sorted(item.repeated for item in filed if isinstance(item, Filed)) == [False] + [True] * 19
    assert (await journal.head(0)).seq == 1


async def test_other_bytes_for_an_accepted_document_are_a_conflict(journal: Journal, draft: Drafts) -> None:
    await journal.append(draft(b"one", document="D"))
    for verdict in Verdict:
        with pytest.raises(DocumentConflict):
            await journal.append(draft(verdict.value.encode(), document="D", verdict=verdict))
    assert (await journal.head(0)).seq == 1


async def test_after_a_transaction_of_many_the_next_lets_others_gather(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn, limits=JournalLimits(busy=2, gather=1.0)) as journal:
        await journal.append(draft())
        await all_of(journal, [draft(), draft()])
        early = asyncio.create_task(journal.append(draft()))
        for _ in range(20):
            await asyncio.sleep(0)
        assert journal.waiting == 1
        late = await journal.append(draft())
        assert [(await early).seq, late.seq] == [4, 5]


async def test_a_conflict_in_a_batch_concerns_itself_alone(journal: Journal, draft: Drafts) -> None:
    drafts = [draft(b"first", document="D"), *(draft() for _ in range(5)), draft(b"second", document="D")]
    answers = await all_of(journal, drafts)
    assert [isinstance(answer, DocumentConflict) for answer in answers] == [False] * 6 + [True]
    assert (await journal.head(0)).seq == 6


async def test_a_second_accepted_message_under_a_number_of_a_series_is_a_conflict(
    journal: Journal, draft: Drafts
) -> None:
    await journal.append(draft(b"one", series=Series("S", 1, {})))
    await journal.append(draft(b"two", series=Series("S", 2, {})))
    await journal.append(draft(b"other series", series=Series("T", 1, {})))
    with pytest.raises(SeriesConflict):
        await journal.append(draft(b"fork", series=Series("S", 1, {})))
    assert (await journal.head(0)).seq == 3


async def test_a_refused_message_takes_no_number_of_its_series(journal: Journal, draft: Drafts) -> None:
    await journal.append(draft(b"refused", series=Series("S", 1, {}), verdict=Verdict.REFUSED))
    await journal.append(draft(b"one", series=Series("S", 1, {})))
    await journal.append(draft(b"evidence", series=Series("S", 1, {}), verdict=Verdict.REFUSED))
    assert (await journal.head(0)).seq == 3


async def test_other_bytes_for_a_refused_document_are_filed(journal: Journal, draft: Drafts) -> None:
    await journal.append(draft(b"wrong", document="D", verdict=Verdict.REFUSED))
    assert (await journal.append(draft(b"undecided", document="D", verdict=Verdict.UNDETERMINED))).seq == 2
    assert (await journal.append(draft(b"right", document="D"))).seq == 3


async def test_another_version_of_a_document_is_no_conflict(journal: Journal, draft: Drafts) -> None:
    await journal.append(draft(document="D", version="1"))
    assert (await journal.append(draft(document="D", version="2"))).seq == 2


async def test_the_same_document_of_another_sender_is_no_conflict(journal: Journal, draft: Drafts) -> None:
    await journal.append(draft(document="D", sender=BANK))
    assert (await journal.append(draft(document="D", sender=CASINO))).seq == 2


async def test_a_refused_message_without_a_document_is_filed(journal: Journal, draft: Drafts) -> None:
    given = draft(verdict=Verdict.REFUSED)
    nameless = replace(given, receipt=replace(given.receipt, document=None, version=None))
    assert (await journal.append(nameless)).seq == 1


async def test_two_processes_that_file_the_same_messages_at_once_double_none(dsn: str, draft: Drafts) -> None:
    drafts = [draft() for _ in range(200)]
    twins = [replace(item, receipt=replace(item.receipt, jws="twin")) for item in drafts]
    async with Journal(dsn) as one, Journal(dsn) as other:
        answers, twin_answers = await asyncio.gather(all_of(one, drafts), all_of(other, twins))
        entries = await one.read(0, 0, 1000)
    assert sorted(entry.seq for entry in entries) == list(range(1, 201))
    for answer, twin in zip(answers, twin_answers, strict=True):
        assert isinstance(answer, Filed)
        assert isinstance(twin, Filed)
        assert (answer.seq, answer.jws) == (twin.seq, twin.jws)
        assert {answer.repeated, twin.repeated} == {True, False}


async def test_two_processes_that_race_for_one_document_have_one_winner(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn) as one, Journal(dsn) as other:
        for number in range(20):
            answers = await asyncio.gather(
                one.append(draft(document=f"R{number}")),
                other.append(draft(document=f"R{number}")),
                return_exceptions=True,
            )
            assert [isinstance(answer, DocumentConflict) for answer in answers].count(True) == 1
        assert (await one.head(0)).seq == 20


async def test_concurrent_submissions_share_commits(journal: Journal, dsn: str, draft: Drafts) -> None:
    await journal.append(draft())
    before = (await run(dsn, "SELECT DISTINCT xmin::text FROM entries"))[0]["xmin"]
    await all_of(journal, [draft() for _ in range(100)])
    commits = await run(dsn, "SELECT DISTINCT xmin::text FROM entries WHERE xmin::text <> $1", before)
    assert len(commits) < 10


async def test_a_cancelled_caller_does_not_disturb_the_batch(journal: Journal, draft: Drafts) -> None:
    tasks = [asyncio.create_task(journal.append(draft())) for _ in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::5]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == 10
    assert sum(isinstance(answer, Filed) for answer in answers) == 40
    assert len(await journal.read(0, 0, 100)) == (await journal.head(0)).seq


async def test_an_entry_that_postgresql_refuses_concerns_itself_alone(journal: Journal, draft: Drafts) -> None:
    drafts = [draft() for _ in range(10)]
    poisoned = replace(drafts[4], receipt=replace(drafts[4].receipt, edition="nul\x00"))
    answers = await all_of(journal, [*drafts[:4], poisoned, *drafts[5:]])
    assert [isinstance(answer, EntryRefused) for answer in answers] == [index == 4 for index in range(10)]
    assert (await journal.head(0)).seq == 9


async def test_a_receipt_id_that_is_taken_concerns_itself_alone(journal: Journal, draft: Drafts) -> None:
    first, second, third = draft(), draft(), draft()
    taken = replace(second, receipt=replace(second.receipt, id=first.receipt.id))
    answers = await all_of(journal, [first, taken, third])
    assert [type(answer) for answer in answers] == [Filed, EntryRefused, Filed]


async def test_too_many_waiting_submissions_are_sent_away_with_a_time_to_come_back(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn, limits=JournalLimits(waiting=8)) as journal:
        answers = await all_of(journal, [draft() for _ in range(100)])
        refused = [answer for answer in answers if isinstance(answer, Overloaded)]
        assert len(refused) == 92
        assert all(answer.retry_after >= 1 and answer.retriable for answer in refused)
        assert (await journal.head(0)).seq == 8


async def test_waiting_submissions_are_bounded_by_their_bytes_too(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn, limits=JournalLimits(waiting_bytes=10_000)) as journal:
        big = [draft(bytes(range(256)) * 3 + str(number).encode()) for number in range(100)]
        answers = await all_of(journal, big)
        assert any(isinstance(answer, Overloaded) for answer in answers)
        assert any(isinstance(answer, Filed) for answer in answers)


async def test_one_submission_heavier_than_the_bound_is_still_filed(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn, limits=JournalLimits(waiting_bytes=10, batch_bytes=10)) as journal:
        assert (await journal.append(draft())).seq == 1


async def test_stopping_files_what_waits(dsn: str, draft: Drafts) -> None:
    journal = Journal(dsn)
    await journal.start()
    tasks = [asyncio.create_task(journal.append(draft())) for _ in range(300)]
    await asyncio.sleep(0)
    await journal.stop()
    assert all(isinstance(answer, Filed) for answer in await asyncio.gather(*tasks, return_exceptions=True))
    with pytest.raises(Unavailable):
        await journal.append(draft())


async def test_a_sender_always_falls_into_the_same_ledger(dsn: str, draft: Drafts) -> None:
    await run(dsn, "INSERT INTO ledgers SELECT n, 0, decode(repeat('00', 32), 'hex') FROM generate_series(1, 3) n")
    senders = [f"{number:012}" for number in range(40)]
    async with Journal(dsn, ledgers=4) as journal, Journal(dsn) as other:
        filed = [await journal.append(draft(sender=sender)) for sender in senders]
        again = [await other.append(draft(sender=sender)) for sender in senders]
        assert [item.ledger for item in filed] == [item.ledger for item in again]
        assert {item.ledger for item in filed} == {0, 1, 2, 3} == set(await journal.ledgers())
        for ledger in range(4):
            entries = await journal.read(ledger, 0, 100)
            assert [entry.seq for entry in entries] == list(range(1, (await journal.head(ledger)).seq + 1))


async def test_a_journal_that_expects_another_number_of_ledgers_does_not_start(dsn: str) -> None:
    with pytest.raises(GatewayError, match="1 ledgers, not 2"):
        await Journal(dsn, ledgers=2).start()
