"""`gateway verify`: what was sealed still stands, or the place of the first break."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from gateway.archive.verification import verify_archives
from gateway.bus.checkpoints import CHECKPOINTS_TOPIC
from gateway.commands.audit import verify as verify_audit_log
from gateway.commands.common import directory_option, json_option, language_option
from gateway.commands.keys import (
    UNCHECKED,
    anchors_option,
    jwks_option,
    memory_option,
    trusted_keys,
    witness_keys,
    witness_option,
    witnesses_of,
)
from gateway.commands.verify_receipt import NOT_LOOKED_AT, NOT_TOLD, verify_receipt
from gateway.consumer import verify_topic
from gateway.intake.problems import problem_for
from gateway.journal import Report, verify_journal
from gateway.pipeline import SenderRefused, check_reporter
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.long_signature import verify_long
from gateway.sealing.receipts import read_receipt
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.trust import TrustStore
from gateway.settings import READER, read_settings
from validators.limits import LONG_LIMITS
from validators.long_text import settle
from validators.refusals import Refusal

BROKEN = 4
UNDETERMINED = 5
SHOWN = 20


@click.group()
def verify() -> None:
    """Verifies receipts, messages, the journal, the audit log, archives and topics.

    Exit status: 0 intact, 4 broken, 5 undetermined.
    """


verify.add_command(verify_receipt)


@verify.command("message")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--trust",
    "anchors",
    required=True,
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trust anchor of senders' certificates, PEM; repeatable.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]),
    help="The moment for which the certificate must hold, in UTC; by default now.",
)
@json_option
@language_option
def verify_message(file: Path, anchors: tuple[Path, ...], at: datetime | None, as_json: bool, lang: str) -> None:
    """Verifies the sender's signature of a message of up to 1 152 MiB, in bounded memory; its content is not judged.

    The signer's certificate must lead to a trust anchor, and be that of the reporting entity that the message names.
    """
    moment = at.replace(tzinfo=UTC) if at else datetime.now(UTC)
    try:
        with file.open("rb") as opened:
            text = settle(opened, LONG_LIMITS)
            signer, found = verify_long(text, TrustStore([path.read_bytes() for path in anchors]), moment)
            check_reporter(found.reporter, signer.identifier)
            opened.seek(0)
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except (Refusal, SignatureRefused, SenderRefused) as error:
        told = problem_for(error, "", lang, 0).body()
        problem = {name: told[name] for name in ("code", "reason", "line", "title", "detail") if name in told}
        _end(f"{file}: broken: {told['detail']}", {"file": str(file), "intact": False, "problem": problem}, as_json)
    facts = {"file": str(file), "intact": True, "signer": signer.identifier, "sha256": digest}
    if as_json:
        click.echo(json.dumps({**facts, "certificate": signer.fingerprint, "bytes": file.stat().st_size}))
    else:
        click.echo(f"{file}: intact: signed by {signer.identifier}, SHA-256 {digest}")


@verify.command("journal")
@click.option(
    "--after",
    "after",
    multiple=True,
    metavar="LEDGER:SEQ",
    help="Begin behind this entry of this ledger, where there is a checkpoint whose seal is believed; repeatable.",
)
@witness_option
@memory_option
@anchors_option
@jwks_option
@directory_option
@json_option
def verify_log(
    after: tuple[str, ...],
    certificates: tuple[Path, ...],
    memory: Path | None,
    anchors: tuple[Path, ...],
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Computes every leaf, chain value, receipt and checkpoint of the journal again, from the stored bytes up.

    Of archived entries, whose bytes are not here, chain, receipt and keys are checked; their bytes are checked by
    `gateway verify archive`.

    With --witness, co-signatures too: that the log is the one which the witness saw; with --tsa-anchor, time stamps of
    checkpoints. What a compromised key sealed stands where a witness co-signed, or a service stamped, a checkpoint over
    it before the compromise; else the exit status is 5.
    """
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)
    report = asyncio.run(
        verify_journal(
            settings.database(),
            partial(read_receipt, keys=keys.regardless()),
            partial(read_checkpoint, keys=keys.regardless()),
            _progress if sys.stderr.isatty() else _silent,
            after=_places(after),
            witnesses=witnesses_of(keys, certificates, memory, anchors),
        )
    )
    if as_json:
        click.echo(json.dumps(_report_facts(report)))
    else:
        click.echo(
            f"checked {report.entries} entries, {report.filings} filings and {report.checkpoints} checkpoints "
            f"in {report.ledgers} ledger(s): {_standing(report)}"
        )
        if certificates:
            click.echo(_witnessed(report.cosignatures, report.witnessed))
        if report.timestamps:
            click.echo(f"  {report.timestamps} time stamps: {_stamped(report) if anchors else UNCHECKED}")
        if report.first_undetermined is not None:
            ledger, seq = report.first_undetermined
            click.echo(
                f"  {report.undetermined} seal(s) of compromised keys that nobody saw in time, the first: "
                f"ledger {ledger}, entry {seq}"
            )
        for found in report.breaks[:SHOWN]:
            click.echo(f"  {found}")
        if report.broken > SHOWN:
            click.echo(f"  and {report.broken - SHOWN} more")
    sys.exit(_status(report))


verify.add_command(verify_audit_log, "audit")


@verify.command("archive")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@witness_option
@anchors_option
@jwks_option
@directory_option
@json_option
def verify_files(
    paths: tuple[Path, ...],
    certificates: tuple[Path, ...],
    anchors: tuple[Path, ...],
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Verifies archives of the log without any database: files, leaves, chain, seals, and how they join.

    With --witness, co-signatures too: that the entries are those which the witness saw; with --tsa-anchor, time stamps
    of checkpoints.
    """
    keys = trusted_keys(read_settings(os.environ, directory), jwks)
    progress = _archive_progress if sys.stderr.isatty() else _archive_silent
    report = verify_archives(paths, keys, progress, witnesses_of(keys, certificates, None, anchors))
    if as_json:
        click.echo(json.dumps({"intact": report.intact, **asdict(report)}))
    else:
        click.echo(
            f"checked {report.entries} entries and {report.checkpoints} checkpoints in {report.archives} archive(s): "
            f"{'intact' if report.intact else 'BROKEN'}"
        )
        if certificates:
            click.echo(_witnessed(report.cosignatures, report.witnessed))
        if report.timestamps:
            click.echo(f"  {report.timestamps} time stamps{'' if anchors else f': {UNCHECKED}'}")
        for found in report.breaks[:SHOWN]:
            click.echo(f"  {found}")
        if report.broken > SHOWN:
            click.echo(f"  and {report.broken - SHOWN} more")
    sys.exit(0 if report.intact else BROKEN)


@verify.command("topic")
@click.argument("topic")
@click.option("--bootstrap", metavar="HOST:PORT", help="Kafka; by default the local stack's, or the environment's.")
@witness_option
@jwks_option
@directory_option
@json_option
def verify_records(
    topic: str,
    bootstrap: str | None,
    certificates: tuple[Path, ...],
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Verifies every committed record of a topic: seal, no doubles, order by key.

    With --witness, on fma.checkpoints.v1, the co-signatures that checkpoints carry too.
    """
    if certificates and topic != CHECKPOINTS_TOPIC:
        raise click.UsageError(f"co-signatures stand in {CHECKPOINTS_TOPIC} alone; leave --witness out")
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)
    witnesses = witness_keys(certificates) if certificates else None
    server = settings.bootstrap(READER, bootstrap)
    report = asyncio.run(verify_topic(topic, bootstrap=server, keys=keys, witnesses=witnesses))
    if as_json:
        first = report.first
        facts = {"topic": topic, "records": report.records, "partitions": len(report.partitions)}
        place = (
            None if first is None else {"partition": first.partition, "offset": first.offset, "reason": first.reason}
        )
        counts = {"undetermined": report.undetermined, "cosignatures": report.cosignatures}
        told_facts = {**facts, "intact": report.intact, "breaks": report.breaks, "first": place, **counts}
        if report.undetermined:
            told_facts["not_looked_at"] = NOT_LOOKED_AT
        click.echo(json.dumps(told_facts))
    else:
        told = f"BROKEN in {report.breaks} place(s), the first: {report.first}" if report.breaks else "intact"
        if report.undetermined and not report.breaks:
            told = f"UNDETERMINED: {report.undetermined} seal(s) of compromised keys; {NOT_TOLD}"
        click.echo(f"checked {report.records} records in {len(report.partitions)} partition(s) of {topic}: {told}")
    sys.exit(BROKEN if report.breaks else UNDETERMINED if report.undetermined else 0)


def _end(line: str, facts: dict[str, object], as_json: bool, status: int = BROKEN) -> NoReturn:
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else line)
    sys.exit(status)


def _report_facts(report: Report) -> dict[str, object]:
    return {
        "intact": report.intact,
        "ledgers": report.ledgers,
        "entries": report.entries,
        "filings": report.filings,
        "checkpoints": report.checkpoints,
        "cosignatures": report.cosignatures,
        "witnessed": {str(ledger): seq for ledger, seq in report.witnessed.items()},
        "timestamps": report.timestamps,
        "stamped": {str(ledger): {"seq": seq, "at": at.isoformat()} for ledger, (seq, at) in report.stamped.items()},
        "undetermined": report.undetermined,
        "broken": report.broken,
        "breaks": [
            {
                "ledger": found.ledger,
                "seq": found.seq,
                "what": found.what,
                "detail": found.detail,
                "receipt_id": str(found.receipt_id) if found.receipt_id else None,
            }
            for found in report.breaks
        ],
    }


def _witnessed(cosignatures: int, witnessed: Mapping[int, int]) -> str:
    where = ", ".join(f"ledger {ledger} up to entry {seq}" for ledger, seq in witnessed.items())
    return f"  {cosignatures} co-signatures; witnessed: {where or 'nothing'}"


def _stamped(report: Report) -> str:
    told = (f"ledger {ledger} up to entry {seq} at {at.isoformat()}" for ledger, (seq, at) in report.stamped.items())
    return ", ".join(told) or "none that holds"


def _places(after: tuple[str, ...]) -> dict[int, int]:
    places: dict[int, int] = {}
    for text in after:
        ledger, _, seq = text.partition(":")
        if not (ledger.isdecimal() and seq.isdecimal()):
            raise click.BadParameter(f"{text!r} is not LEDGER:SEQ, such as 0:250000", param_hint="--after")
        places[int(ledger)] = int(seq)
    return places


def _status(report: Report) -> int:
    if report.broken:
        return BROKEN
    return UNDETERMINED if report.undetermined else 0


def _standing(report: Report) -> str:
    return {0: "intact", BROKEN: "BROKEN", UNDETERMINED: "UNDETERMINED"}[_status(report)]


def _silent(_ledger: int, _seq: int, _length: int) -> None:
    return None


def _progress(ledger: int, seq: int, length: int) -> None:
    click.echo(f"ledger {ledger}: {seq} of {length} entries", err=True)


def _archive_silent(_archive: str, _seq: int) -> None:
    return None


def _archive_progress(archive: str, seq: int) -> None:
    click.echo(f"{archive}: entry {seq}", err=True)
