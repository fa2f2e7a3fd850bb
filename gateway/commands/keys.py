"""Which public keys a verifying command believes."""

from pathlib import Path

import click

from gateway.consumer import KeySet, load_keys
from gateway.errors import ConfigurationError
from gateway.settings import Settings

jwks_option = click.option(
    "--jwks",
    metavar="FILE",
    help="The gateway's public keys (its /.well-known/jwks.json); by default those of the gateway's certificate.",
)


def trusted_keys(settings: Settings, jwks: str | None) -> KeySet:
    """The keys of a JWKS file, else of the gateway's own certificate; ConfigurationError when there is neither."""
    if jwks is not None:
        return load_keys(Path(jwks))
    try:
        return KeySet.from_certificates([settings.certificate_file.read_bytes()])
    except OSError as error:
        raise ConfigurationError(
            f"{settings.certificate_file} can't be read ({error.strerror}): name the gateway's keys with --jwks FILE"
        ) from error
