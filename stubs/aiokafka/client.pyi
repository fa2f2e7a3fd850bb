import ssl
from typing import Any

from aiokafka.protocol.api import Request

class AIOKafkaClient:
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        request_timeout_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: ssl.SSLContext | None = None,
        sasl_mechanism: str = ...,
        sasl_plain_username: str | None = None,
        sasl_plain_password: str | None = None,
    ) -> None: ...
    async def bootstrap(self) -> None: ...
    async def close(self) -> None: ...
    def get_random_node(self) -> int | None: ...
    async def send(self, node_id: int | None, request: Request[Any]) -> Any: ...
