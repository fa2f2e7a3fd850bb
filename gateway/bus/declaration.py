"""The topics as they are declared: data, read and checked, with no Kafka needed."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.errors import ConfigurationError

DAY_MS = 24 * 60 * 60 * 1000
TOPIC_NAME = r"^[a-z0-9]+([.-][a-z0-9]+)*$"
SMALLEST_SEGMENT = 1 << 20

Name = Annotated[str, Field(pattern=TOPIC_NAME, max_length=249)]
RoleName = Annotated[str, Field(pattern=r"^[a-z]+$")]
Principal = Annotated[str, Field(pattern=r"^User:[^\s*]+$", max_length=512)]
Prefix = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*[.-]$", max_length=200)]


class Cleanup(StrEnum):
    """What Kafka does with old records."""

    DELETE = "delete"
    COMPACT = "compact"


class Topic(BaseModel):
    """One declared topic; the fields are explained at the head of topics.toml. `key` says what the records' key is."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    name: Name
    description: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)]
    partitions: Annotated[int, Field(ge=1, le=10_000)]
    replication_factor: Annotated[int, Field(ge=1, le=32)]
    min_insync_replicas: Annotated[int, Field(ge=1, le=32)]
    retention_days: Annotated[int, Field(ge=0)]
    max_message_bytes: Annotated[int, Field(ge=1024, le=100 << 20)]
    cleanup: Cleanup
    readers: tuple[RoleName, ...]
    writers: tuple[RoleName, ...]

    @model_validator(mode="after")
    def _replicas_can_be_in_sync(self) -> Self:
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError("min_insync_replicas is above replication_factor")
        return self

    def replicas(self, brokers: int) -> int:
        """How many replicas the topic gets in a cluster of that many brokers."""
        return min(self.replication_factor, brokers)

    def configuration(self, replicas: int) -> Mapping[str, str]:
        """Kafka's names and values for a topic of that many replicas; all else is left at Kafka's defaults."""
        retention = self.retention_days * DAY_MS if self.retention_days else -1
        in_sync = max(1, min(self.min_insync_replicas, replicas - 1))
        settings = {
            "cleanup.policy": str(self.cleanup),
            "compression.type": "producer",
            "max.message.bytes": str(self.max_message_bytes),
            "min.insync.replicas": str(in_sync),
        }
        if self.cleanup is Cleanup.COMPACT:
            return settings | self._compaction()
        return settings | {"retention.ms": str(retention)}

    def _compaction(self) -> dict[str, str]:
        """Small segments, for only closed ones are compacted; one must hold the largest message."""
        segment = max(SMALLEST_SEGMENT, 2 * self.max_message_bytes)
        return {"min.cleanable.dirty.ratio": "0.1", "segment.bytes": str(segment), "segment.ms": str(DAY_MS)}


class Role(BaseModel):
    """One declared role; the fields are explained at the head of topics.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    name: RoleName
    principals: tuple[Principal, ...]
    groups: Prefix | None = None
    transactions: Prefix | None = None


@dataclass(frozen=True, slots=True)
class TopicTable:
    """The declared topics by name, in the order of the file, and the roles that they name."""

    topics: Mapping[str, Topic]
    roles: Mapping[str, Role] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Topic:
        return self.topics[name]

    def __contains__(self, name: object) -> bool:
        return name in self.topics

    def __len__(self) -> int:
        return len(self.topics)

    @property
    def names(self) -> tuple[str, ...]:
        """The names alone."""
        return tuple(self.topics)


Declared = TypeVar("Declared", Topic, Role)


def load_topics(source: Traversable | None = None) -> TopicTable:
    """The topics declared in `source` (by default deploy/kafka/topics.toml).

    Raises ConfigurationError that names the file, the topic and the field.
    """
    place = source if source is not None else files("deploy") / "kafka" / "topics.toml"
    try:
        declared = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{place} can't be read: {error}") from error
    unknown = sorted(declared.keys() - {"defaults", "topics", "roles"})
    if unknown:
        raise ConfigurationError(f"{place}: unknown table {', '.join(unknown)}; known are defaults, topics and roles")
    defaults, topics, roles = (declared.get(each, {}) for each in ("defaults", "topics", "roles"))
    if not all(isinstance(each, dict) for each in (defaults, topics, roles)) or not topics:
        raise ConfigurationError(f"{place} declares no topics")
    table = TopicTable(
        {name: _parsed(Topic, f"{place}: topic {name}", name, facts, defaults) for name, facts in topics.items()},
        {name: _parsed(Role, f"{place}: role {name}", name, facts, {}) for name, facts in roles.items()},
    )
    _check_roles(place, table)
    return table


def _check_roles(place: Traversable, table: TopicTable) -> None:
    for topic in table.topics.values():
        unknown = sorted({*topic.readers, *topic.writers} - table.roles.keys())
        if unknown:
            raise ConfigurationError(f"{place}: topic {topic.name}: no role {', '.join(unknown)} is declared")


def _parsed(kind: type[Declared], where: str, name: str, facts: object, defaults: Mapping[str, object]) -> Declared:
    if not isinstance(facts, dict):
        raise ConfigurationError(f"{where}: it is not a table")
    try:
        return kind.model_validate({**defaults, **facts, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ConfigurationError(f"{where}: {place}: {first['msg']}") from error
