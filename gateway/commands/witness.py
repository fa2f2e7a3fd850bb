"""`gateway witness`: another process, best on another machine of another owner, that co-signs checkpoints."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from gateway.commands.common import directory_option, json_option
from gateway.errors import ConfigurationError
from gateway.journal.audit import AUDIT_LEDGER
from gateway.logs import configure_logging
from gateway.model import Cosignature
from gateway.sealing.generation import make_gateway_key, write_issued
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from gateway.settings import read_settings
from gateway.witness import Alarm, GatewayOverHttp, Memory, Witness

ALARM = 4
KEY, CERTIFICATE, MEMORY = "witness.key.pem", "witness.certificate.pem", "witness.memory.json"

home_option = click.option(
    "--home",
    required=True,
    envvar="GATEWAY_WITNESS_HOME",
    show_envvar=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The witness's own directory: its key, its certificate, its memory.",
)
url_option = click.option("--url", help="The gateway; by default GATEWAY_URL, or the local stack's.")


@click.group()
def witness() -> None:
    """Co-signs the gateway's checkpoints where they extend all it saw before, and raises the alarm where not.

    Exit status: 0 done, 2 could not, 4 alarm.
    """


@witness.command("init")
@click.option("--name", default="FMA gateway witness", show_default=True, help="The common name of its certificate.")
@home_option
@json_option
def init(name: str, home: Path, as_json: bool) -> None:
    """Makes the witness's key and certificate in HOME; what is there is left as it is."""
    paths = home / KEY, home / CERTIFICATE
    if not all(path.exists() for path in paths):
        write_issued(make_gateway_key(name, datetime.now(UTC)), *paths)
    keys = LocalKeyHolder.load(*paths)
    if as_json:
        click.echo(json.dumps({"kid": keys.kid, "certificate": str(paths[1])}))
        return
    click.echo(f"{paths[1]}: key {keys.kid}")
    click.echo("give a copy of the certificate to `gateway serve --witness` and to those who verify")


@witness.command("run")
@click.option("--ledger", "ledgers", multiple=True, type=click.IntRange(0), help="Repeatable; 0 if not given.")
@click.option("--audit/--no-audit", default=True, show_default=True, help="Whether to co-sign the audit log too.")
@click.option("--seconds", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Between two looks.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Where /metrics is served; not if not given.")
@home_option
@url_option
@directory_option
def run(
    ledgers: tuple[int, ...],
    audit: bool,
    seconds: float,
    metrics_port: int | None,
    home: Path,
    url: str | None,
    directory: Path | None,
) -> None:
    """Looks at the newest checkpoint again and again, until SIGTERM; alarms are logged and counted."""
    keys, memory = _own(home)
    configure_logging()

    async def follow() -> None:
        async with _gateway(url, directory, keys) as gateway:
            follower = Witness(gateway, memory, keys, lambda: datetime.now(UTC))
            if metrics_port is not None:
                _serve_metrics(follower, metrics_port)
            looked_at = (*(ledgers or (0,)), *((AUDIT_LEDGER,) if audit else ()))
            await _until_signalled(follower.run(looked_at, seconds))

    asyncio.run(follow())


@witness.command("look")
@click.option("--ledger", type=click.IntRange(0), default=0, show_default=True, help="The ledger to look at.")
@click.option("--audit", is_flag=True, help="Look at the audit log instead.")
@home_option
@url_option
@directory_option
@json_option
def look(ledger: int, audit: bool, home: Path, url: str | None, directory: Path | None, as_json: bool) -> None:
    """Looks once, and co-signs or raises the alarm (exit status 4)."""
    keys, memory = _own(home)
    ledger = AUDIT_LEDGER if audit else ledger

    async def once() -> Cosignature | None:
        async with _gateway(url, directory, keys) as gateway:
            return await Witness(gateway, memory, keys, lambda: datetime.now(UTC)).look(ledger)

    try:
        made = asyncio.run(once())
    except Alarm as alarm:
        click.echo(
            json.dumps({"alarm": alarm.kind, "ledger": ledger, "why": str(alarm)}) if as_json else f"ALARM: {alarm}"
        )
        sys.exit(ALARM)
    seq = made.seq if made else None
    if as_json:
        click.echo(json.dumps({"alarm": None, "ledger": ledger, "seq": seq}))
        return
    click.echo(f"{_named(ledger)}: " + (f"co-signed up to entry {seq}" if made else "nothing new to co-sign"))


@witness.command("status")
@home_option
@json_option
def status(home: Path, as_json: bool) -> None:
    """Says what the witness remembers of each ledger."""
    seen = Memory(home / MEMORY).read()
    if as_json:
        facts = {str(number): {"seq": at.seq, "chain": at.chain.hex(), "told": at.told} for number, at in seen.items()}
        click.echo(json.dumps(facts))
        return
    for number, at in seen.items():
        click.echo(f"{_named(number)}: entry {at.seq}, chain {at.chain.hex()}{'' if at.told else ', not told yet'}")
    if not seen:
        click.echo("nothing yet")


def _named(ledger: int) -> str:
    return "audit log" if ledger == AUDIT_LEDGER else f"ledger {ledger}"


def _gateway(url: str | None, directory: Path | None, keys: LocalKeyHolder) -> GatewayOverHttp:
    """The gateway, asked in this witness's name."""
    address = url or read_settings(os.environ, directory).public_url()

    async def credentials() -> str:
        return await make_bearer(keys.kid, address, datetime.now(UTC), keys)

    return GatewayOverHttp(address, credentials=credentials)


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def _own(home: Path) -> tuple[LocalKeyHolder, Memory]:
    if not (home / KEY).exists():
        raise ConfigurationError(f"{home} has no key of a witness; `gateway witness init --home {home}` makes one")
    return LocalKeyHolder.load(home / KEY, home / CERTIFICATE), Memory(home / MEMORY)


def _serve_metrics(follower: Witness, port: int) -> None:
    registry = CollectorRegistry()
    alarms = Gauge("gateway_witness_alarms", "Looks that ended in an alarm", registry=registry)
    alarms.set_function(lambda: follower.alarms)
    seen = Gauge("gateway_witness_seen", "The furthest entry co-signed, of all ledgers", registry=registry)
    seen.set_function(lambda: max(follower.seen.values(), default=0))
    try:
        start_http_server(port, registry=registry)
    except OSError as error:
        raise ConfigurationError(f"can't serve metrics on port {port}: {error.strerror}") from error
