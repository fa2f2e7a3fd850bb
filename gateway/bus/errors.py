"""What can go wrong with Kafka, in the gateway's own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from gateway.errors import GatewayError, Unavailable

NOT_ALLOWED = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)


class KafkaUnavailable(Unavailable):
    """Kafka does not answer, or not in time."""

    code = "kafka-unavailable"


class KafkaAuthenticationFailed(KafkaUnavailable):
    """Kafka is there and does not believe the credentials: a wrong password, user or mechanism.

    It is tried again, for passwords are changed on both sides one after the other.
    """

    code = "kafka-authentication-failed"


class TopicMissing(Unavailable):
    """A topic that is needed does not exist yet; `gateway topics apply` makes it."""

    code = "topic-missing"


class KafkaRefused(GatewayError):
    """Kafka does not let this client do what it asks for."""

    code = "kafka-refused"


class RecordTooLarge(GatewayError):
    """A record is larger than its topic allows."""

    code = "record-too-large"


class RecordsGone(GatewayError):
    """Records were deleted before this reader had read them; they are in the journal, and no more in Kafka."""

    code = "records-gone"


class RelayFenced(GatewayError):
    """Another relay of the same ledger has taken over, or a transaction outlived its time; this one stops."""

    code = "relay-fenced"


@contextmanager
def kafka_errors(doing: str) -> Iterator[None]:
    """Turns the client library's errors into the gateway's; `doing` says what was tried, such as `reading x`.

    What is neither a fence, nor a refusal, nor a record's size is held to be passing: KafkaUnavailable.
    """
    try:
        yield
    except ProducerFenced as error:
        raise RelayFenced(f"{doing}: a newer producer works under the same transactional id") from error
    except NOT_ALLOWED as error:
        raise KafkaRefused(f"{doing}: Kafka refuses it to this client ({type(error).__name__})") from error
    except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
        raise RecordTooLarge(
            f"{doing}: a record is larger than its topic allows; raise max_message_bytes in topics.toml "
            "and run `gateway topics apply`"
        ) from error
    except (KafkaError, OSError) as error:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise KafkaUnavailable(f"{doing}: Kafka is not there now ({text})") from error
