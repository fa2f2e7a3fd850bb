"""`gateway audit`: who read or changed what, when and why; and whether that still stands as it was written."""

import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path

import click

from gateway.commands.acting import Command, note_reading, purpose_option
from gateway.commands.common import directory_option, json_option
from gateway.commands.keys import jwks_option, trusted_keys
from gateway.journal import AuditEntry, AuditLog, verify_audit
from gateway.sealing.checkpoints import read_checkpoint
from gateway.settings import read_settings

BROKEN = 4
SHOWN = 20


@click.group()
def audit() -> None:
    """The audit log: every reading and every change by the FMA's people."""


@audit.command("list")
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Only entries after this place.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many.")
@click.option("--actor", help="Only what this person did.")
@click.option("--subject", help="Only what concerns this entity, message, person or certificate.")
@purpose_option
@directory_option
@json_option
def list_entries(
    after: int,
    limit: int,
    actor: str | None,
    subject: str | None,
    purpose: str,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Lists the audit log in its order, with --json one object a line; that it was read is written down first."""
    settings = read_settings(os.environ, directory)
    note_reading(Command("audit list", directory, purpose), "audit log read", subject or actor or "audit log")

    async def ask() -> list[AuditEntry]:
        async with AuditLog(settings.database()) as log:
            return await log.page(after, limit, actor, subject)

    for entry in asyncio.run(ask()):
        click.echo(json.dumps(_facts(entry), ensure_ascii=False) if as_json else _line(entry))


@audit.command("verify")
@jwks_option
@directory_option
@json_option
def verify(jwks: str | None, directory: Path | None, as_json: bool) -> None:
    """Computes the audit log again from its first entry, and names the first that is broken.

    Exit status: 0 intact, 4 broken.
    """
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)
    asyncio.run(Command("audit verify", directory).admitted())
    report = asyncio.run(verify_audit(settings.database(), partial(read_checkpoint, keys=keys)))
    if as_json:
        breaks = [{"seq": found.seq, "what": found.what, "detail": found.detail} for found in report.breaks]
        facts = {"intact": report.intact, "entries": report.entries, "checkpoints": report.checkpoints}
        click.echo(json.dumps({**facts, "broken": report.broken, "breaks": breaks}))
    else:
        told = "intact" if report.intact else "BROKEN"
        click.echo(f"checked {report.entries} audit entries and {report.checkpoints} checkpoints: {told}")
        for found in report.breaks[:SHOWN]:
            click.echo(f"  {found}")
        if report.broken > SHOWN:
            click.echo(f"  and {report.broken - SHOWN} more")
    sys.exit(0 if report.intact else BROKEN)


def _line(entry: AuditEntry) -> str:
    role = f" [{entry.role}]" if entry.role else ""
    why = f": {entry.purpose}" if entry.purpose else ""
    return f"{entry.seq}  {entry.at:%Y-%m-%d %H:%M:%S}Z  {entry.actor}{role}  {entry.action}  {entry.subject}{why}"


def _facts(entry: AuditEntry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "role": entry.role,
        "channel": entry.channel,
        "action": entry.action,
        "subject": entry.subject,
        "purpose": entry.purpose,
        "detail": json.loads(entry.detail),
        "leaf": entry.leaf.hex(),
        "chain": entry.chain.hex(),
    }
