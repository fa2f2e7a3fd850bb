"""One root for everything the gateway refuses or fails at."""

from typing import ClassVar


class GatewayError(Exception):
    """Something the gateway could not or would not do.

    `code` is stable and never reused, `retriable` tells whether the same request may succeed later. The text of the
    exception is for operators; what a client reads comes from the problem catalogue, chosen by `code`.
    """

    code: ClassVar[str] = "internal"
    retriable: ClassVar[bool] = False


class ConfigurationError(GatewayError):
    """A setting, a file or a key that the gateway needs is missing or wrong."""

    code = "configuration"


class Unavailable(GatewayError):
    """A part that the request needs (PostgreSQL, Kafka, a place in the queue) is not there now."""

    code = "unavailable"
    retriable = True
