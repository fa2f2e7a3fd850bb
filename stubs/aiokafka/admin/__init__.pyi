import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin.config_resource import ConfigResource

class NewTopic:
    def __init__(
        self,
        name: str,
        num_partitions: int,
        replication_factor: int,
        replica_assignments: Mapping[int, list[int]] | None = None,
        topic_configs: Mapping[str, str] | None = None,
    ) -> None: ...

class NewPartitions:
    def __init__(self, total_count: int, new_assignments: list[list[int]] | None = None) -> None: ...

class AIOKafkaAdminClient:
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        client_id: str = ...,
        request_timeout_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: ssl.SSLContext | None = None,
        sasl_mechanism: str = ...,
        sasl_plain_username: str | None = None,
        sasl_plain_password: str | None = None,
    ) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def create_topics(
        self, new_topics: list[NewTopic], timeout_ms: int | None = None, validate_only: bool = False
    ) -> Any: ...
    async def delete_topics(self, topics: list[str], timeout_ms: int | None = None) -> Any: ...
    async def describe_topics(self, topics: list[str] | None = None) -> Sequence[Mapping[str, Any]]: ...
    async def describe_cluster(self) -> Mapping[str, Any]: ...
    async def describe_configs(
        self, config_resources: list[ConfigResource], include_synonyms: bool = False
    ) -> Sequence[Any]: ...
    async def alter_configs(self, config_resources: list[ConfigResource]) -> Sequence[Any]: ...
    async def create_partitions(
        self,
        topic_partitions: Mapping[str, NewPartitions],
        timeout_ms: int | None = None,
        validate_only: bool = False,
    ) -> Any: ...
