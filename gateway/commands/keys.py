"""Which public keys a verifying command believes."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from gateway.consumer import KeySet, fetch_keys, load_keys
from gateway.errors import ConfigurationError, Unavailable
from gateway.journal import KeyRegister, SchemaOutdated, Witnesses
from gateway.journal.witnessed import ReadTimestamp
from gateway.sealing.cosignatures import read_cosignature
from gateway.sealing.jws import kid_of
from gateway.sealing.keyring import known_certificates
from gateway.sealing.refusals import SealRefused
from gateway.sealing.timestamps import TimestampTrust
from gateway.settings import Settings
from gateway.witness import Memory

UNCHECKED = "who made them was not looked at; name the service's CA with --tsa-anchor"
PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

jwks_option = click.option(
    "--jwks",
    metavar="FILE|URL",
    help="The gateway's public keys (its /.well-known/jwks.json); by default those of the gateway's certificate file "
    "and of the gateway-*.certificate.pem beside it, else what the gateway at GATEWAY_URL publishes.",
)

witness_option = click.option(
    "--witness",
    "certificates",
    multiple=True,
    type=PEM_FILE,
    help="The certificate (PEM) of a witness whose co-signatures are checked; repeatable.",
)


memory_option = click.option(
    "--witness-memory",
    "memory",
    type=PEM_FILE,
    help="A copy of the witness's own memory: the log must hold what stands there.",
)

anchors_option = click.option(
    "--tsa-anchor",
    "anchors",
    multiple=True,
    type=PEM_FILE,
    help="A CA certificate (PEM) of the time-stamping service: time stamps of checkpoints are verified; repeatable.",
)


def timestamp_reader(anchors: Sequence[Path]) -> ReadTimestamp | None:
    """What verifies time stamps by these trust anchors; None where there are none."""
    return TimestampTrust(path.read_bytes() for path in anchors).read if anchors else None


def witness_keys(certificates: Iterable[Path]) -> KeySet:
    """The keys of the witnesses that are named."""
    return KeySet.from_certificates(path.read_bytes() for path in certificates)


def witnesses_of(
    keys: KeySet, certificates: Sequence[Path], memory: Path | None, anchors: Sequence[Path] = ()
) -> Witnesses:
    """By what a log is held against its witnesses and time stamps, and what is known of the gateway's own keys."""
    believed = witness_keys(certificates)
    remembered = {} if memory is None else Memory(memory).read()
    return Witnesses(
        believed.kids,
        partial(read_cosignature, keys=believed) if certificates else None,
        {ledger: (seen.seq, seen.chain) for ledger, seen in remembered.items()},
        partial(_compromised_at, keys),
        timestamp_reader(anchors),
    )


def _compromised_at(keys: KeySet, jws: str) -> datetime | None:
    try:
        return keys.compromised_at(kid_of(jws))
    except SealRefused:
        return None


def trusted_keys(settings: Settings, jwks: str | None) -> KeySet:
    """The named keys, else those of the gateway's certificate files, else what the gateway's URL publishes.

    Which of the files' keys are in other hands is asked of the history in PostgreSQL, where that is known. The history
    adds no key: whoever could write to it could else add one of their own to what is verified.

    Raises ConfigurationError when there are none, Unavailable when the URL does not answer.
    """
    if jwks is not None:
        return asyncio.run(fetch_keys(jwks)) if jwks.startswith(("https://", "http://")) else load_keys(Path(jwks))
    known = tuple(known_certificates(settings.certificate_file.parent, settings.certificate_file))
    if known:
        return KeySet({}).with_certificates(known, _compromised(settings))
    if settings.url is not None:
        return asyncio.run(fetch_keys(f"{settings.url}/.well-known/jwks.json"))
    raise ConfigurationError(
        f"the gateway's public keys are not known: there is no {settings.certificate_file}, and no GATEWAY_URL is set; "
        "name them with --jwks FILE"
    )


def _compromised(settings: Settings) -> dict[str, datetime]:
    if settings.database_url is None:
        return {}
    try:
        return asyncio.run(_compromised_by(settings.database_url))
    except (Unavailable, SchemaOutdated) as error:
        click.echo(f"gateway: whether a key was compromised is not known: {error}", err=True)
        return {}


async def _compromised_by(dsn: str) -> dict[str, datetime]:
    async with KeyRegister(dsn) as register:
        history = await register.history()
    moments = {kid: history.compromised_at(kid) for kid in history.kids}
    return {kid: moment for kid, moment in moments.items() if moment is not None}
