import asyncio
import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from gateway.bus.errors import KafkaUnavailable, TopicMissing
from gateway.bus.positions import Position
from gateway.bus.publisher import TransactionalPublisher
from gateway.consumer import BrokenSeal, Event, FM1Event, NotDecodable, RecordsGone, Rejection, decode, subscribe
from gateway.judging.examination import rendered
from gateway.model import Circumstances, Judgement, Receipt, Record
from gateway.sealing.records import records_for
from tests.bus.kit import KEYS, KEYSET, NOON, SENDERS, Topics, make_keys, make_topics, sealed, settle
from validators.judge import judge
from validators.parsing import parse
from validators.profiles import ProfileBook

CHAIN = bytes(32)
SAMPLE = Path("tests/samples/fm1-threshold-casino.xml").read_bytes()


async def publish(bootstrap: str, topics: Topics, *records: Record) -> None:
    """One committed transaction, so that markers stand at the end of every partition."""
    async with TransactionalPublisher(bootstrap, topics.positions, positions_topic=topics.positions) as publisher:
        await publisher.start()
        await publisher.publish(records, Position(0, 1, CHAIN))
    for topic in {record.topic for record in records}:
        await asyncio.to_thread(settle, {"bootstrap.servers": bootstrap}, topic)


async def numbered(topic: str, first: int, last: int) -> list[Record]:
    return [await sealed(topic, number) for number in range(first, last + 1)]


def number(event: Event) -> int:
    return int(str(event.value["sha256"]), 16)


async def read(bootstrap: str, topic: str, *, on_broken: str = "raise") -> list[Event]:
    assert on_broken in ("raise", "yield")
    everything = subscribe(
        topic,
        bootstrap=bootstrap,
        keys=KEYSET,
        from_beginning=True,
        until_end=True,
        on_broken="yield" if on_broken == "yield" else "raise",
    )
    return [event async for event in everything]


async def test_every_event_is_read_once_verified_up_to_the_markers_at_the_end(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 1, 20))
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 21, 30))
    async with asyncio.timeout(40):
        events = await read(kafka_bootstrap, topics.events)
    assert sorted(map(number, events)) == list(range(1, 31))
    assert {event.seal for event in events} == {"valid"}
    ordered = sorted(events, key=lambda event: event.partition)
    for _partition, own in groupby(ordered, lambda event: event.partition):
        offsets = [event.offset for event in own]
        assert offsets == sorted(offsets)


async def test_an_event_has_its_place_key_headers_and_value(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    record = await sealed(topics.events, 7)
    await publish(kafka_bootstrap, topics, record)
    (event,) = await read(kafka_bootstrap, topics.events)
    assert (event.topic, event.offset, event.key) == (topics.events, 0, record.key)
    assert event.headers == {name: value.decode() for name, value in record.headers}
    assert (event.value, event.raw) == (json.loads(record.value), record.value)


async def test_an_empty_topic_ends_at_once(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    assert await read(kafka_bootstrap, topics.events) == []


async def test_what_was_aborted_is_not_read_and_does_not_hold_up_the_end(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    await publish(kafka_bootstrap, topics, await sealed(topics.events, 1))
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=f"{topics.events}-other")
    await producer.start()
    await producer.begin_transaction()
    lost = await sealed(topics.events, 2)
    await (await producer.send(topics.events, lost.value, headers=list(lost.headers)))
    assert [number(event) for event in await read(kafka_bootstrap, topics.events)] == [1]
    await producer.abort_transaction()
    await producer.stop()
    async with asyncio.timeout(40):
        assert [number(event) for event in await read(kafka_bootstrap, topics.events)] == [1]


async def test_reading_begins_with_the_next_event_unless_told_otherwise(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 1, 5))
    async with subscribe(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET) as subscription:
        await publish(kafka_bootstrap, topics, await sealed(topics.events, 6))
        async for event in subscription:
            assert number(event) == 6
            break


async def test_positions_kept_beside_ones_results_resume_without_loss_or_double(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 1, 20))
    seen: list[int] = []
    async with subscribe(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, from_beginning=True) as first:
        async for event in first:
            seen.append(number(event))
            if len(seen) == 8:
                break
        kept = first.positions
    rest = subscribe(
        topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, start_at=kept, from_beginning=True, until_end=True
    )
    seen += [number(event) async for event in rest]
    assert sorted(seen) == list(range(1, 21))


async def test_a_group_goes_on_after_what_it_committed(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 1, 12))
    group = f"{topics.events}-group"
    seen: list[int] = []
    for _ in range(3):
        async with subscribe(
            topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, group=group, from_beginning=True, until_end=True
        ) as subscription:
            count = 0
            async for event in subscription:
                if count == 5:
                    break
                count += 1
                seen.append(number(event))
                await subscription.commit()
    assert sorted(seen) == list(range(1, 13))


async def test_a_group_that_begins_now_misses_nothing_while_it_is_away(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 1, 3))
    group = f"{topics.events}-group"
    async with subscribe(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, group=group):
        """Only said that it is there."""
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 4, 6))
    again = subscribe(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, group=group, until_end=True)
    assert sorted([number(event) async for event in again]) == [4, 5, 6]


async def test_doubles_are_dropped_and_counted(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    records = await numbered(topics.events, 1, 4)
    await publish(kafka_bootstrap, topics, *records, *records)
    async with subscribe(
        topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, from_beginning=True, until_end=True
    ) as subscription:
        assert sorted([number(event) async for event in subscription]) == [1, 2, 3, 4]
        assert subscription.duplicates == 4


async def test_only_so_many_events_are_remembered(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    records = await numbered(topics.events, 1, 3)
    await publish(kafka_bootstrap, topics, *records, *records)
    forgetful = subscribe(
        topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, from_beginning=True, until_end=True, remember=2
    )
    assert [number(event) async for event in forgetful] == [1, 2, 3, 1, 2, 3]


async def broken(topics: Topics) -> dict[str, Record]:
    """Records that the gateway did not publish like this, by what is wrong with them."""
    good = await sealed(topics.events, 1)
    return {
        "missing": replace(good, headers=tuple(header for header in good.headers if header[0] != "seal")),
        "signature": replace(good, value=good.value.replace(b"refused", b"accepted")),
        "unknown-key": await sealed(topics.events, 2, keys=make_keys()),
        "moved": replace(await sealed("fma.fm1.threshold.v1", 3), topic=topics.events),
        "malformed": replace(good, headers=(*good.headers[:6], ("seal", b"nonsense"))),
    }


@pytest.mark.parametrize("reason", ["missing", "signature", "unknown-key", "moved", "malformed"])
async def test_a_seal_that_does_not_hold_is_raised_or_given_out_with_its_reason(
    kafka_bootstrap: str, reason: str
) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    wrong = (await broken(topics))[reason]
    await publish(kafka_bootstrap, topics, wrong, await sealed(topics.events, 1))
    with pytest.raises(BrokenSeal, match=rf"{topics.events}, partition 0, offset 0: seal {reason}") as caught:
        await read(kafka_bootstrap, topics.events)
    assert caught.value.event.seal == reason
    events = await read(kafka_bootstrap, topics.events, on_broken="yield")
    assert [event.seal for event in events] == [reason, "valid"]


async def test_a_forged_event_does_not_hide_the_true_one(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    true = await sealed(topics.events, 1)
    forged = replace(true, value=b'{"sha256": "00"}')
    await publish(kafka_bootstrap, topics, forged, true)
    events = await read(kafka_bootstrap, topics.events, on_broken="yield")
    assert [event.seal for event in events] == ["signature", "valid"]


async def test_what_is_not_text_or_not_json_is_still_shown(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    strange = Record(topics.events, "k", b"\xff\xfe", (("seal", b"\xff"),))
    await publish(kafka_bootstrap, topics, strange)
    (event,) = await read(kafka_bootstrap, topics.events, on_broken="yield")
    assert (event.seal, event.value, event.raw) == ("malformed", {}, b"\xff\xfe")


async def test_a_missing_topic_and_an_unreachable_kafka_are_named(kafka_bootstrap: str) -> None:
    with pytest.raises(TopicMissing, match=r"test\.nowhere\.v1"):
        await read(kafka_bootstrap, "test.nowhere.v1")
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1"):
        await read("127.0.0.1:1", "test.nowhere.v1")


async def test_a_rejection_is_decoded_into_its_model(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    await publish(kafka_bootstrap, topics, await sealed(topics.events, 9))
    (event,) = await read(kafka_bootstrap, topics.events)
    rejection = decode(event)
    assert isinstance(rejection, Rejection)
    assert rejection.sha256 == f"{9:064x}"
    assert rejection.findings[0].path == "/ExportData"


async def test_an_accepted_message_is_decoded_into_its_model(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    judgement = replace(judge(parse(SAMPLE), Circumstances(NOON), ProfileBook.load()), topic=topics.events)
    receipt = receipt_of(judgement, SAMPLE)
    await publish(kafka_bootstrap, topics, (await records_for(rendered(judgement), receipt, KEYS))[0])
    (event,) = await read(kafka_bootstrap, topics.events)
    decoded = decode(event)
    assert isinstance(decoded, FM1Event)
    assert (decoded.id, decoded.sender, decoded.sha256) == (receipt.id, receipt.sender, receipt.sha256)
    assert decoded.message.document == decoded.document
    assert decoded.message.message.operation_kind == "0121"
    assert decoded.message.message.amount == Decimal("12000000.00")
    assert [finding.code for finding in decoded.findings] == [finding.code for finding in judgement.findings]


def receipt_of(judgement: Judgement, body: bytes) -> Receipt:
    return Receipt(
        id=UUID(int=1),
        verdict=judgement.verdict,
        document=judgement.document,
        version=judgement.version,
        sender=SENDERS[0],
        sha256=hashlib.sha256(body).hexdigest(),
        received_at=NOON,
        family=judgement.family,
        message_type=judgement.message_type,
        edition=judgement.edition,
        codes_digest=judgement.codes_digest,
        findings=judgement.findings,
    )


def event(kind: str, **value: object) -> Event:
    return Event("t", 0, 5, "k", {"ce_type": kind}, value, "valid")


def test_an_unknown_type_is_not_guessed() -> None:
    with pytest.raises(NotDecodable, match=r"t, partition 0, offset 5: events of type 'kz\.new\.v9' are not known"):
        decode(event("kz.new.v9"))


def test_a_shape_that_does_not_fit_names_the_fields_and_not_their_values() -> None:
    with pytest.raises(NotDecodable, match="sender") as caught:
        decode(event("kz.fma.message.refused.v1", sha256="secret", verdict="refused"))
    assert "secret" not in str(caught.value)


async def test_reading_a_great_many_events_leaves_room_for_the_heartbeats_of_the_group(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 1, 2000))
    turns: list[int] = []
    read_so_far = 0

    async def heartbeat() -> None:
        while True:
            turns.append(read_so_far)
            await asyncio.sleep(0)

    beating = asyncio.create_task(heartbeat())
    reading = subscribe(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET, from_beginning=True, until_end=True)
    async for _event in reading:
        read_so_far += 1
    beating.cancel()

    assert read_so_far == 2000
    assert max(after - before for before, after in pairwise(turns)) <= 64


@pytest.mark.parametrize("begin", [True, False])
async def test_a_group_whose_next_records_were_deleted_is_told_where_and_can_go_on_behind_them(
    kafka_bootstrap: str, *, begin: bool
) -> None:
    topics = await make_topics(kafka_bootstrap)
    group = f"late-{topics.events}"

    async def read_on(*, skip_gone: bool = False) -> tuple[list[int], int]:
        reading = subscribe(
            *(topics.events,),
            bootstrap=kafka_bootstrap,
            keys=KEYSET,
            group=group,
            from_beginning=begin,
            until_end=True,
            skip_gone=skip_gone,
        )
        async with reading:
            numbers = [number(event) async for event in reading]
            await reading.commit()
        return numbers, len(reading.gone)

    assert await read_on() == ([], 0)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 1, 20))
    await asyncio.to_thread(delete_all, kafka_bootstrap, topics.events)
    await publish(kafka_bootstrap, topics, *await numbered(topics.events, 21, 40))

    with pytest.raises(RecordsGone, match=f"{topics.events}, partition"):
        await read_on()
    numbers, gone = await read_on(skip_gone=True)

    assert sorted(numbers) == list(range(21, 41))
    assert gone >= 1
    assert await read_on() == ([], 0)


def delete_all(bootstrap: str, topic: str) -> None:
    """As retention does it: everything that is in the topic now, of every partition."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    partitions = client.list_topics(topic, timeout=10).topics[topic].partitions
    for deleted in client.delete_records([TopicPartition(topic, partition, -1) for partition in partitions]).values():
        deleted.result(30)
