"""`gateway verify receipt`: one receipt, and of a compromised key's who else saw it in time."""

import asyncio
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from gateway.commands.common import FINDING_LINE, directory_option, json_option, language_option
from gateway.commands.keys import anchors_option, jwks_option, trusted_keys, witness_option, witnesses_of
from gateway.consumer import KeySet
from gateway.journal import Witnesses
from gateway.journal.coverage import Coverage, Readers, coverage_of
from gateway.model import Finding, Receipt
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.jws import kid_of
from gateway.sealing.receipts import read_receipt, receipt_facts
from gateway.sealing.refusals import SealRefused, SealUndetermined
from gateway.settings import read_settings
from validators.catalogue import catalogue

BROKEN = 4
UNDETERMINED = 5
NOT_LOOKED_AT = ["cosignatures", "timestamps"]
NOT_COVERED = (
    "nobody who is named is known to have co-signed or time-stamped the log over its entry before it got there"
)
NOT_TOLD = (
    "whether the gateway made it before was not looked at here: `gateway verify receipt` and `gateway verify journal` "
    "with --witness or --tsa-anchor tell what was co-signed or time-stamped in time"
)


@click.command("receipt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--message", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The message it is for.")
@witness_option
@anchors_option
@jwks_option
@directory_option
@json_option
@language_option
def verify_receipt(
    file: Path,
    message: Path | None,
    certificates: tuple[Path, ...],
    anchors: tuple[Path, ...],
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
    lang: str,
) -> None:
    """Verifies a receipt: the compact JWS, or the JSON answer that holds it under `receipt`.

    One that a compromised key sealed stands where --witness co-signed, or a service below --tsa-anchor stamped, the log
    over it before the compromise: PostgreSQL is asked for that. Else the exit status is 5.
    """
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)
    covered: Coverage | None = None
    try:
        receipt = read_receipt(_jws_in(file), keys)
    except SealUndetermined:
        receipt = read_receipt(_jws_in(file), keys.regardless())
        if not certificates and not anchors:
            _undetermined(file, NOT_TOLD, {"not_looked_at": NOT_LOOKED_AT}, as_json)
        log = _Log(settings.database(), keys, witnesses_of(keys, certificates, None, anchors))
        covered = asyncio.run(log.coverage(receipt))
        if covered is None:
            _undetermined(file, NOT_COVERED, {"covered": None}, as_json)
    except SealRefused as error:
        _broken(file, str(error), error.reason, as_json)
    if message is not None and _digest(message) != receipt.sha256:
        _broken(file, f"{message} is not the message of this receipt", "another-message", as_json)
    if as_json:
        seen = {} if covered is None else {"covered": _facts(covered)}
        click.echo(
            json.dumps({"file": str(file), "intact": True, **receipt_facts(receipt, lang), **seen}, ensure_ascii=False)
        )
        return
    _tell(file, receipt, covered, lang)


@dataclass(frozen=True, slots=True)
class _Log:
    """The log that a receipt of a compromised key is looked for in."""

    dsn: str
    keys: KeySet
    witnesses: Witnesses

    async def coverage(self, receipt: Receipt) -> Coverage | None:
        """Who of those that are named saw the log over the receipt before its key got out."""
        moment = self.keys.compromised_at(kid_of(receipt.jws))
        readers = Readers(self.witnesses, partial(read_checkpoint, keys=self.keys.regardless()))
        return None if moment is None else await coverage_of(self.dsn, receipt, moment, readers)


def _tell(file: Path, receipt: Receipt, covered: Coverage | None, lang: str) -> None:
    click.echo(f"{file}: intact: the gateway received it at {receipt.received_at.isoformat()}: {receipt.verdict.value}")
    click.echo(f"  document {receipt.document}, version {receipt.version}, SHA-256 {receipt.sha256}")
    if covered is not None:
        place = f"ledger {covered.ledger} up to entry {covered.seq}"
        click.echo(f"  its key got out later: {place} was seen by a {covered.by} at {covered.at.isoformat()}")
    for finding in receipt.findings:
        click.echo(_finding_line(finding, lang))


def _facts(covered: Coverage) -> dict[str, object]:
    return {"by": covered.by, "ledger": covered.ledger, "seq": covered.seq, "at": covered.at.isoformat()}


def _finding_line(finding: Finding, lang: str) -> str:
    return FINDING_LINE.format(
        severity=finding.severity.value,
        code=finding.code,
        line=finding.line or "",
        path=finding.path,
        message=catalogue().text(finding, lang),
    )


def _jws_in(file: Path) -> str:
    text = file.read_text(encoding="utf-8", errors="replace").strip()
    if not text.startswith("{"):
        return text
    try:
        return str(json.loads(text)["receipt"])
    except (ValueError, KeyError, TypeError):
        raise click.UsageError(
            f"{file} is neither a compact JWS nor an answer that holds one under `receipt`"
        ) from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _undetermined(file: Path, why: str, told: dict[str, object], as_json: bool) -> NoReturn:
    facts = {"file": str(file), "intact": False, "reason": "compromised-key", **told}
    click.echo(json.dumps(facts) if as_json else f"{file}: undetermined: its key is in other hands; {why}")
    sys.exit(UNDETERMINED)


def _broken(file: Path, why: str, reason: str, as_json: bool) -> NoReturn:
    facts = {"file": str(file), "intact": False, "reason": reason}
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else f"{file}: broken: {why}")
    sys.exit(BROKEN)
