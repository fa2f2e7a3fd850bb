import asyncio
import hashlib
from collections.abc import Callable
from uuid import UUID

from gateway.bus.publisher import TransactionalPublisher
from gateway.journal import Journal, migrate
from gateway.model import Checkpoint, Draft, Receipt, Record, Verdict
from gateway.relay import Relay
from gateway.sealing.checkpoints import seal_checkpoint
from tests.bus.kit import KEYS, NOON, SENDERS, make_topics, read_with_librdkafka, sealed, until


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
