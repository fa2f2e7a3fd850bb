"""`gateway submit`: files signed messages and prints what the gateway answered."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import httpx

from gateway.client import Answer, NotDelivered, file_message
from gateway.client.filing import LongBody
from gateway.commands.common import FINDING_LINE, language_option
from gateway.settings import read_settings

NOT_DELIVERED = 3
SHORT_BYTES = 4 * 1024 * 1024
REFUSED = 1


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help="The gateway's URL; by default the local stack's, or GATEWAY_URL.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="The local stack whose URL is used.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, nothing else, on standard output.")
@language_option
def submit(files: tuple[Path, ...], url: str | None, directory: Path | None, as_json: bool, lang: str) -> None:
    """Files signed messages; sending the same file again is harmless and gives the same receipt.

    A file of more than 4 MiB is sent piece by piece, and its receipt waited for up to an hour.

    Exit status: 0 all accepted, 1 any refused, 3 any not delivered.
    """
    base = url or read_settings(os.environ, directory).public_url()
    sys.exit(asyncio.run(_submit(files, base, as_json, lang)))


async def _submit(files: Sequence[Path], base: str, as_json: bool, lang: str) -> int:
    worst = 0
    async with httpx.AsyncClient(base_url=base, timeout=60.0) as client:
        for number, path in enumerate(files, 1):
            try:
                answer = await file_message(client, _body(path), language=lang)
            except NotDelivered as error:
                worst = NOT_DELIVERED
                _say({"file": str(path), "error": str(error)}, [f"{path}: {error}"], as_json)
                continue
            if not answer.accepted:
                worst = max(worst, REFUSED)
            _say({"file": str(path), "status": answer.status, **answer.facts}, list(_tell(path, answer)), as_json)
            if len(files) > 1 and sys.stderr.isatty():
                click.echo(f"{number} of {len(files)} files", err=True)
    return worst


def _body(path: Path) -> bytes | LongBody:
    """The bytes of a short message; a long one stays in its file."""
    size = path.stat().st_size
    if size <= SHORT_BYTES:
        return path.read_bytes()

    def told(sent: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{path}: {sent * 100 // size} % of {size} bytes sent", nl=sent == size, err=True)

    return LongBody(path, told)


def _say(facts: Mapping[str, Any], lines: Sequence[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for line in lines:
        click.echo(line)


def _tell(path: Path, answer: Answer) -> Iterator[str]:
    facts = answer.facts
    if not answer.judged:
        yield f"{path}: not taken ({answer.status}): {facts.get('title', '')}"
        if facts.get("detail"):
            yield f"  {facts['detail']}"
        return
    again = " (filed before: the same receipt)" if answer.status == httpx.codes.OK else ""
    yield f"{path}: {facts['verdict']}{again}"
    yield f"  receipt {facts['id']}, received {facts['received_at']}, judged by edition {facts['edition']}"
    for finding in facts.get("findings", ()):
        yield FINDING_LINE.format(**{key: "" if value is None else value for key, value in finding.items()})
