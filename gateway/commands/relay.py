"""`gateway relay` and `gateway topics`: the way to Kafka, for deployments and the local stack."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import click
import uvloop

from gateway.bus.access import AccessChange, AccessUnguarded, apply_access
from gateway.bus.connecting import Bootstrap
from gateway.bus.positions import Position
from gateway.bus.publisher import TransactionalPublisher
from gateway.bus.topics import Change, apply_topics, load_topics
from gateway.commands.common import directory_option, json_option, run_until_signalled
from gateway.journal import Journal
from gateway.logs import configure_logging
from gateway.rebuilding import rebuild
from gateway.relay import Relay
from gateway.settings import read_settings

ADMINISTRATOR = "admin"
RELAY = "relay"
TRANSACTIONAL_ID = "fma-relay-{ledger}"


@click.command()
@directory_option
@click.option("--ledger", type=click.IntRange(0), default=0, show_default=True, help="The ledger to publish.")
@click.option(
    "--rebuild",
    "anew",
    is_flag=True,
    help="Publish every ledger from its first entry into fresh topics, then end; refused when a topic is not empty.",
)
@json_option
def relay(directory: Path | None, ledger: int, anew: bool, as_json: bool) -> None:
    """Publishes one ledger of the journal to Kafka, exactly once, until SIGTERM.

    Needs no state of its own: the position is in Kafka. A second relay of the same ledger fences the first, which then
    ends with exit status 2 and says so. With --rebuild archived partitions must be in the log again.
    """
    settings = read_settings(os.environ, directory)
    if anew:
        reached = asyncio.run(_rebuild(settings.database("relay"), settings.bootstrap("relay")))
        if as_json:
            click.echo(json.dumps({"ledgers": [{"ledger": each.ledger, "seq": each.seq} for each in reached]}))
            return
        for each in reached:
            click.echo(f"ledger {each.ledger}: {each.seq} entries are in Kafka")
        return
    configure_logging()
    uvloop.run(_relay(settings.database("relay"), settings.bootstrap("relay"), ledger))


async def _rebuild(dsn: str, bootstrap: Bootstrap) -> Sequence[Position]:
    def relay_until(ledger: int, until: Position) -> Relay:
        publisher = TransactionalPublisher(bootstrap, TRANSACTIONAL_ID.format(ledger=ledger), ledger)
        return Relay(journal, publisher, ledger, until=until)

    topics = {name for name, topic in load_topics().topics.items() if RELAY in topic.writers}
    async with Journal(dsn) as journal:
        return await rebuild(journal, bootstrap, topics, relay_until)


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
    changes, guarded = asyncio.run(_apply(settings.bootstrap(ADMINISTRATOR), dry_run=dry_run))
    if not guarded:
        click.echo("this broker keeps no access lists: everybody may read and write everything there", err=True)
    if as_json:
        told = {"dry_run": dry_run, "guarded": guarded, "changes": [str(change) for change in changes]}
        click.echo(json.dumps(told))
        return
    for change in changes:
        click.echo(str(change))
    click.echo("the topics are as declared" if not dry_run else f"{len(changes)} changes, none made")


async def _apply(bootstrap: Bootstrap, *, dry_run: bool) -> tuple[list[Change | AccessChange], bool]:
    """What changed, or would change, and whether the broker keeps access lists at all."""
    changes: list[Change | AccessChange] = list(await apply_topics(bootstrap, dry_run=dry_run))
    try:
        changes += await apply_access(bootstrap, dry_run=dry_run)
    except AccessUnguarded:
        return changes, False
    return changes, True
