"""`gateway archive`: old partitions of the log to files, out of the log, back into it."""

import asyncio
import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.archive.creating import Sealing, create_archive
from gateway.archive.keeping import (
    Published,
    check_unneeded,
    detach_archive,
    discard_archive,
    needs,
    restore_archive,
)
from gateway.archive.manifest import Manifest, directory_name
from gateway.bus.positions import read_position
from gateway.commands.common import directory_option, json_option
from gateway.commands.keys import jwks_option, trusted_keys
from gateway.errors import ConfigurationError
from gateway.journal import ArchiveAction, ArchiveStore, Partition
from gateway.sealing.keys import LocalKeyHolder
from gateway.settings import Settings, read_settings

archive_argument = click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
person_option = click.option(
    "--person", default=getpass.getuser, help="Who gives the command, for the record; by default the system's user."
)


@click.group()
def archive() -> None:
    """Moves old partitions of the log to files that are verified without any database, and back.

    `create` writes, `detach` takes out of the log what was written and verified, `restore` puts it back.
    """


@archive.command("list")
@directory_option
@json_option
def list_command(directory: Path | None, as_json: bool) -> None:
    """Lists the partitions in the log, what still needs each, and everything that was ever moved."""
    settings = read_settings(os.environ, directory)
    partitions, actions = asyncio.run(_list(settings))
    if as_json:
        told = [{**asdict(each), "needs": waiting} for each, waiting in partitions]
        done = [{**asdict(each), "manifest": each.manifest.hex(), "at": each.at.isoformat()} for each in actions]
        click.echo(json.dumps({"partitions": told, "actions": done}))
        return
    for each, waiting in partitions:
        state = "; ".join(waiting) or "may be archived"
        click.echo(f"partition {each.number}, entries {each.low} to {each.last}: {state}")
    for action in actions:
        who = f"{action.person} ({action.role})"
        click.echo(f"{action.at.isoformat()} {who}: partition {action.partition} {action.action}")


@archive.command()
@click.option("--partition", "number", type=click.IntRange(0), help="The partition to archive.")
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Every partition received before this day (UTC) that nothing needs any more and that is not there yet.",
)
@click.option(
    "--to", "place", type=click.Path(file_okay=False, path_type=Path), help="Where to; by default GATEWAY_ARCHIVES."
)
@jwks_option
@directory_option
@json_option
def create(
    number: int | None,
    before: datetime | None,
    place: Path | None,
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Writes closed partitions to archives, and verifies them from the disk; the log stays as it is.

    A partition is closed when every ledger has grown past it and relay, overseer and published checkpoints are behind
    it. Each archive appears in its place whole or not at all.
    """
    if (number is None) == (before is None):
        raise click.UsageError("name either --partition N or --before DATE")
    settings = read_settings(os.environ, directory)
    keys = LocalKeyHolder.load(settings.key_file, settings.certificate_file)
    sealing = Sealing(keys, trusted_keys(settings, jwks), datetime.now(UTC))
    day = None if before is None else before.replace(tzinfo=UTC)
    made = asyncio.run(_create(settings, number, day, place or settings.archives, sealing))
    if as_json:
        click.echo(json.dumps({"archives": [str(path) for path in made]}))
        return
    for path in made:
        click.echo(f"{path}: written and verified; `gateway archive detach {path}` takes it out of the log")
    if not made:
        click.echo("nothing to archive: no further closed partition is that old")


@archive.command()
@archive_argument
@person_option
@jwks_option
@directory_option
@json_option
def detach(path: Path, person: str, jwks: str | None, directory: Path | None, as_json: bool) -> None:
    """Takes an archived partition out of the log, once the archive is proved to hold every byte of it.

    The receipts stay, so that duplicates still get the same one. Must be the oldest partition. It is recorded who did
    it, and appends wait for the moment it takes.
    """
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)

    async def run() -> Manifest:
        published = await _published(settings)
        async with ArchiveStore(settings.database()) as store:
            return await detach_archive(store, path, keys, published, person)

    _tell(asyncio.run(run()), "is in the archive only now", as_json)


@archive.command()
@archive_argument
@person_option
@jwks_option
@directory_option
@json_option
def restore(path: Path, person: str, jwks: str | None, directory: Path | None, as_json: bool) -> None:
    """Puts the entries of an archive back into the log, byte for byte; the latest partition that was detached first."""
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)

    async def run() -> Manifest:
        async with ArchiveStore(settings.database()) as store:
            return await restore_archive(store, path, keys, person)

    _tell(asyncio.run(run()), "is in the log again", as_json)


@archive.command()
@archive_argument
@person_option
@jwks_option
@directory_option
@json_option
def discard(path: Path, person: str, jwks: str | None, directory: Path | None, as_json: bool) -> None:
    """Deletes an archive for ever, when its newest message is older than archives are kept (5 years, proposed).

    The receipts of its messages stay in the log.
    """
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)

    async def run() -> Manifest:
        async with ArchiveStore(settings.database()) as store:
            return await discard_archive(store, path, keys, datetime.now(UTC), person)

    _tell(asyncio.run(run()), "is deleted for ever", as_json)


async def _create(
    settings: Settings, number: int | None, before: datetime | None, place: Path, sealing: Sealing
) -> list[Path]:
    published = await _published(settings)
    async with ArchiveStore(settings.database()) as store:
        partitions = await store.partitions()
        if before is not None:
            wanted = [
                each
                for each in partitions
                if not (place / directory_name(each.number)).exists()
                and not await needs(store, each, published)
                and await _is_before(store, each, before)
            ]
        else:
            wanted = [each for each in partitions if each.number == number]
            if not wanted:
                raise ConfigurationError(f"the log has no partition {number}; `gateway archive list` shows them")
            await check_unneeded(store, wanted[0], published)
        return [await create_archive(store, each, place, sealing) for each in wanted]


async def _is_before(store: ArchiveStore, partition: Partition, before: datetime) -> bool:
    for each in await store.progress():
        moment = await store.received_at(each.ledger, partition.last)
        if moment is None or moment >= before:
            return False
    return True


async def _list(settings: Settings) -> tuple[list[tuple[Partition, list[str]]], list[ArchiveAction]]:
    published = await _published(settings)
    async with ArchiveStore(settings.database()) as store:
        partitions = [(each, await needs(store, each, published)) for each in await store.partitions()]
        return partitions, await store.actions()


async def _published(settings: Settings) -> Mapping[int, Published]:
    async with ArchiveStore(settings.database()) as store:
        ledgers = [each.ledger for each in await store.progress()]
    found = {ledger: await read_position(settings.bootstrap("relay"), ledger) for ledger in ledgers}
    return {
        ledger: Published(position.seq, position.checkpoint_seq)
        for ledger, position in found.items()
        if position is not None
    }


def _tell(manifest: Manifest, what: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"partition": manifest.partition, "entries": manifest.entries}))
        return
    click.echo(f"partition {manifest.partition} with {manifest.entries} entries {what}")
