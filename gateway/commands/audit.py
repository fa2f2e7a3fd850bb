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
from gateway.commands.keys import (
    UNCHECKED,
    anchors_option,
    jwks_option,
    memory_option,
    trusted_keys,
    witness_option,
    witnesses_of,
)
from gateway.journal import AuditEntry, AuditLog, AuditReport, verify_audit
from gateway.sealing.checkpoints import read_checkpoint
from gateway.settings import read_settings

BROKEN = 4
UNDETERMINED = 5
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
@witness_option
@memory_option
@anchors_option
@jwks_option
@directory_option
@json_option
def verify(
    certificates: tuple[Path, ...],
    memory: Path | None,
    anchors: tuple[Path, ...],
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Computes the audit log again from its first entry, and names the first that is broken.

    With --witness, co-signatures too: that it is the log which the witness saw, and not one that was written anew with
    the gateway's own key; with --tsa-anchor, time stamps of its checkpoints.

    Exit status: 0 intact, 4 broken, 5 undetermined: a compromised key sealed what nobody else saw before.
    """
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)
    asyncio.run(Command("audit verify", directory).admitted())
    witnesses = witnesses_of(keys, certificates, memory, anchors)
    read = partial(read_checkpoint, keys=keys.regardless())
    report = asyncio.run(verify_audit(settings.database(), read, witnesses))
    if as_json:
        click.echo(json.dumps(_report_facts(report)))
    else:
        _tell(report, witnessed=bool(certificates), stamped=bool(anchors))
    sys.exit(BROKEN if report.broken else UNDETERMINED if report.undetermined else 0)


def _tell(report: AuditReport, *, witnessed: bool, stamped: bool) -> None:
    told = "BROKEN" if report.broken else "UNDETERMINED" if report.undetermined else "intact"
    click.echo(f"checked {report.entries} audit entries and {report.checkpoints} checkpoints: {told}")
    if witnessed:
        click.echo(f"  {report.cosignatures} co-signatures; witnessed up to entry {report.witnessed}")
    if report.timestamps:
        upto = f"up to entry {report.stamped[0]} at {report.stamped[1].isoformat()}" if report.stamped else "none holds"
        click.echo(f"  {report.timestamps} time stamps: {upto if stamped else UNCHECKED}")
    if report.first_undetermined is not None:
        first = f"the first: entry {report.first_undetermined}"
        click.echo(f"  {report.undetermined} seal(s) of compromised keys that nobody saw in time, {first}")
    for found in report.breaks[:SHOWN]:
        click.echo(f"  {found}")
    if report.broken > SHOWN:
        click.echo(f"  and {report.broken - SHOWN} more")


def _report_facts(report: AuditReport) -> dict[str, object]:
    stamped = report.stamped
    return {
        "intact": report.intact,
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "cosignatures": report.cosignatures,
        "witnessed": report.witnessed,
        "timestamps": report.timestamps,
        "stamped": None if stamped is None else {"seq": stamped[0], "at": stamped[1].isoformat()},
        "undetermined": report.undetermined,
        "broken": report.broken,
        "breaks": [{"seq": found.seq, "what": found.what, "detail": found.detail} for found in report.breaks],
    }


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
