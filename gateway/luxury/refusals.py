"""Why a code is not given."""

from collections.abc import Sequence
from uuid import UUID

from gateway.errors import GatewayError
from gateway.model import Finding


class WishRefused(GatewayError):
    """What was asked for does not describe a thing or an operation; `findings` say why."""

    code = "luxury-refused"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings = tuple(findings)


class OperationConflict(GatewayError):
    """The operation of this GUID has a code already, and it is one with another thing."""

    code = "operation-conflict"

    def __init__(self, operation: UUID, code: str) -> None:
        super().__init__("the operation is known, with another thing")
        self.parameters = {"operation": str(operation).upper(), "known": code}


class AlreadyCoded(GatewayError):
    """A reserved code can't be used for this: it has a code already."""

    code = "already-coded"

    def __init__(self, known: str) -> None:
        super().__init__("it has a code already")
        self.parameters = {"known": known}


class NotReserved(GatewayError):
    """The code does not stand in reserve for this owner, or no longer."""

    code = "not-reserved"


class BlockUnknown(GatewayError):
    """The owner has no block of this name."""

    code = "not-found"
