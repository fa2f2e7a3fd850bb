"""Who may read and write in Kafka: a guarded node as librdkafka and the gateway's own programs meet it."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from gateway.bus.access import AccessUnguarded, Operation, Pattern, Resource, Rule, apply_access, declared_rules
from gateway.bus.cluster import require_topics
from gateway.bus.connecting import Endpoint
from gateway.bus.declaration import TopicTable, load_topics
from gateway.bus.errors import KafkaAuthenticationFailed, KafkaRefused, TopicMissing
from gateway.bus.positions import Position
from gateway.bus.publisher import TransactionalPublisher
from gateway.consumer import subscribe
from gateway.local.guard import ADMINISTRATOR, Guard
from gateway.local.kafka import Kafka, Ports
from gateway.local.ports import HOST
from tests.bus.kit import KEYS, KEYSET, sealed, settle

SUSPICIOUS, REJECTIONS, CHECKPOINTS = "fma.fm1.suspicious.v1", "fma.rejections.v1", "fma.checkpoints.v1"
AUDITORS_RULE = Rule("User:auditors", Resource.TOPIC, Pattern.EXACT, CHECKPOINTS, Operation.READ)


class Node:
    """A guarded node, and how its users see it."""

    def __init__(self, directory: Path) -> None:
        self.guard = Guard(directory / "kafka" / "users", open_to_all=False)
        self.kafka = Kafka(directory / "kafka", directory / "kafka.log", self.guard)
        self.ports = Ports(0, 0)

    def start(self) -> None:
        self.guard.prepare(datetime.now(UTC))
        _process, self.ports = self.kafka.start()
        self.guard.apply(self.ports.sasl)

    def endpoint(self, user: str) -> Endpoint:
        return self.guard.endpoint(self.ports.sasl, user)

    def over_tls(self, user: str, password: Path | None = None) -> Endpoint:
        file = password or self.guard.password_file(user)
        place = f"{HOST}:{self.ports.tls}"
        return Endpoint(place, "SASL_SSL", username=user, password_file=file, ca_file=self.guard.certificate)


@pytest.fixture(scope="module")
def node(short_directory: Path) -> Iterator[Node]:
    before = logging.getLogger("aiokafka.conn").level
    node = Node(short_directory / "guarded")
    node.start()
    yield node
    node.kafka.stop()
    logging.getLogger("aiokafka.conn").setLevel(before)


def rdkafka(node: Node, user: str) -> dict[str, Any]:
    """The settings with which librdkafka logs in, over TLS."""
    return {
        "bootstrap.servers": f"{HOST}:{node.ports.tls}",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": node.guard.password_file(user).read_text(encoding="ascii"),
        "ssl.ca.location": str(node.guard.certificate),
    }


def written(node: Node, user: str, topic: str) -> str:
    """What Kafka says to a record that is written there; empty when it takes it."""
    said: list[str] = []
    producer = Producer({**rdkafka(node, user), "message.timeout.ms": 20_000})
    producer.produce(topic, b"forged", on_delivery=lambda error, _: said.append(error.name() if error else ""))
    producer.flush(30)
    return said[0]


def fetched(node: Node, user: str, topic: str, seconds: float) -> bool:
    """Whether a consumer gets a record within that time that names its place itself and needs no group."""
    consumer = Consumer({**rdkafka(node, user), "group.id": f"{user}.own", "enable.auto.commit": False})
    partitions = range(load_topics()[topic].partitions)
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        message = consumer.poll(seconds)
        return message is not None and message.error() is None
    finally:
        consumer.close()


async def publish(node: Node, topic: str, number: int) -> None:
    """One sealed record in the relay's own way."""
    record = await sealed(topic, number, keys=KEYS)
    async with TransactionalPublisher(node.endpoint("relay"), "fma-relay-0") as publisher:
        await publisher.start()
        await publisher.publish([record], Position(0, number, b"\0" * 32))
    await asyncio.to_thread(settle, rdkafka(node, "analytics"), topic)


async def test_the_relay_writes_and_an_analyst_reads_what_it_wrote_with_tls_and_without(node: Node) -> None:
    await publish(node, REJECTIONS, 1)
    for endpoint in (node.endpoint("analytics"), node.over_tls("analytics")):
        events = subscribe(REJECTIONS, bootstrap=endpoint, keys=KEYSET, from_beginning=True, until_end=True)
        async with events:
            assert [event.seal async for event in events] == ["valid"]


@pytest.mark.parametrize("user", ["analytics", "auditors", "registry", "gateway"])
def test_nobody_but_the_relay_writes_to_a_topic_of_the_log(node: Node, user: str) -> None:
    assert written(node, user, CHECKPOINTS) == "TOPIC_AUTHORIZATION_FAILED"


def test_the_relay_writes_nothing_but_what_is_its_own(node: Node) -> None:
    assert written(node, "relay", "fma.codes.v1") == "TOPIC_AUTHORIZATION_FAILED"


async def test_a_consumer_without_rights_on_a_topic_gets_none_of_it(node: Node) -> None:
    await publish(node, SUSPICIOUS, 2)
    assert await asyncio.to_thread(fetched, node, "analytics", SUSPICIOUS, 30)
    for user in ("auditors", "registry", "gateway", "entities"):
        with pytest.raises((KafkaRefused, TopicMissing)):
            await subscribe(SUSPICIOUS, bootstrap=node.endpoint(user), keys=KEYSET).__aenter__()
        assert not await asyncio.to_thread(fetched, node, user, SUSPICIOUS, 2)


async def take_group(node: Node, group: str) -> None:
    """Reads a topic to its end as an analyst, and commits that for the group."""
    place = node.endpoint("analytics")
    reader = subscribe(CHECKPOINTS, bootstrap=place, keys=KEYSET, group=group, from_beginning=True, until_end=True)
    async with reader:
        async for _ in reader:
            pass
        await reader.commit()


async def test_a_consumer_has_groups_of_its_own_and_no_others(node: Node) -> None:
    await take_group(node, "analytics.night")
    assert await asyncio.to_thread(joined, node, "analytics", "auditors.night") == "GROUP_AUTHORIZATION_FAILED"


def joined(node: Node, user: str, group: str) -> str:
    """What Kafka says to a consumer that joins the group."""
    consumer = Consumer({**rdkafka(node, user), "group.id": group})
    try:
        consumer.subscribe([CHECKPOINTS])
        message = consumer.poll(30)
        error = message.error() if message is not None else None
        return error.name() if error else ""
    finally:
        consumer.close()


async def test_nobody_else_may_fence_the_relay(node: Node) -> None:
    thief = TransactionalPublisher(node.endpoint("analytics"), "fma-relay-0", deadline=20)
    with pytest.raises(KafkaRefused):
        await thief.start()


async def test_a_wrong_password_is_refused(node: Node, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.password"
    wrong.write_text("guessed", encoding="ascii")
    guessed = node.over_tls("analytics", wrong)
    for use in (apply_access(guessed, dry_run=True), require_topics(guessed, [CHECKPOINTS])):
        with pytest.raises(KafkaAuthenticationFailed, match=f"analytics with the password in {wrong}.*PASSWORD_FILE"):
            await use
    with pytest.raises(KafkaAuthenticationFailed):
        await TransactionalPublisher(guessed, "fma-relay-0").start()


async def test_only_the_administrator_changes_access_lists(node: Node) -> None:
    with pytest.raises(KafkaRefused):
        await apply_access(node.endpoint("relay"))


async def test_what_is_not_declared_is_taken_away_and_applying_again_changes_nothing(node: Node) -> None:
    administrator = node.endpoint(ADMINISTRATOR)
    assert await apply_access(administrator) == ()
    declared = load_topics()
    fewer = declared[CHECKPOINTS].model_copy(update={"readers": ("analytics",)})
    table = TopicTable({**declared.topics, CHECKPOINTS: fewer}, declared.roles)
    (told,) = await apply_access(administrator, table, dry_run=True)
    (revoked,) = await apply_access(administrator, table)
    assert str(revoked) == str(told) == f"revoked: User:auditors may read topic {CHECKPOINTS}"
    with pytest.raises((KafkaRefused, TopicMissing)):
        await subscribe(CHECKPOINTS, bootstrap=node.endpoint("auditors"), keys=KEYSET).__aenter__()
    (restored,) = await apply_access(administrator)
    assert restored.rule == AUDITORS_RULE


async def test_a_broker_without_access_lists_is_told(kafka_bootstrap: str) -> None:
    with pytest.raises(AccessUnguarded, match="no authorizer"):
        await apply_access(kafka_bootstrap)


def test_every_reader_and_writer_of_the_declaration_becomes_a_rule_and_nothing_else_does() -> None:
    table = load_topics()
    rules = {(rule.principal, rule.name, rule.operation) for rule in declared_rules(table)}
    topics = {
        (principal, topic.name, operation)
        for topic in table.topics.values()
        for names, operation in ((topic.readers, Operation.READ), (topic.writers, Operation.WRITE))
        for name in names
        for principal in table.roles[name].principals
    }
    assert {rule for rule in rules if rule[1].startswith("fma.")} == topics
    assert {rule for rule in rules if not rule[1].startswith("fma.")} == {
        ("User:relay", "fma-relay-", Operation.WRITE),
        *((f"User:{name}", f"{name}.", Operation.READ) for name in ("analytics", "auditors", "entities", "gateway")),
    }


def test_passwords_and_the_servers_settings_are_the_owners_alone(node: Node) -> None:
    secret = [*node.guard.directory.glob("*.password"), *node.guard.directory.glob("server.key*")]
    assert len(secret) >= 9
    assert {path.stat().st_mode & 0o777 for path in [*secret, node.kafka.directory / "server.properties"]} == {0o600}
    assert node.guard.directory.stat().st_mode & 0o777 == 0o700
