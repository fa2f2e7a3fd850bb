import asyncio
import ssl

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

class TransactionManager:
    def wait_for_transaction_end(self) -> asyncio.Future[None] | None: ...

class AIOKafkaProducer:
    _txn_manager: TransactionManager
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        client_id: str | None = None,
        acks: int | str = ...,
        compression_type: str | None = None,
        enable_idempotence: bool = False,
        linger_ms: int = 0,
        max_batch_size: int = ...,
        max_request_size: int = ...,
        metadata_max_age_ms: int = ...,
        request_timeout_ms: int = ...,
        retry_backoff_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: ssl.SSLContext | None = None,
        sasl_mechanism: str = ...,
        sasl_plain_username: str | None = None,
        sasl_plain_password: str | None = None,
        transaction_timeout_ms: int = ...,
        transactional_id: str | None = None,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def begin_transaction(self) -> None: ...
    async def commit_transaction(self) -> None: ...
    async def abort_transaction(self) -> None: ...
    async def partitions_for(self, topic: str) -> set[int]: ...
    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> asyncio.Future[RecordMetadata]: ...
    def create_batch(self) -> BatchBuilder: ...
    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata]: ...
