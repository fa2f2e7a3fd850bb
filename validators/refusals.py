"""Why bytes are not taken as a message at all: nothing here is a finding, and nothing of it is journalled."""

from collections.abc import Mapping
from typing import ClassVar

from validators.model import NOTHING


class Refusal(Exception):
    """The bytes can't be read as a message.

    `code` names the kind and is never reused; `reason` is a stable slug such as `dtd` or `utf-7`; `line` counts from
    1 and is None where the bytes have no lines; `parameters` fill the text shown to a reader and hold neither
    personal data nor values of the message.
    """

    code: ClassVar[str] = "unreadable"

    def __init__(self, reason: str, line: int | None = None, parameters: Mapping[str, str] = NOTHING) -> None:
        self.reason = reason
        self.line = line
        self.parameters = parameters
        super().__init__(reason, line, dict(parameters))

    def __str__(self) -> str:
        facts = [f"{name}={value}" for name, value in self.parameters.items()]
        place = [f"line {self.line}"] if self.line is not None else []
        return ", ".join([f"{self.code}: {self.reason}", *place, *facts])


class NotWellFormed(Refusal):
    """The bytes are not well-formed XML 1.0."""

    code = "not-well-formed"


class EncodingRefused(Refusal):
    """The encoding is none of those taken, or the bytes are not what is declared."""

    code = "encoding"


class Hostile(Refusal):
    """The XML holds what no message needs: a DTD, an entity, a comment, a processing instruction, XML 1.1."""

    code = "hostile"


class LimitExceeded(Refusal):
    """The XML is deeper, wider or longer than any message; `reason` is the name of the limit."""

    code = "limit"


class TooLarge(Refusal):
    """The body has more bytes than a message may have."""

    code = "too-large"
