"""`gateway serve`, `relay`, `oversee`, `migrate`, `topics`: the parts alone, for deployments and the local stack."""

import asyncio
import json
import os
import signal
from pathlib import Path

import click

from gateway.bus.publisher import TransactionalPublisher
from gateway.bus.topics import apply_topics
from gateway.commands.common import directory_option, json_option
from gateway.following import Follower
from gateway.intake.server import serve as serve_intake
from gateway.intake.settings import Bounds, IntakeSettings
from gateway.journal import Deploy, Journal, OversightStore
from gateway.journal import migrate as migrate_journal
from gateway.logs import configure_logging
from gateway.overseer import Judging, Overseer
from gateway.oversight.parameters import due_rules, parameters
from gateway.relay import Relay
from gateway.sealing.keys import KeyHolder, LocalKeyHolder
from gateway.settings import read_settings

TRANSACTIONAL_ID = "fma-relay-{ledger}"


@click.command()
@directory_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option(
    "--metrics-port", type=click.IntRange(1, 65535), help="Where /metrics is served; not served if not given."
)
@click.option("--crl", "lists", multiple=True, type=click.Path(path_type=Path), help="A revocation list; repeatable.")
@click.option(
    "--check-rate",
    type=click.FloatRange(0),
    default=Bounds().check_rate,
    show_default=True,
    help="Checks of unique codes a second that one address may make; 0: no limit.",
)
@click.option(
    "--judging-processes",
    type=click.IntRange(0, 64),
    default=1,
    show_default=True,
    envvar="GATEWAY_JUDGING_PROCESSES",
    show_envvar=True,
    help="How many processes judge beside the intake; 0: it judges itself.",
)
def serve(
    directory: Path | None,
    host: str,
    port: int,
    metrics_port: int | None,
    lists: tuple[Path, ...],
    check_rate: float,
    judging_processes: int,
) -> None:
    """Serves the intake over HTTP until SIGTERM, then finishes what is under way.

    PostgreSQL, Kafka, the public URL and the gateway's key are named by GATEWAY_DATABASE_URL, GATEWAY_KAFKA_BOOTSTRAP,
    GATEWAY_URL, GATEWAY_KEY_FILE and GATEWAY_CERTIFICATE_FILE, or by the local stack in --dir.
    """
    settings = read_settings(os.environ, directory)
    serve_intake(
        IntakeSettings(
            database_url=settings.database(),
            key_file=settings.key_file,
            certificate_file=settings.certificate_file,
            public_urls=(settings.url or f"http://{host}:{port}",),
            kafka_bootstrap=settings.kafka,
            host=host,
            port=port,
            metrics_port=metrics_port,
            revocation_lists=lists,
            bounds=Bounds(check_rate=check_rate),
            judging_processes=judging_processes,
        )
    )


@click.command()
@directory_option
@click.option("--ledger", type=click.IntRange(0), default=0, show_default=True, help="The ledger to publish.")
def relay(directory: Path | None, ledger: int) -> None:
    """Publishes one ledger of the journal to Kafka, exactly once, until SIGTERM.

    Needs no state of its own: the position is in Kafka. A second relay of the same ledger fences the first, which then
    ends with exit status 2 and says so.
    """
    settings = read_settings(os.environ, directory)
    configure_logging()
    asyncio.run(_relay(settings.database(), settings.bootstrap(), ledger))


async def _relay(dsn: str, bootstrap: str, ledger: int) -> None:
    publisher = TransactionalPublisher(bootstrap, TRANSACTIONAL_ID.format(ledger=ledger), ledger)
    async with Journal(dsn) as journal:
        await _until_signalled(Relay(journal, publisher, ledger))


@click.command()
@directory_option
@click.option("--ledger", type=click.IntRange(0), default=0, show_default=True, help="The ledger to oversee.")
def oversee(directory: Path | None, ledger: int) -> None:
    """Reads one ledger of the journal and tells what is wrong in it: gaps, forks, broken chains, silence, FM-1s due.

    What it finds it appends to the same ledger, sealed, so that it is published and verified like all else. Its state
    is in PostgreSQL. A second overseer of the same ledger fences the first, which then ends with exit status 2.
    """
    settings = read_settings(os.environ, directory)
    keys = LocalKeyHolder.load(settings.key_file, settings.certificate_file)
    configure_logging()
    asyncio.run(_oversee(settings.database(), keys, ledger))


async def _oversee(dsn: str, keys: KeyHolder, ledger: int) -> None:
    judging = Judging(parameters(), due_rules())
    store = OversightStore(dsn, ledger, judging.parameters, judging.rules)
    async with Journal(dsn) as journal:
        await _until_signalled(Overseer(journal, store, keys, judging, ledger))


async def _until_signalled(running: Follower) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    await running.run()


@click.command()
@directory_option
@click.option(
    "--ledgers", type=click.IntRange(1), help="How many ledgers the journal has; fixed at the first migration."
)
@click.option(
    "--upto",
    type=click.Choice([step.value for step in Deploy]),
    default=Deploy.POST.value,
    show_default=True,
    help="`pre`: only what must be there before new programs start; `post`: all.",
)
@json_option
def migrate(directory: Path | None, ledgers: int | None, upto: str, as_json: bool) -> None:
    """Brings the journal's schema up to date; safe to repeat, and for several at once."""
    settings = read_settings(os.environ, directory)
    applied = asyncio.run(migrate_journal(settings.database(), ledgers, Deploy(upto)))
    if as_json:
        click.echo(json.dumps({"applied": [step.name for step in applied]}))
        return
    for step in applied:
        click.echo(f"applied {step.number:04} {step.name}")
    click.echo("the journal's schema is up to date")


@click.group()
def topics() -> None:
    """The topics as `deploy/kafka/topics.toml` declares them."""


@topics.command("apply")
@directory_option
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
def apply_command(directory: Path | None, dry_run: bool, as_json: bool) -> None:
    """Makes Kafka hold the declared topics; nothing is deleted, partitions are only added."""
    settings = read_settings(os.environ, directory)
    changes = asyncio.run(apply_topics(settings.bootstrap(), dry_run=dry_run))
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "changes": [str(change) for change in changes]}))
        return
    for change in changes:
        click.echo(str(change))
    click.echo("the topics are as declared" if not dry_run else f"{len(changes)} changes, none made")
