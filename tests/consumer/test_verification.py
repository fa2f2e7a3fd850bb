from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer

from gateway.bus.errors import TopicMissing
from gateway.consumer import TopicBreak, verify_topic
from gateway.model import Record
from tests.bus.kit import KEYSET, NOON, SENDERS, make_topics, sealed


async def put(bootstrap: str, *records: Record) -> None:
    """Records as anybody may write who is let: one after another, into partition 0."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for record in records:
        await (await producer.send(record.topic, record.value, record.key.encode(), 0, headers=list(record.headers)))
    await producer.stop()


async def test_an_untouched_topic_is_intact_and_says_what_was_checked(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    await put(kafka_bootstrap, *[await sealed(topics.events, number) for number in range(1, 8)])
    report = await verify_topic(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET)
    assert (report.intact, report.records, report.partitions, report.first) == (True, 7, {0}, None)


async def test_the_first_of_several_breaks_is_named(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    good = [await sealed(topics.events, number) for number in range(1, 5)]
    good[1] = replace(good[1], value=good[1].value.replace(b"2025", b"2024"))
    good[3] = replace(good[3], headers=good[3].headers[:-1])
    await put(kafka_bootstrap, *good)
    report = await verify_topic(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET)
    assert (report.intact, report.breaks) == (False, 2)
    assert report.first == TopicBreak(topics.events, 0, 1, "signature")
    assert str(report.first) == f"{topics.events}, partition 0, offset 1: signature"


async def test_an_event_that_stands_twice_is_a_break(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    record = await sealed(topics.events, 1)
    await put(kafka_bootstrap, record, await sealed(topics.events, 2), record)
    report = await verify_topic(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET)
    assert report.first == TopicBreak(topics.events, 0, 2, "duplicate")


async def test_a_key_far_out_of_order_is_a_break_and_a_little_is_not(kafka_bootstrap: str) -> None:
    topics = await make_topics(kafka_bootstrap, events=1)
    times = (0, 60, 59, -241, 61)
    records = [
        await sealed(topics.events, number, sender=SENDERS[0], at=NOON + timedelta(seconds=seconds))
        for number, seconds in enumerate(times)
    ]
    other = await sealed(topics.events, 99, sender=SENDERS[1], at=NOON - timedelta(days=1))
    await put(kafka_bootstrap, *records, other)
    report = await verify_topic(topics.events, bootstrap=kafka_bootstrap, keys=KEYSET)
    assert (report.breaks, report.first) == (1, TopicBreak(topics.events, 0, 3, "order"))


async def test_a_topic_that_is_not_there_is_named(kafka_bootstrap: str) -> None:
    with pytest.raises(TopicMissing, match=r"test\.nowhere\.v1"):
        await verify_topic("test.nowhere.v1", bootstrap=kafka_bootstrap, keys=KEYSET)
