"""The log is published anew into fresh topics, every record the same to the byte."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from gateway.archive.keeping import detach_archive, restore_archive
from gateway.bus.declaration import Cleanup, TopicTable
from gateway.bus.emptiness import TopicsNotEmpty
from gateway.bus.positions import Position
from gateway.bus.publisher import TransactionalPublisher
from gateway.bus.topics import apply_topics
from gateway.journal import ArchiveStore, EntryArchived, Journal, migrate
from gateway.rebuilding import rebuild
from gateway.relay import Relay
from tests.bus.kit import KEYSET, Topics, declared, make_topics, read_with_librdkafka, sealed
from tests.journal.archives import LARGE, PUBLISHED, archived, make_checkpoint, sealed_draft, small_partitions
from tests.journal.large import file_in_parts
from tests.relay.test_journal import draft as made_draft

EVENTS, LEDGERS = 40, 2


def relay_until(journal: Journal, bootstrap: str, topics: Topics) -> Callable[[int, Position], Relay]:
    def relay(ledger: int, until: Position) -> Relay:
        publisher = TransactionalPublisher(
            bootstrap, f"{topics.positions}-{ledger}", ledger, positions_topic=topics.positions
        )
        return Relay(journal, publisher, ledger, batch=8, checkpoints_topic=topics.checkpoints, until=until)

    return relay


def names(topics: Topics) -> tuple[str, str, str]:
    return (topics.events, topics.checkpoints, topics.positions)


async def wipe(bootstrap: str, topics: Topics) -> None:
    """Deletes the topics with another program's client and makes them anew."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    for done in client.delete_topics(list(names(topics))).values():
        await asyncio.to_thread(done.result, 30)
    await apply_topics(
        bootstrap,
        topics=TopicTable(
            {
                topics.events: declared(topics.events, partitions=3),
                topics.positions: declared(topics.positions, cleanup=Cleanup.COMPACT),
                topics.checkpoints: declared(topics.checkpoints),
            }
        ),
    )


def by_key(bootstrap: str, topic: str) -> dict[str, list[tuple[int, bytes, dict[str, bytes]]]]:
    """The records of each key in their order: partition, value, headers."""
    found: dict[str, list[tuple[int, bytes, dict[str, bytes]]]] = {}
    for each in read_with_librdkafka(bootstrap, topic):
        found.setdefault(each.key, []).append((each.partition, each.value, dict(each.headers)))
    return found


async def run_all(journal: Journal, bootstrap: str, topics: Topics) -> Sequence[Position]:
    return await rebuild(journal, bootstrap, names(topics), relay_until(journal, bootstrap, topics))


async def test_wiped_topics_are_rebuilt_from_all_ledgers_record_by_record(
    kafka_bootstrap: str, new_database: Callable[[], str]
) -> None:
    topics, dsn = await make_topics(kafka_bootstrap), new_database()
    await migrate(dsn, ledgers=LEDGERS)
    async with Journal(dsn) as journal:
        for number in range(1, EVENTS + 1):
            sender = f"{number % 4:012}"
            draft = made_draft(number, await sealed(topics.events, number, sender=sender))
            await journal.append(replace(draft, receipt=replace(draft.receipt, sender=sender)))
        await make_checkpoint(journal)
        reached = await run_all(journal, kafka_bootstrap, topics)
        before = {topic: by_key(kafka_bootstrap, topic) for topic in (topics.events, topics.checkpoints)}
        assert sum(map(len, before[topics.events].values())) == sum(each.seq for each in reached) == EVENTS
        assert all(each.seq == each.checkpoint_seq > 0 for each in reached)
        with pytest.raises(TopicsNotEmpty, match=topics.events):
            await run_all(journal, kafka_bootstrap, topics)
        await wipe(kafka_bootstrap, topics)
        assert await run_all(journal, kafka_bootstrap, topics) == reached
        assert {topic: by_key(kafka_bootstrap, topic) for topic in before} == before


async def test_archived_entries_must_be_in_the_log_again_and_then_count(
    kafka_bootstrap: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    topics, dsn = await make_topics(kafka_bootstrap), new_database()
    await migrate(dsn)
    await small_partitions(dsn)
    async with Journal(dsn) as journal, ArchiveStore(dsn) as store:
        for number in range(1, 8):
            draft = await sealed_draft(made_draft(number, await sealed(topics.events, number)))
            if number == LARGE:
                more = [await sealed(topics.events, 7 + part) for part in range(1, 4)]
                await file_in_parts(journal, [replace(draft, records=(*draft.records, *more))])
            else:
                await journal.append(draft)
        await make_checkpoint(journal)
        path = await archived(dsn, 0, tmp_path)
        await detach_archive(store, path, KEYSET, PUBLISHED, "an officer")
        with pytest.raises(EntryArchived, match="gateway archive restore"):
            await run_all(journal, kafka_bootstrap, topics)
        assert read_with_librdkafka(kafka_bootstrap, topics.events) == []
        await restore_archive(store, path, KEYSET, "an officer")
        (reached,) = await run_all(journal, kafka_bootstrap, topics)
    assert (reached.seq, reached.checkpoint_seq) == (7, 7)
    assert sorted(each.number for each in read_with_librdkafka(kafka_bootstrap, topics.events)) == list(range(1, 11))
    assert len(read_with_librdkafka(kafka_bootstrap, topics.checkpoints)) == 1


async def test_the_command_refuses_topics_that_are_not_empty_and_names_them(
    kafka_bootstrap: str, new_database: Callable[[], str]
) -> None:
    dsn = new_database()
    await migrate(dsn)
    await apply_topics(kafka_bootstrap)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    producer.produce("fma.answers.v1", b"something")
    assert await asyncio.to_thread(producer.flush, 10) == 0
    environment = {**os.environ, "GATEWAY_DATABASE_URL": dsn, "GATEWAY_KAFKA_BOOTSTRAP": kafka_bootstrap}
    command = [sys.executable, "-m", "gateway", "relay", "--rebuild", "--json"]
    done = await asyncio.create_subprocess_exec(*command, env=environment, stderr=PIPE, stdout=PIPE)
    _, told = await done.communicate()
    assert done.returncode == 2
    assert b"not empty: fma.answers.v1" in told
    assert b"gateway topics apply" in told
