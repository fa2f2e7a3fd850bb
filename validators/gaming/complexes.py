"""The complex that a message names, and what its register says against the message."""

import re
from typing import Any, Final

from lxml import etree

from validators.faults import Flaw
from validators.gaming.messages import BATCH, MESSAGES, REGISTER, REGISTRATION
from validators.gaming.model import ComplexState
from validators.model import Circumstances

_COMPLEX: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,30}[A-Z0-9]", re.ASCII)
_NAMED: Final = etree.XPath(
    "SignedData/Data/Root/*[{}]/ComplexId/text()".format(" or ".join(f"self::{name}" for name in MESSAGES)),
    smart_strings=False,
)


def complex_id_of(root: etree._Element) -> str | None:
    """The complex that a message of the family names; None where it names none, or not in the right form."""
    texts: Any = _NAMED(root)
    return next((text for text in texts if _COMPLEX.fullmatch(text)), None)


def complex_flaw(message_type: str, action: str, circumstances: Circumstances) -> Flaw | None:
    """What keeps the complex from sending such a message; nothing where nobody looked for it.

    A complex of another owner does not exist for the sender.
    """
    if not circumstances.register_known:
        return None
    home = circumstances.complex
    if message_type == REGISTRATION and action == REGISTER:
        return _registering_flaw(circumstances)
    if home is None:
        return Flaw("GAM-001")
    if home.state is ComplexState.RETIRED or (home.state is ComplexState.SUSPENDED and message_type != REGISTRATION):
        return Flaw("GAM-002", {"state": home.state.value})
    if message_type == BATCH and home.certificate is not None and home.certificate != circumstances.certificate:
        return Flaw("GAM-003", {"certificate": home.certificate})
    return None


def _registering_flaw(circumstances: Circumstances) -> Flaw | None:
    if circumstances.complex is not None:
        return Flaw("GAM-010")
    return Flaw("GAM-011") if circumstances.complex_taken else None
