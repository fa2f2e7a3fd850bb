"""Which public keys a verifying command believes."""

import asyncio
from pathlib import Path

import click

from gateway.consumer import KeySet, fetch_keys, load_keys
from gateway.errors import ConfigurationError
from gateway.settings import Settings

jwks_option = click.option(
    "--jwks",
    metavar="FILE|URL",
    help="The gateway's public keys (its /.well-known/jwks.json); by default those of the gateway's certificate file, "
    "else what the gateway at GATEWAY_URL publishes.",
)


def trusted_keys(settings: Settings, jwks: str | None) -> KeySet:
    """The named keys, else those of the gateway's certificate file, else what the gateway's URL publishes.

    Raises ConfigurationError when there are none, Unavailable when the URL does not answer.
    """
    if jwks is not None:
        return asyncio.run(fetch_keys(jwks)) if jwks.startswith(("https://", "http://")) else load_keys(Path(jwks))
    if settings.certificate_file.exists():
        return KeySet.from_certificates([settings.certificate_file.read_bytes()])
    if settings.url is not None:
        return asyncio.run(fetch_keys(f"{settings.url}/.well-known/jwks.json"))
    raise ConfigurationError(
        f"the gateway's public keys are not known: there is no {settings.certificate_file}, and no GATEWAY_URL is set; "
        "name them with --jwks FILE"
    )
