"""`gateway validate` and `gateway sign`: what an entity does with a message before it files."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.commands.common import FINDING_LINE, json_option, language_option
from gateway.intake.problems import problem_for
from gateway.judging.examination import reporter_of
from gateway.model import Circumstances
from gateway.pipeline import SenderRefused, check_reporter
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.long_signing import sign_file
from gateway.sealing.receipts import found_facts, told_findings
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import Encoded, sign_xml, verify_message
from validators.judge import judge
from validators.limits import DEFAULT_LIMITS
from validators.parsing import parse
from validators.profiles import ProfileBook
from validators.refusals import Refusal, TooLarge

REFUSED = 1
UNREADABLE = 2
MESSAGE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Offline:
    """What an offline verdict is made with; `trust` is None when the signature is not looked at."""

    circumstances: Circumstances
    profiles: ProfileBook
    trust: TrustStore | None
    language: str


@click.command()
@click.argument("files", nargs=-1, required=True, type=MESSAGE_FILE)
@click.option(
    "--trust",
    "anchors",
    multiple=True,
    type=MESSAGE_FILE,
    help="Check the signature too, and that the signer is the reporting entity; PEM, repeatable.",
)
@click.option(
    "--kind", metavar="CODE", help="The sender's enrolled kind; without it the rules that need it are left out."
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]),
    help="The moment of receipt in UTC; by default now.",
)
@json_option
@language_option
def validate(
    files: tuple[Path, ...],
    anchors: tuple[Path, ...],
    kind: str | None,
    at: datetime | None,
    as_json: bool,
    lang: str,
) -> None:
    """Says the verdict that the gateway would give, with no server: every finding, where it is, and what to do.

    With --json one object a file: file, verdict, edition, findings, and for a message of many items those that are
    refused: items. A file of more than 4 MiB is not judged here, but by the gateway when it is filed. Exit status:
    0 all accepted, 1 any refused, 2 any not readable as a message.
    """
    moment = at.replace(tzinfo=UTC) if at else datetime.now(UTC)
    trust = TrustStore([path.read_bytes() for path in anchors]) if anchors else None
    offline = Offline(Circumstances(moment, kind), ProfileBook.load(), trust, lang)
    worst = 0
    for number, path in enumerate(files, 1):
        status, facts = _verdict(path, offline)
        worst = max(worst, status)
        if as_json:
            click.echo(json.dumps(facts, ensure_ascii=False))
        else:
            for line in _lines(facts):
                click.echo(line)
        if len(files) > 1 and sys.stderr.isatty():
            click.echo(f"{number} of {len(files)} files", err=True)
    sys.exit(worst)


@click.command()
@click.argument("file", type=MESSAGE_FILE)
@click.option(
    "--key", required=True, type=MESSAGE_FILE, help="The private key, PEM: P-256 or RSA of 2048 bits or more."
)
@click.option(
    "--certificate",
    "certificates",
    required=True,
    multiple=True,
    type=MESSAGE_FILE,
    help="The certificate of the key, PEM; then the intermediate ones.",
)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="What is written.")
@click.option(
    "--encoding",
    type=click.Choice(["UTF-16", "UTF-8"]),
    default="UTF-16",
    show_default=True,
    help="The encoding of what is written; the order demands UTF-16, the gateway takes both.",
)
def sign(file: Path, key: Path, certificates: Sequence[Path], output: Path, encoding: Encoded) -> None:
    """Fills the Signature of a message; a signature that is there already is replaced.

    A file of more than 4 MiB is signed in bounded memory, up to 1 152 MiB, and written as it is apart from its
    Signature and its encoding. Exit status: 0 signed, 2 not readable as a message, not signable or not written.
    """
    pems = [path.read_bytes() for path in certificates]
    try:
        if file.stat().st_size > DEFAULT_LIMITS.bytes:
            sign_file(file, output, LocalKeyHolder.from_pem(key.read_bytes(), b"".join(pems)), encoding)
        else:
            message = parse(_read(file))
            output.write_bytes(sign_xml(message.root, key.read_bytes(), pems, encoding))
    except (Refusal, SignatureRefused) as error:
        click.echo(f"{file}: {_problem(error, 'en')['detail']}", err=True)
        sys.exit(UNREADABLE)
    except OSError as error:
        click.echo(f"{error.filename or output}: {error.strerror}", err=True)
        sys.exit(UNREADABLE)
    click.echo(f"{output}: signed, {output.stat().st_size} bytes")


def _verdict(path: Path, offline: Offline) -> tuple[int, dict[str, Any]]:
    try:
        message = parse(_read(path))
        if offline.trust is not None:
            signer = verify_message(message, offline.trust, offline.circumstances.received_at)
            check_reporter(reporter_of(message.root), signer.identifier)
    except Refusal as error:
        return UNREADABLE, _not_judged(path, _problem(error, offline.language))
    except (SignatureRefused, SenderRefused) as error:
        return REFUSED, _not_judged(path, _problem(error, offline.language))
    judgement = judge(message, offline.circumstances, offline.profiles)
    told = {
        "file": str(path),
        "verdict": judgement.verdict.value,
        "edition": judgement.edition,
        **found_facts(judgement, lambda findings: told_findings(findings, offline.language)),
    }
    return 0 if judgement.verdict.stands else REFUSED, told


def _read(path: Path) -> bytes:
    """The bytes, no more than one beyond what a message may have."""
    with path.open("rb") as file:
        body = file.read(DEFAULT_LIMITS.bytes + 1)
    if len(body) > DEFAULT_LIMITS.bytes:
        raise TooLarge("bytes", parameters={"limit": str(DEFAULT_LIMITS.bytes)})
    return body


def _problem(error: BaseException, language: str) -> dict[str, Any]:
    body = problem_for(error, "", language, 0).body()
    return {name: body[name] for name in ("code", "reason", "line", "title", "detail") if name in body}


def _not_judged(path: Path, problem: Mapping[str, Any]) -> dict[str, Any]:
    return {"file": str(path), "verdict": "refused", "edition": None, "findings": [], "problem": problem}


def _lines(facts: Mapping[str, Any]) -> list[str]:
    problem = facts.get("problem")
    if problem is not None:
        return [f"{facts['file']}: {problem['title']}", f"  {problem['detail']}"]
    lines = [
        f"{facts['file']}: {facts['verdict']} (edition {facts['edition']})",
        *map(_finding_line, facts["findings"]),
    ]
    for item in facts.get("items", ()):
        lines += [f"  item {item['number']} {item['id']}: refused", *map(_finding_line, item["findings"])]
    return lines


def _finding_line(finding: Mapping[str, Any]) -> str:
    return FINDING_LINE.format(**{name: "" if value is None else value for name, value in finding.items()})
