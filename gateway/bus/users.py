"""Kafka's own users: SCRAM credentials, set by an administrator so that the broker never learns the password."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from gateway.bus.cluster import REQUEST_MS
from gateway.bus.connecting import Bootstrap, options_of
from gateway.bus.errors import KafkaRefused, kafka_errors

SHA_512 = 2
ROUNDS = 8192
SALT_BYTES = 32


class _Answer(Response):
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Alter(RequestStruct):
    """AlterUserScramCredentials version 0 of Kafka's protocol, which the library does not have."""

    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _Answer
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterUsers(Request[_Alter]):
    API_KEY = 51

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = passwords

    def build(self, request_struct_class: type[_Alter]) -> _Alter:
        return request_struct_class([], [_salted(*each) for each in self._passwords.items()], {})


async def set_passwords(bootstrap: Bootstrap, passwords: Mapping[str, str]) -> None:
    """Makes users with these passwords (SCRAM-SHA-512), or gives those that exist the passwords.

    Raises KafkaRefused where this client may not, KafkaUnavailable.
    """
    client = AIOKafkaClient(**options_of(bootstrap), request_timeout_ms=REQUEST_MS)
    try:
        with kafka_errors(f"setting the users of {bootstrap}"):
            await client.bootstrap()
            response: Any = await client.send(client.get_random_node(), _AlterUsers(passwords))
    finally:
        await client.close()
    for user, code, message, _tags in response.results:
        if code:
            raise KafkaRefused(f"the user {user}: {message or for_code(code).__name__}")


def _salted(name: str, password: str) -> tuple[str, int, int, bytes, bytes, dict[int, bytes]]:
    """The password as RFC 5802 has it salted; Kafka keeps what follows from that, never the password."""
    salt = secrets.token_bytes(SALT_BYTES)
    return name, SHA_512, ROUNDS, salt, hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS), {}
