"""What every family checks in the envelope and in the block that names who files."""

from datetime import datetime

from validators.faults import Flaw
from validators.values import has_moment_form, is_number, read_moment

AGENCY = "AFM"

_NO_SUCH_TIME = Flaw("TIM-001")
_RECEIVER = Flaw("MSG-003")
_TRANSPORT = Flaw("MSG-004")


def receiver_flaw(value: str) -> Flaw | None:
    """The receiver of an entity's message is the agency."""
    return None if value == AGENCY else _RECEIVER


def transport_flaw(value: str) -> Flaw | None:
    """The kind of transport is a number; nothing depends on it."""
    return None if is_number(value) else _TRANSPORT


def moment_flaw(value: str, received: datetime, latest: datetime, hours: int) -> Flaw | None:
    """A moment exists in the calendar and does not lie beyond `latest`, so many hours after receipt.

    All are wall-clock moments of Asia/Almaty; a value of another form is the schema's business.
    """
    moment = read_moment(value)
    if moment is None:
        return _NO_SUCH_TIME if has_moment_form(value) else None
    if moment > latest:
        return Flaw("TIM-002", {"hours": str(hours), "received": f"{received:%d.%m.%Y %H:%M:%S}"})
    return None
