"""`gateway relay` and `gateway topics`: the way to Kafka, for deployments and the local stack."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from gateway.bus.access import AccessChange, AccessUnguarded, apply_access
from gateway.bus.connecting import Bootstrap
from gateway.bus.publisher import TransactionalPublisher
from gateway.bus.topics import Change, apply_topics
from gateway.commands.common import directory_option, json_option, run_until_signalled
from gateway.journal import Journal
from gateway.logs import configure_logging
from gateway.relay import Relay
from gateway.settings import read_settings

ADMINISTRATOR = "admin"
TRANSACTIONAL_ID = "fma-relay-{ledger}"


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
    asyncio.run(_relay(settings.database("relay"), settings.bootstrap("relay"), ledger))


async def _relay(dsn: str, bootstrap: Bootstrap, ledger: int) -> None:
    publisher = TransactionalPublisher(bootstrap, TRANSACTIONAL_ID.format(ledger=ledger), ledger)
    async with Journal(dsn) as journal:
        await run_until_signalled(Relay(journal, publisher, ledger))


@click.group()
def topics() -> None:
    """The topics as `deploy/kafka/topics.toml` declares them."""


@topics.command("apply")
@directory_option
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
def apply_command(directory: Path | None, dry_run: bool, as_json: bool) -> None:
    """Makes Kafka hold the declared topics and access lists; no topic is deleted, partitions are only added.

    Who may read or write is made as declared: what else was granted about these topics, groups and transactions is
    taken away. Needs an administrator's credentials. A broker that keeps no access lists is told on standard error.
    """
    settings = read_settings(os.environ, directory)
    changes, guarded = asyncio.run(_apply(settings.bootstrap(ADMINISTRATOR), settings.observers, dry_run=dry_run))
    if not guarded:
        click.echo("this broker keeps no access lists: everybody may read and write everything there", err=True)
    if as_json:
        told = {"dry_run": dry_run, "guarded": guarded, "changes": [str(change) for change in changes]}
        click.echo(json.dumps(told))
        return
    for change in changes:
        click.echo(str(change))
    click.echo("the topics are as declared" if not dry_run else f"{len(changes)} changes, none made")


async def _apply(
    bootstrap: Bootstrap, observers: Sequence[str], *, dry_run: bool
) -> tuple[list[Change | AccessChange], bool]:
    """What changed, or would change, and whether the broker keeps access lists at all."""
    changes: list[Change | AccessChange] = list(await apply_topics(bootstrap, dry_run=dry_run))
    try:
        changes += await apply_access(bootstrap, observers=observers, dry_run=dry_run)
    except AccessUnguarded:
        return changes, False
    return changes, True
