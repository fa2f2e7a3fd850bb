"""The declared topics are made and kept in Kafka: missing ones created, partitions raised, settings put right."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from gateway.bus.cluster import administration
from gateway.bus.connecting import Bootstrap
from gateway.bus.declaration import Cleanup, Topic, TopicTable, load_topics
from gateway.bus.errors import KafkaUnavailable
from gateway.errors import GatewayError

__all__ = ["Change", "Cleanup", "Topic", "TopicTable", "TopicsRefused", "apply_topics", "load_topics"]

SET_ON_TOPIC = 1  # of DescribeConfigs' sources: set for this topic, not inherited
ALREADY_EXISTS = 36
NOTE = "note"
SETTLE_SECONDS = 15.0
SETTLE_PAUSE = 0.02


class TopicsRefused(GatewayError):
    """Kafka does not accept what was declared for a topic."""

    code = "topics-refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between declaration and cluster: `what` is `create`, `partitions`, `configuration` or `note`.

    A `note` is a difference that is left as it is: Kafka can't lower partitions, and a compacted topic's stay.
    """

    topic: str
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what}: {self.before or 'nothing'} -> {self.after}"


async def apply_topics(
    bootstrap: Bootstrap,
    *,
    dry_run: bool = False,
    topics: TopicTable | None = None,
    replication_factor: int | None = None,
) -> tuple[Change, ...]:
    """Makes the cluster hold the declared topics; returns what was changed, or would be with `dry_run`.

    `replication_factor` outweighs the declared one. Returns when the cluster shows the changes, so that applying twice
    changes nothing the second time; topics that are not declared are left alone. Raises KafkaUnavailable,
    KafkaRefused, or TopicsRefused naming the topic.
    """
    declared = tuple(_replicated(topic, replication_factor) for topic in (topics or load_topics()).topics.values())
    async with administration(bootstrap) as client:
        brokers = len((await client.describe_cluster())["brokers"])
        there = await _described(client, declared)
        changes = _differences(declared, there, brokers)
        await _create(client, [topic for topic in declared if topic.name not in there], brokers, dry_run=dry_run)
        if not dry_run and changes:
            await _amend(client, declared, there)
            await _settle(client, declared, brokers)
    return changes


@dataclass(frozen=True, slots=True)
class _Existing:
    partitions: int
    replicas: int
    settings: Mapping[str, str]

    def to_be_raised(self, topic: Topic) -> bool:
        """Whether partitions are added: never to a compacted topic, whose keys would leave old records behind."""
        return self.partitions < topic.partitions and topic.cleanup is not Cleanup.COMPACT

    def different(self, topic: Topic) -> dict[str, str]:
        """The settings that the topic should have and has not."""
        wanted = topic.configuration(self.replicas)
        return {name: value for name, value in wanted.items() if self.settings.get(name) != value}


def _replicated(topic: Topic, factor: int | None) -> Topic:
    if factor is None:
        return topic
    in_sync = min(topic.min_insync_replicas, factor)
    return topic.model_copy(update={"replication_factor": factor, "min_insync_replicas": in_sync})


async def _described(client: AIOKafkaAdminClient, declared: Sequence[Topic]) -> dict[str, _Existing]:
    names = {topic.name for topic in declared}
    topics = {each["topic"]: each["partitions"] for each in await client.describe_topics() if each["topic"] in names}
    if not topics:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    settings: dict[str, dict[str, str]] = {}
    for response in await client.describe_configs(resources):
        for code, message, _kind, name, entries in response.resources:
            _accept(name, code, message)
            settings[name] = {entry[0]: entry[1] for entry in entries if entry[3] == SET_ON_TOPIC}
    return {
        name: _Existing(len(partitions), min(len(each["replicas"]) for each in partitions), settings[name])
        for name, partitions in topics.items()
    }


def _differences(declared: Sequence[Topic], there: Mapping[str, _Existing], brokers: int) -> tuple[Change, ...]:
    changes: list[Change] = []
    for topic in declared:
        existing = there.get(topic.name)
        if existing is None:
            size = f"{topic.partitions} partitions, {topic.replicas(brokers)} replicas"
            changes.append(Change(topic.name, "create", "", size))
            continue
        if existing.to_be_raised(topic):
            changes.append(Change(topic.name, "partitions", str(existing.partitions), str(topic.partitions)))
        elif existing.partitions != topic.partitions:
            why = (
                "Kafka can't lower it" if existing.partitions > topic.partitions else "a compacted topic keeps its own"
            )
            kept = f"{topic.partitions} declared; {why}"
            changes.append(Change(topic.name, NOTE, f"{existing.partitions} partitions", kept))
        for name, value in existing.different(topic).items():
            before = f"{name}={existing.settings.get(name, 'default')}"
            changes.append(Change(topic.name, "configuration", before, value))
    return tuple(changes)


async def _create(client: AIOKafkaAdminClient, missing: Sequence[Topic], brokers: int, *, dry_run: bool) -> None:
    if not missing:
        return
    new = [_new(topic, topic.replicas(brokers)) for topic in missing]
    response = await client.create_topics(new, validate_only=dry_run)
    for name, code, message in response.topic_errors:
        if code != ALREADY_EXISTS:  # another one who applies was faster
            _accept(name, code, message)


def _new(topic: Topic, replicas: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs=dict(topic.configuration(replicas)))


async def _amend(client: AIOKafkaAdminClient, declared: Sequence[Topic], there: Mapping[str, _Existing]) -> None:
    known = [(topic, there[topic.name]) for topic in declared if topic.name in there]
    for topic, existing in known:
        if existing.to_be_raised(topic):
            await client.create_partitions({topic.name: NewPartitions(topic.partitions)})
        if different := existing.different(topic):
            await _configure(client, topic.name, {**existing.settings, **different})


async def _configure(client: AIOKafkaAdminClient, name: str, settings: Mapping[str, str]) -> None:
    """Sets all of a topic's own settings: this request replaces those that it does not name by the defaults."""
    for response in await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)]):
        for code, message, _kind, resource in response.resources:
            _accept(resource, code, message)


async def _settle(client: AIOKafkaAdminClient, declared: Sequence[Topic], brokers: int) -> None:
    """Waits until the broker that is asked has heard from the controller of every change."""
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while True:
                left = _differences(declared, await _described(client, declared), brokers)
                if all(change.what == NOTE for change in left):
                    return
                await asyncio.sleep(SETTLE_PAUSE)
    except TimeoutError as error:
        raise KafkaUnavailable(f"the changes are not in force after {SETTLE_SECONDS:.0f} s") from error


def _accept(topic: str, code: int, message: str | None) -> None:
    if code:
        raise TopicsRefused(f"{topic}: {message or for_code(code).__name__}")
