"""`gateway oversee`: the watch over the journal, for deployments and the local stack."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop

from gateway.commands.common import directory_option, run_until_signalled
from gateway.journal import Journal
from gateway.journal.oversight.store import OversightStore
from gateway.keychain import open_keychain
from gateway.logs import configure_logging
from gateway.overseer import Judging, Overseer
from gateway.oversight.parameters import due_rules, parameters
from gateway.sealing.keys import KeyPlaces
from gateway.settings import Settings, read_settings


@click.command()
@directory_option
@click.option("--ledger", type=click.IntRange(0), default=0, show_default=True, help="The ledger to oversee.")
def oversee(directory: Path | None, ledger: int) -> None:
    """Reads one ledger of the journal and tells what is wrong in it: gaps, forks, broken chains, silence, FM-1s due.

    What it finds it appends to the same ledger, sealed, so that it is published and verified like all else. Its state
    is in PostgreSQL. A second overseer of the same ledger fences the first, which then ends with exit status 2.
    """
    settings = read_settings(os.environ, directory)
    configure_logging()
    uvloop.run(_oversee(settings, ledger))


async def _oversee(settings: Settings, ledger: int) -> None:
    dsn = settings.database("overseer")
    judging = Judging(parameters(), due_rules())
    store = OversightStore(dsn, ledger, judging.parameters, judging.rules)
    places = KeyPlaces(settings.key_file, settings.certificate_file, settings.token)
    async with (
        Journal(dsn) as journal,
        open_keychain(dsn, places, lambda: datetime.now(UTC)) as keychain,
    ):
        await run_until_signalled(Overseer(journal, store, keychain.ring, judging, ledger))
