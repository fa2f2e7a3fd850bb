"""What is found about the signature of a message that is accepted all the same."""

from typing import Final

from validators.catalogue import found
from validators.model import Finding

REVOCATION_UNDETERMINED: Final = "SIG-001"
"""The finding of a message of whose certificate nobody could say whether it is revoked."""


def undetermined_finding() -> Finding:
    """That the revocation of the signer's certificate could not be checked."""
    return found(REVOCATION_UNDETERMINED, "/ExportData/SignedData/Signature")
