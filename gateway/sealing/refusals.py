"""What sealing refuses, by name: every class has a stable `code`, every instance a `reason`."""

from typing import ClassVar

from gateway.errors import GatewayError


class SealingRefusal(GatewayError):
    """Something that claims to be sealed is not: `reason` is a stable slug such as `digest` or `expired`."""

    code: ClassVar[str] = "sealing-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{self.code}: {reason}")
        self.reason = reason


class SignatureRefused(SealingRefusal):
    """The sender's signature of a message is not one that the gateway goes by (HTTP 401)."""

    code: ClassVar[str] = "signature-refused"


class SignatureMissing(SignatureRefused):
    """The message has no `/ExportData/SignedData/Signature`, or an empty one."""

    code: ClassVar[str] = "signature-missing"


class SignatureOutsideProfile(SignatureRefused):
    """The signature is made in a way that the profile does not allow; it was not interpreted."""

    code: ClassVar[str] = "signature-outside-profile"


class SignatureWrong(SignatureRefused):
    """The signature is of the right form and is not true: another content or another key."""

    code: ClassVar[str] = "signature-wrong"


class CertificateRefused(SignatureRefused):
    """The signer's certificate does not lead to a trust anchor that may vouch for it at that moment."""

    code: ClassVar[str] = "certificate-refused"


class SealRefused(SealingRefusal):
    """A JWS (receipt, checkpoint, seal of a record) does not hold; `reason` tells why."""

    code: ClassVar[str] = "seal-refused"


class SealUndetermined(SealRefused):
    """The seal fits, but its key is in other hands: whether the gateway made it can't be told from it alone."""

    code: ClassVar[str] = "seal-undetermined"


class TokenRefused(SealingRefusal):
    """The JWT that a reading request carries is not accepted (HTTP 401)."""

    code: ClassVar[str] = "token-refused"
