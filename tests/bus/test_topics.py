import re
from pathlib import Path

import pytest

from gateway.bus.cluster import kafka_ready, partition_counts
from gateway.bus.declaration import Cleanup, TopicTable, load_topics
from gateway.bus.errors import KafkaUnavailable, TopicMissing
from gateway.bus.topics import TopicsRefused, apply_topics
from gateway.errors import ConfigurationError
from tests.bus.kit import declared, make_topics

EVERY_TOPIC = {
    "fma.fm1.threshold.v1",
    "fma.fm1.suspicious.v1",
    "fma.fm1.list-match.v1",
    "fma.fm1.other.v1",
    "fma.gaming.events.v1",
    "fma.gaming.integrity.v1",
    "fma.precious-metals.v1",
    "fma.luxury.v1",
    "fma.registrations.v1",
    "fma.answers.v1",
    "fma.rejections.v1",
    "fma.checkpoints.v1",
    "fma.codes.v1",
    "fma.lists.v1",
    "fma.requests.v1",
    "fma.relay-positions.v1",
}
GOOD = Path("deploy/kafka/topics.toml").read_text(encoding="utf-8")


def test_every_topic_of_the_design_is_declared() -> None:
    assert set(load_topics().names) == EVERY_TOPIC


def test_code_tables_lists_and_positions_are_compacted_and_nothing_else_is() -> None:
    compacted = {topic.name for topic in load_topics().topics.values() if topic.cleanup is Cleanup.COMPACT}
    assert compacted == {"fma.codes.v1", "fma.lists.v1", "fma.relay-positions.v1"}


def test_messages_are_kept_for_at_least_five_years() -> None:
    kept = [topic.retention_days for topic in load_topics().topics.values() if topic.cleanup is Cleanup.DELETE]
    assert all(days == 0 or days >= 5 * 366 for days in kept)


def test_one_broker_gets_one_replica_and_three_get_three_with_two_in_sync() -> None:
    topic = load_topics()["fma.fm1.threshold.v1"]
    assert (topic.replicas(1), topic.replicas(5)) == (1, 3)
    assert topic.configuration(1)["min.insync.replicas"] == "1"
    assert topic.configuration(3)["min.insync.replicas"] == "2"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("partitions = 12", "partitions = 0"),
        ("partitions = 12", 'partitions = "many"'),
        ("partitions = 12", "partitons = 12"),
        ('cleanup = "compact"', 'cleanup = "burn"'),
        ("min_insync_replicas = 2", "min_insync_replicas = 4"),
        ('readers = ["gateway"]', 'readers = ["A B"]'),
    ],
)
def test_a_wrong_declaration_is_refused_with_file_topic_and_field(tmp_path: Path, broken: str, said: str) -> None:
    file = tmp_path / "topics.toml"
    file.write_text(GOOD.replace(broken, said, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{re.escape(str(file))}: topic fma\."):
        load_topics(file)


@pytest.mark.parametrize("text", ["topics = 3", "", "[topics]", "[topic.x]\na = 1", "not toml"])
def test_a_file_that_declares_no_topics_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "topics.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(str(file))):
        load_topics(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml can't be read"):
        load_topics(tmp_path / "nowhere.toml")


def table(name: str, **values: object) -> TopicTable:
    return TopicTable({name: declared(name).model_copy(update=values)})


async def test_missing_topics_are_made_once_and_applying_again_changes_nothing(kafka_bootstrap: str) -> None:
    first = await apply_topics(kafka_bootstrap)
    assert {change.topic for change in first} <= EVERY_TOPIC
    assert await apply_topics(kafka_bootstrap) == ()
    counts = await partition_counts(kafka_bootstrap)
    assert {name: counts[name] for name in EVERY_TOPIC} == {
        topic.name: topic.partitions for topic in load_topics().topics.values()
    }


async def test_a_dry_run_tells_and_does_nothing(kafka_bootstrap: str) -> None:
    wanted = table("test.dry-run.v1", partitions=2)
    told = await apply_topics(kafka_bootstrap, dry_run=True, topics=wanted)
    assert [str(change) for change in told] == ["test.dry-run.v1: create: nothing -> 2 partitions, 1 replicas"]
    assert "test.dry-run.v1" not in await partition_counts(kafka_bootstrap)


async def test_partitions_are_raised_and_never_lowered(kafka_bootstrap: str) -> None:
    name = (await make_topics(kafka_bootstrap)).checkpoints
    raised = await apply_topics(kafka_bootstrap, topics=table(name, partitions=4))
    assert [(change.what, change.before, change.after) for change in raised] == [("partitions", "1", "4")]
    lowered = await apply_topics(kafka_bootstrap, topics=table(name, partitions=2))
    assert [change.what for change in lowered] == ["note"]
    assert (await partition_counts(kafka_bootstrap))[name] == 4


async def test_a_compacted_topic_keeps_its_partitions(kafka_bootstrap: str) -> None:
    name = (await make_topics(kafka_bootstrap)).positions
    wanted = table(name, partitions=3, cleanup=Cleanup.COMPACT)
    assert [change.what for change in await apply_topics(kafka_bootstrap, topics=wanted)] == ["note"]
    assert (await partition_counts(kafka_bootstrap))[name] == 1


async def test_settings_that_differ_are_put_right_and_the_others_stay(kafka_bootstrap: str) -> None:
    name = (await make_topics(kafka_bootstrap)).events
    first = await apply_topics(kafka_bootstrap, topics=table(name, partitions=3, retention_days=7))
    assert [(change.what, change.after) for change in first] == [("configuration", "604800000")]
    second = await apply_topics(
        kafka_bootstrap, topics=table(name, partitions=3, retention_days=7, max_message_bytes=2048)
    )
    assert [(change.what, change.after) for change in second] == [("configuration", "2048")]
    assert (
        await apply_topics(kafka_bootstrap, topics=table(name, partitions=3, retention_days=7, max_message_bytes=2048))
        == ()
    )


async def test_what_kafka_does_not_accept_is_refused_with_the_topics_name(kafka_bootstrap: str) -> None:
    wrong = TopicTable({"..": declared("test.refused.v1").model_copy(update={"name": ".."})})
    with pytest.raises(TopicsRefused, match=r"^\.\.: "):
        await apply_topics(kafka_bootstrap, topics=wrong)


async def test_an_unreachable_kafka_is_named() -> None:
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1"):
        await apply_topics("127.0.0.1:1")


async def test_readiness_asks_kafka_for_the_topics(kafka_bootstrap: str) -> None:
    name = (await make_topics(kafka_bootstrap)).events
    await kafka_ready(kafka_bootstrap, [name])
    with pytest.raises(TopicMissing, match=r"test\.not-there\.v1"):
        await kafka_ready(kafka_bootstrap, [name, "test.not-there.v1"])
    with pytest.raises(KafkaUnavailable):
        await kafka_ready("127.0.0.1:1")
