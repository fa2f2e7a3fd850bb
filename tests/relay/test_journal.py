import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from gateway.bus.publisher import TransactionalPublisher
from gateway.journal import Journal, migrate
from gateway.model import Checkpoint, Draft, Receipt, Record, Verdict
from gateway.relay import LogBroken, Relay
from gateway.sealing.checkpoints import seal_checkpoint
from tests.bus.kit import KEYS, NOON, SENDERS, make_topics, read_with_librdkafka, sealed, until
from tests.journal.large import SMALL_PARTS, file_in_parts
from tests.journal.support import run


def draft(number: int, record: Record) -> Draft:
    body = b"<ExportData>%d</ExportData>" % number
    receipt = Receipt(
        id=UUID(int=number),
        verdict=Verdict.REFUSED,
        document=None,
        version=None,
        sender=SENDERS[number % len(SENDERS)],
        sha256=hashlib.sha256(body).hexdigest(),
        received_at=NOON,
        family="fm1",
        message_type="doc",
        edition="2025-07-10",
        codes_digest="0" * 64,
        findings=(),
        jws="a.b.c",
    )
    return Draft(receipt, body, (record,))


async def test_what_is_filed_in_postgresql_comes_out_of_kafka_once_and_in_order(
    kafka_bootstrap: str, new_database: Callable[[], str]
) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    dsn = new_database()
    await migrate(dsn)
    async with Journal(dsn) as journal:
        publisher = TransactionalPublisher(kafka_bootstrap, topics.positions, positions_topic=topics.positions)
        relay = Relay(journal, publisher, batch=16, checkpoints_topic=topics.checkpoints)
        task = asyncio.create_task(relay.run())
        numbers = range(1, 101)
        filed = await asyncio.gather(
            *[journal.append(draft(number, await sealed(topics.events, number))) for number in numbers]
        )
        head = await journal.head(0)
        await journal.store_checkpoint(await seal_checkpoint(Checkpoint(0, head.seq, head.chain, NOON), KEYS))
        await until(lambda: relay.position is not None and relay.position.checkpoint_seq == 100)
        assert (relay.lag, relay.position and relay.position.chain) == (0, head.chain)
        relay.stop()
        await task
    order = [each.receipt_id.int for each in sorted(filed, key=lambda each: each.seq)]
    assert [each.number for each in read_with_librdkafka(kafka_bootstrap, topics.events)] == order
    assert len(read_with_librdkafka(kafka_bootstrap, topics.checkpoints)) == 1


async def test_a_large_entry_comes_out_whole_and_of_a_damaged_one_nothing(
    kafka_bootstrap: str, new_database: Callable[[], str]
) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    dsn = new_database()
    await migrate(dsn)
    async with Journal(dsn, limits=SMALL_PARTS) as journal:
        for number in (1, 101):
            records = tuple([await sealed(topics.events, each) for each in range(number, number + 30)])
            await file_in_parts(journal, [replace(draft(number, records[0]), records=records)], size=7)
        publisher = TransactionalPublisher(kafka_bootstrap, topics.positions, positions_topic=topics.positions)
        await run(dsn, "ALTER TABLE entry_parts DISABLE TRIGGER append_only")
        last = "SELECT max(number) FROM entry_parts WHERE kind = 'records'"
        await run(
            dsn,
            "UPDATE entry_parts SET bytes = set_byte(bytes, 9, get_byte(bytes, 9) # 1) WHERE kind = 'records'"
            f" AND receipt_id = $1 AND number = ({last})",
            UUID(int=101),
        )
        relay = Relay(journal, publisher, checkpoints_topic=topics.checkpoints)
        with pytest.raises(LogBroken, match=r"entry 2: .*records part"):
            await relay.run()
    assert [each.number for each in read_with_librdkafka(kafka_bootstrap, topics.events)] == list(range(1, 31))
