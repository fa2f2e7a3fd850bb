import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from gateway.local.kafka import Kafka, Ports, answers
from gateway.local.ports import HOST, free_ports
from gateway.local.processes import PartFailed

TOPIC = "kept"


@asynccontextmanager
async def started(client: Any) -> AsyncIterator[Any]:
    await client.start()
    try:
        yield client
    finally:
        await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())


@pytest.fixture(scope="module")
def kafka(short_directory: Path) -> Iterator[Kafka]:
    directory = short_directory / "kafka alone"
    kafka = Kafka(directory / "kafka", directory / "logs" / "kafka.log")
    kafka.start()
    yield kafka
    kafka.stop()


async def test_its_records_and_ports_are_kept_through_kill_9(kafka: Kafka) -> None:
    ports = kafka.ports()
    bootstrap = f"{HOST}:{ports.broker}"
    async with started(AIOKafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    async with started(AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")) as producer:
        for number in range(100):
            await producer.send_and_wait(TOPIC, str(number).encode())
    process = kafka.running()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert process.gone_within(5)
    assert kafka.running() is None
    _process, after = kafka.start(wanted=ports)
    assert after == ports
    async with started(AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")) as consumer:
        consumer.assign([TopicPartition(TOPIC, 0)])
        read = [(await consumer.getone()).value for _ in range(100)]
    assert read == [str(number).encode() for number in range(100)]


async def test_a_port_that_somebody_took_is_replaced_and_the_new_one_advertised(kafka: Kafka) -> None:
    before = kafka.ports()
    kafka.stop()
    assert kafka.running() is None
    with socket.create_server((HOST, before.broker)):
        _process, after = kafka.start(wanted=before)
    assert after.broker != before.broker
    assert after.controller == before.controller
    async with started(AIOKafkaProducer(bootstrap_servers=f"{HOST}:{after.broker}")) as producer:
        await producer.send_and_wait(TOPIC, b"more")


def test_starting_it_again_leaves_it_running(kafka: Kafka) -> None:
    process, ports = kafka.start()
    assert process == kafka.running()
    assert ports == kafka.ports()


def test_a_damaged_data_directory_is_told_with_the_end_of_the_log(kafka: Kafka) -> None:
    kafka.stop()
    facts = kafka.directory / "data" / "meta.properties"
    whole = facts.read_bytes()
    facts.write_bytes(whole.replace(b"node.id=1", b"node.id=2"))
    with pytest.raises(PartFailed, match=r"Kafka: stopped while starting(?s:.*)node id(?s:.*)read on in"):
        kafka.start()
    assert kafka.running() is None
    facts.write_bytes(whole)


def test_only_a_kafka_broker_answers() -> None:
    (free,) = free_ports((None,))
    assert not answers(free)
    with socket.create_server((HOST, 0)) as server:
        assert not answers(server.getsockname()[1], timeout=0.2)


def test_wanted_ports_are_taken_when_they_are_free_and_all_ports_differ() -> None:
    wanted = free_ports((None, None))
    assert free_ports(wanted) == wanted
    with socket.create_server((HOST, wanted[0])):
        got = free_ports(wanted)
    assert got[0] != wanted[0]
    assert got[1] == wanted[1]
    assert Ports(*got).broker != Ports(*got).controller
