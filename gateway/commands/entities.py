"""`gateway trust` and `gateway entities`: who may file, and whose certificates are believed."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from codes.editions import load_codebook
from gateway.commands.common import directory_option, json_option
from gateway.errors import ConfigurationError
from gateway.journal import Directory, Enrolment
from gateway.model import Entity, IdentifierKind
from gateway.sealing.certificates import describe
from gateway.sealing.trust import load_anchors
from gateway.settings import read_settings
from validators.identifiers import IdentifierProblem, identifier_problem

PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PROBLEMS = {
    IdentifierProblem.FORM: "it is not twelve digits",
    IdentifierProblem.CHECK_DIGIT: "its check digit is wrong, so no such number exists",
}
T = TypeVar("T")


@click.group()
def trust() -> None:
    """Trust anchors: certificates of the authorities that issue the senders' certificates."""


@trust.command("add")
@click.argument("file", type=PEM_FILE)
@directory_option
@json_option
def add_anchor(file: Path, directory: Path | None, as_json: bool) -> None:
    """Trusts the certificate authority in FILE (PEM); adding it again is harmless."""
    pem = file.read_bytes()
    load_anchors(pem)
    anchor = _ask(directory, lambda those: those.add_anchor(pem, datetime.now(UTC)))
    facts = describe(anchor.pem)[0]
    if as_json:
        click.echo(json.dumps({"fingerprint": anchor.fingerprint, "subject": facts.subject}, ensure_ascii=False))
        return
    click.echo(f"trusted: {facts.subject} (SHA-256 {anchor.fingerprint})")


@trust.command("list")
@directory_option
@json_option
def list_anchors(directory: Path | None, as_json: bool) -> None:
    """Lists the trust anchors."""
    anchors = _ask(directory, lambda those: those.anchors())
    rows = [(anchor, describe(anchor.pem)[0]) for anchor in anchors]
    if as_json:
        facts = [
            {
                "fingerprint": anchor.fingerprint,
                "subject": fact.subject,
                "valid_until": fact.not_after.isoformat(),
                "added_at": anchor.added_at.isoformat(),
            }
            for anchor, fact in rows
        ]
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for anchor, fact in rows:
        click.echo(f"{anchor.fingerprint}  valid until {fact.not_after:%Y-%m-%d}  {fact.subject}")


@click.group()
def entities() -> None:
    """Reporting entities: who is enrolled, with which certificates."""


@entities.command("enrol")
@click.option("--bin", "bin_", metavar="BIN", help="The entity's BIN.")
@click.option("--iin", metavar="IIN", help="The entity's IIN, when it has no BIN (a notary, a natural person).")
@click.option("--kind", required=True, metavar="CODE", help="A code of the table reporting_entity_kinds.")
@click.option("--name", required=True, help="The entity's name.")
@click.option("--certificate", "certificates", multiple=True, required=True, type=PEM_FILE, help="PEM; repeatable.")
@directory_option
@json_option
def enrol(
    bin_: str | None,
    iin: str | None,
    kind: str,
    name: str,
    certificates: tuple[Path, ...],
    directory: Path | None,
    as_json: bool,
) -> None:
    """Lets an entity file, or adds certificates to it; enrolling again is harmless."""
    if (bin_ is None) == (iin is None):
        raise click.UsageError("name the entity by --bin or by --iin, one of them")
    identifier = bin_ or iin or ""
    identifier_kind = IdentifierKind.BIN if bin_ else IdentifierKind.IIN
    _check(identifier, identifier_kind, kind)
    pems = tuple(path.read_bytes() for path in certificates)
    _check_certificates(identifier, identifier_kind, dict(zip(certificates, pems, strict=True)))
    enrolment = Enrolment(identifier, identifier_kind, kind, name, pems)
    entity = _ask(directory, lambda those: those.enrol(enrolment, datetime.now(UTC)))
    _say(entity, "enrolled", as_json)


@entities.command("list")
@directory_option
@json_option
def list_entities(directory: Path | None, as_json: bool) -> None:
    """Lists the enrolled entities."""
    those = _ask(directory, lambda those: those.entities())
    if as_json:
        click.echo(json.dumps([_facts(entity) for entity in those], ensure_ascii=False))
        return
    for entity in those:
        click.echo(f"{entity.identifier}  {entity.kind}  {entity.state.value:9}  {entity.name}")


@entities.command("suspend")
@click.argument("identifier")
@directory_option
@json_option
def suspend(identifier: str, directory: Path | None, as_json: bool) -> None:
    """Lets an entity file no more; it may still read its own messages."""
    _say(_ask(directory, lambda those: those.suspend(identifier, datetime.now(UTC))), "suspended", as_json)


@entities.command("resume")
@click.argument("identifier")
@directory_option
@json_option
def resume(identifier: str, directory: Path | None, as_json: bool) -> None:
    """Lets a suspended entity file again."""
    _say(_ask(directory, lambda those: those.resume(identifier, datetime.now(UTC))), "may file again", as_json)


def _ask(directory: Path | None, question: Callable[[Directory], Awaitable[T]]) -> T:
    dsn = read_settings(os.environ, directory).database()

    async def ask() -> T:
        async with Directory(dsn) as those:
            return await question(those)

    return asyncio.run(ask())


def _check(identifier: str, identifier_kind: IdentifierKind, kind: str) -> None:
    problem = identifier_problem(identifier)
    if problem is not None:
        raise ConfigurationError(
            f"{identifier_kind.value.upper()} {identifier} can't be enrolled: {PROBLEMS[problem]}; copy it again"
        )
    kinds = load_codebook().table("reporting_entity_kinds", on=datetime.now(UTC).date())
    if kinds.get(kind) is None:
        raise ConfigurationError(
            f"{kind!r} is no kind of reporting entity; `gateway codes show reporting_entity_kinds` lists them "
            "(leading zeros matter)"
        )


def _check_certificates(identifier: str, kind: IdentifierKind, pems: dict[Path, bytes]) -> None:
    for path, pem in pems.items():
        signer = describe(pem)[0]
        held = IdentifierKind.BIN if signer.bin else IdentifierKind.IIN
        if (held, signer.bin or signer.iin) != (kind, identifier):
            raise ConfigurationError(
                f"{path}: the certificate is not that of {kind.value.upper()} {identifier} "
                f"(its BIN: {signer.bin or 'none'}, its IIN: {'given' if signer.iin else 'none'})"
            )


def _say(entity: Entity, what: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_facts(entity), ensure_ascii=False))
        return
    click.echo(f"{entity.identifier} ({entity.name}): {what}; {len(entity.certificates)} certificate(s)")


def _facts(entity: Entity) -> dict[str, object]:
    return {
        "identifier": entity.identifier,
        "identifier_kind": entity.identifier_kind.value,
        "kind": entity.kind,
        "name": entity.name,
        "state": entity.state.value,
        "certificates": sorted(entity.certificates),
    }
