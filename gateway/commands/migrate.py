"""`gateway migrate`: the journal's schema, brought up to date."""

import asyncio
import json
import os
from pathlib import Path

import click

from gateway.commands.common import directory_option, json_option
from gateway.journal import Deploy
from gateway.journal import migrate as migrate_journal
from gateway.settings import read_settings


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
