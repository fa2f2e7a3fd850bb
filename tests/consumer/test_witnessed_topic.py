"""Checkpoints on a topic are held against the witnesses whose words they carry, and against compromised keys."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson
from aiokafka import AIOKafkaProducer

from gateway.bus.checkpoints import CHECKPOINTS_TOPIC
from gateway.bus.declaration import TopicTable
from gateway.bus.topics import apply_topics
from gateway.consumer import TopicBreak, TopicReport, load_keys, verify_topic
from gateway.consumer.seals import seal_of
from gateway.model import Checkpoint, Cosignature, Record
from gateway.relay import checkpoint_record
from gateway.sealing.checkpoints import seal_checkpoint
from gateway.sealing.cosignatures import seal_cosignature
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import public_jwk
from tests.bus.kit import KEYS, KEYSET, NOON, declared, make_keys

WITNESS = make_keys()


def chain(seq: int) -> bytes:
    return bytes([seq]) * 32


async def word(seq: int, value: bytes) -> str:
    return (await seal_cosignature(Cosignature(0, seq, value, NOON, ""), WITNESS)).jws


async def record(seq: int, *words: str) -> Record:
    made = await seal_checkpoint(Checkpoint(0, seq, chain(seq), NOON), KEYS)
    return checkpoint_record(replace(made, cosignatures=words))


async def put(bootstrap: str, made: Record) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await (await producer.send(made.topic, made.value, made.key.encode(), headers=list(made.headers)))
    await producer.stop()


async def verified(bootstrap: str) -> TopicReport:
    return await verify_topic(CHECKPOINTS_TOPIC, bootstrap=bootstrap, keys=KEYSET, witnesses=KeySet.of(WITNESS))


async def test_a_topic_that_tells_another_history_than_the_witness_saw_is_broken_and_the_place_is_named(
    kafka_bootstrap: str,
) -> None:
    await apply_topics(kafka_bootstrap, topics=TopicTable({CHECKPOINTS_TOPIC: declared(CHECKPOINTS_TOPIC)}))
    await put(kafka_bootstrap, await record(1))
    assert (await verified(kafka_bootstrap)).first == TopicBreak(CHECKPOINTS_TOPIC, 0, 0, "unwitnessed")
    await put(kafka_bootstrap, await record(2, await word(1, chain(1))))
    report = await verified(kafka_bootstrap)
    assert (report.intact, report.cosignatures, report.records) == (True, 1, 2)
    await put(kafka_bootstrap, await record(3, await word(2, b"other history".ljust(32))))
    assert (await verified(kafka_bootstrap)).first == TopicBreak(CHECKPOINTS_TOPIC, 0, 2, "history")
    damaged = await word(3, chain(3))
    await put(kafka_bootstrap, await record(4, damaged[:-8] + ("A" if damaged[-8] != "A" else "B") + damaged[-7:]))
    assert (await verified(kafka_bootstrap)).breaks == 2


async def test_a_seal_of_a_compromised_key_is_neither_valid_nor_taken_for_a_forgery() -> None:
    made = await record(5)
    moment = int(datetime(2026, 11, 28, tzinfo=UTC).timestamp())
    revoked = {**public_jwk(KEYS), "revoked": {"revoked_at": moment, "reason": "compromised"}}
    keys = load_keys(orjson.dumps({"keys": [revoked]}))
    assert seal_of(made.topic, made.headers, made.value, keys) == "compromised-key"
    assert seal_of(made.topic, made.headers, made.value, keys.regardless()) == "valid"
    assert keys.compromised_at(KEYS.kid) == datetime(2026, 11, 28, tzinfo=UTC)
    forged = replace(made, value=made.value.replace(b'"seq":5', b'"seq":6'))
    assert seal_of(forged.topic, forged.headers, forged.value, keys.regardless()) == "checkpoint"
