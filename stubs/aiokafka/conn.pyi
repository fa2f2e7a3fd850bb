import ssl

class AIOKafkaConnection:
    def close(self) -> object: ...

def collect_hosts(hosts: str | list[str]) -> list[tuple[str, int, int]]: ...
async def create_conn(
    host: str,
    port: int,
    *,
    request_timeout_ms: int = ...,
    security_protocol: str = ...,
    ssl_context: ssl.SSLContext | None = None,
    sasl_mechanism: str | None = None,
    sasl_plain_username: str | None = None,
    sasl_plain_password: str | None = None,
) -> AIOKafkaConnection: ...
