"""What every family checks in the envelope and in the block that names who files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from validators.faults import Fault, Flaw
from validators.model import Circumstances
from validators.values import has_moment_form, is_number, later, local, read_moment

if TYPE_CHECKING:  # lxml takes 5 MB, and whoever only reads records has no tree
    from lxml import etree

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


@dataclass(frozen=True, slots=True)
class SenderKinds:
    """The codes of `reporting_entity_kinds` that a family is for, all where none is named.

    `code` is that of the finding that says that a kind is not among them.
    """

    allowed: frozenset[str]
    code: str

    def flaw(self, value: str) -> Flaw | None:
        """What is wrong with a kind."""
        return (
            None
            if not self.allowed or value in self.allowed
            else Flaw(self.code, {"allowed": ", ".join(sorted(self.allowed))})
        )


def header_faults(
    root: "etree._Element", circumstances: Circumstances, future_hours: int, kinds: SenderKinds
) -> Iterator[Fault]:
    """What is wrong in the envelope and in the block that names who files, in a family with kinds of its own."""
    received = local(circumstances.received_at)
    latest = later(received, timedelta(hours=future_hours))
    checks: tuple[tuple[str, Callable[[str], Flaw | None]], ...] = (
        ("SignedData/Receiver", receiver_flaw),
        ("SignedData/TimeStamp", lambda value: moment_flaw(value, received, latest, future_hours)),
        ("SignedData/Data/Root/PersonalData/OrganisationCode", kinds.flaw),
        ("SignedData/Data/Root/PersonalData/OrganisationCode", lambda value: _enrolled_flaw(value, circumstances)),
        ("TransportType", transport_flaw),
    )
    for place, check in checks:
        element = root.find(place)
        if element is not None and (flaw := check(element.text or "")) is not None:
            yield Fault(flaw.code, element, "", element.text, flaw.parameters)


def _enrolled_flaw(value: str, circumstances: Circumstances) -> Flaw | None:
    enrolled = circumstances.reporter_kind
    return None if enrolled is None or enrolled == value else Flaw("RUL-017", {"enrolled": enrolled})
