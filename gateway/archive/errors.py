"""What archiving refuses."""

from gateway.errors import GatewayError


class ArchiveBroken(GatewayError):
    """An archive is not what was sealed; nothing is done with it."""

    code = "archive-broken"


class RetentionRefused(GatewayError):
    """An archive is younger than archives are kept."""

    code = "retention"
