"""`gateway trust` and `gateway entities`: who may file, and whose certificates are believed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from codes.editions import load_codebook
from gateway.commands.acting import Command, ask_directory, note_reading, purpose_option
from gateway.commands.common import directory_option, json_option
from gateway.commands.people import fingerprint_in
from gateway.errors import ConfigurationError
from gateway.journal import EnrolledCertificate, Enrolment
from gateway.model import Entity, IdentifierKind
from gateway.sealing.certificates import describe
from gateway.sealing.trust import load_anchors
from validators.identifiers import IdentifierProblem, identifier_problem

PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PROBLEMS = {
    IdentifierProblem.FORM: "it is not twelve digits",
    IdentifierProblem.CHECK_DIGIT: "its check digit is wrong, so no such number exists",
}


@click.group()
def trust() -> None:
    """Trust anchors: certificates of the authorities that issue the senders' certificates."""


@trust.command("add")
@click.argument("file", type=PEM_FILE)
@purpose_option
@directory_option
@json_option
def add_anchor(file: Path, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Trusts the certificate authority in FILE (PEM); adding it again is harmless."""
    pem = file.read_bytes()
    load_anchors(pem)
    command = Command("trust add", directory, purpose)
    anchor = ask_directory(command, lambda those: those.add_anchor(pem, datetime.now(UTC)))
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
    command = Command("trust list", directory)
    anchors = ask_directory(command, lambda those: those.anchors())
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
@purpose_option
@directory_option
@json_option
def enrol(
    bin_: str | None,
    iin: str | None,
    kind: str,
    name: str,
    certificates: tuple[Path, ...],
    purpose: str,
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
    command = Command("entities enrol", directory, purpose)
    entity = ask_directory(command, lambda those: those.enrol(enrolment, datetime.now(UTC)))
    _say(entity, "enrolled", as_json)


@entities.command("list")
@purpose_option
@directory_option
@json_option
def list_entities(purpose: str, directory: Path | None, as_json: bool) -> None:
    """Lists the enrolled entities."""
    command = Command("entities list", directory, purpose)
    note_reading(command, "entities listed", "all")
    those = ask_directory(command, lambda those: those.entities())
    if as_json:
        click.echo(json.dumps([_facts(entity) for entity in those], ensure_ascii=False))
        return
    for entity in those:
        click.echo(f"{entity.identifier}  {entity.kind}  {entity.state.value:9}  {entity.name}")


@entities.command("suspend")
@click.argument("identifier")
@purpose_option
@directory_option
@json_option
def suspend(identifier: str, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Lets an entity file no more; it may still read its own messages."""
    command = Command("entities suspend", directory, purpose)
    entity = ask_directory(command, lambda those: those.suspend(identifier, datetime.now(UTC)))
    _say(entity, "suspended", as_json)


@entities.command("resume")
@click.argument("identifier")
@purpose_option
@directory_option
@json_option
def resume(identifier: str, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Lets a suspended entity file again."""
    command = Command("entities resume", directory, purpose)
    entity = ask_directory(command, lambda those: those.resume(identifier, datetime.now(UTC)))
    _say(entity, "may file again", as_json)


@entities.group("certificate")
def certificate() -> None:
    """Certificates of an entity: two may stand side by side while one takes over from the other."""


@certificate.command("add")
@click.argument("identifier")
@click.argument("file", type=PEM_FILE)
@purpose_option
@directory_option
@json_option
def add_certificate(identifier: str, file: Path, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Lets an entity sign with the certificate in FILE (PEM) too; again is harmless."""
    pem = file.read_bytes()
    signer = describe(pem)[0]
    if identifier not in (signer.bin, signer.iin):
        raise ConfigurationError(f"{file}: the certificate is not that of {identifier}")
    now = datetime.now(UTC)
    command = Command("entities certificate add", directory, purpose)
    entity = ask_directory(
        command,
        lambda those: those.add_certificate(identifier, pem, now),
    )
    _say(entity, "certificate added", as_json)


@certificate.command("revoke")
@click.argument("identifier")
@click.argument("fingerprint")
@purpose_option
@directory_option
@json_option
def revoke_certificate(identifier: str, fingerprint: str, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Takes a certificate from an entity for ever, within a second; what was filed under it before stands.

    FINGERPRINT is the SHA-256 that `certificate list` shows.
    """
    named, now = fingerprint_in(fingerprint), datetime.now(UTC)
    command = Command("entities certificate revoke", directory, purpose)
    entity = ask_directory(
        command,
        lambda those: those.revoke_certificate(identifier, named, now),
    )
    _say(entity, "certificate revoked", as_json)


@certificate.command("list")
@click.argument("identifier")
@purpose_option
@directory_option
@json_option
def list_certificates(identifier: str, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Lists the certificates of an entity, the revoked too."""
    command = Command("entities certificate list", directory, purpose)
    note_reading(command, "certificates listed", identifier)
    rows = ask_directory(command, lambda those: those.certificates(identifier))
    facts = [_certificate_facts(row) for row in rows]
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for fact in facts:
        state = f"revoked {fact['revoked_at']}" if fact["revoked_at"] else f"stands until {fact['valid_until']}"
        click.echo(f"{fact['fingerprint']}  {state}  {fact['subject']}")


def _certificate_facts(row: EnrolledCertificate) -> dict[str, str | None]:
    told = describe(row.pem)[0]
    return {
        "fingerprint": row.fingerprint,
        "subject": told.subject,
        "valid_until": told.not_after.isoformat(),
        "enrolled_at": row.enrolled_at.isoformat(),
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
    }


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
