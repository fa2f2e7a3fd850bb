"""The first connection to a Kafka cluster, and why nobody was let in: the library logs that and tells no caller."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import AuthenticationFailedError, KafkaError, SaslAuthenticationFailed

from gateway.bus.connecting import PREFIX, Bootstrap, Endpoint
from gateway.bus.errors import KafkaAuthenticationFailed, KafkaUnavailable, kafka_errors

ASK_MS = 3_000


@asynccontextmanager
async def reaching(bootstrap: Bootstrap, doing: str) -> AsyncIterator[None]:
    """Inside, a client connects for the first time; raises what `kafka_errors` does.

    KafkaAuthenticationFailed where a broker is there and does not believe the credentials.
    """
    try:
        with kafka_errors(doing):
            yield
    except KafkaUnavailable as error:
        if isinstance(bootstrap, Endpoint) and await _is_kept_out(bootstrap):
            raise KafkaAuthenticationFailed(
                f"{doing}: authentication failed: Kafka does not let in {bootstrap.username} with the password in "
                f"{bootstrap.password_file} by {bootstrap.mechanism}; put {PREFIX}USERNAME, {PREFIX}PASSWORD_FILE or "
                f"{PREFIX}SASL_MECHANISM right, or give the user that password in Kafka"
            ) from error
        raise


async def _is_kept_out(endpoint: Endpoint) -> bool:
    """Whether the first broker that answers refuses the credentials."""
    if endpoint.username is None:
        return False
    told = endpoint.options()
    for host, port, _ in collect_hosts(endpoint.bootstrap):
        try:
            connection = await create_conn(
                host,
                port,
                request_timeout_ms=ASK_MS,
                ssl_context=told["ssl_context"],
                security_protocol=told["security_protocol"],
                sasl_mechanism=told["sasl_mechanism"],
                sasl_plain_username=told["sasl_plain_username"],
                sasl_plain_password=told["sasl_plain_password"],
            )
        except (AuthenticationFailedError, SaslAuthenticationFailed):
            return True
        except (OSError, KafkaError):
            continue
        connection.close()
        return False
    return False
