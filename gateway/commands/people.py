"""`gateway people`: who of the FMA may ask for what."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.commands.acting import Command, ask_people, note_reading, purpose_option
from gateway.commands.common import directory_option, json_option
from gateway.journal import Person, Role
from gateway.sealing.certificates import describe

PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ID = re.compile(r"[a-z][a-z0-9.-]{1,38}[a-z0-9]")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@click.group()
def people() -> None:
    """The FMA's people: officers, analysts, administrators, auditors. Every change goes into the audit log."""


@people.command("enrol")
@click.argument("person_id", metavar="ID")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="One role a person.")
@click.option("--name", required=True, help="The person's name.")
@click.option("--certificate", "certificates", multiple=True, required=True, type=PEM_FILE, help="PEM; repeatable.")
@purpose_option
@directory_option
@json_option
def enrol(
    person_id: str,
    role: str,
    name: str,
    certificates: tuple[Path, ...],
    purpose: str,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Lets somebody in under ID, or changes their role and name and adds certificates; again is harmless.

    ID is what the person's tokens name as `iss` and the audit log as the actor: 3 to 40 of a-z, 0-9, dot and hyphen.
    """
    if not _ID.fullmatch(person_id):
        raise click.BadParameter("3 to 40 of a-z, 0-9, dot and hyphen, a letter first", param_hint="ID")
    pems = tuple(path.read_bytes() for path in certificates)
    for pem in pems:
        describe(pem)
    person = Person(person_id, name, Role(role), active=True, certificates=frozenset())
    command = Command("people enrol", directory, purpose)
    enrolled = ask_people(command, lambda those: those.enrol(person, pems, datetime.now(UTC)))
    _say(enrolled, "enrolled", as_json)


@people.command("list")
@purpose_option
@directory_option
@json_option
def list_people(purpose: str, directory: Path | None, as_json: bool) -> None:
    """Lists the people that are enrolled, the suspended too."""
    command = Command("people list", directory, purpose)
    note_reading(command, "people listed", "all")
    everybody = ask_people(command, lambda those: those.everybody())
    if as_json:
        click.echo(json.dumps([_facts(person) for person in everybody], ensure_ascii=False))
        return
    for person in everybody:
        state = "active" if person.active else "suspended"
        click.echo(f"{person.id}  {person.role.value:13}  {state:9}  {person.name}")


@people.command("suspend")
@click.argument("person_id", metavar="ID")
@purpose_option
@directory_option
@json_option
def suspend(person_id: str, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Refuses somebody everything, within a second, until they are resumed."""
    now = datetime.now(UTC)
    command = Command("people suspend", directory, purpose)
    person = ask_people(command, lambda those: those.set_active(person_id, now, active=False))
    _say(person, "suspended", as_json)


@people.command("resume")
@click.argument("person_id", metavar="ID")
@purpose_option
@directory_option
@json_option
def resume(person_id: str, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Lets a suspended person in again."""
    now = datetime.now(UTC)
    command = Command("people resume", directory, purpose)
    person = ask_people(command, lambda those: those.set_active(person_id, now, active=True))
    _say(person, "let in again", as_json)


@people.command("revoke")
@click.argument("person_id", metavar="ID")
@click.argument("fingerprint")
@purpose_option
@directory_option
@json_option
def revoke(person_id: str, fingerprint: str, purpose: str, directory: Path | None, as_json: bool) -> None:
    """Takes a certificate from somebody for ever; FINGERPRINT is the SHA-256 that `people list --json` shows."""
    named = fingerprint_in(fingerprint)
    command = Command("people revoke", directory, purpose)
    person = ask_people(command, lambda those: those.revoke(person_id, named, datetime.now(UTC)))
    _say(person, "certificate revoked", as_json)


def fingerprint_in(text: str) -> str:
    """A certificate's lower-case hex SHA-256, with or without colons; raises click.BadParameter."""
    found = text.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(found):
        raise click.BadParameter("the SHA-256 of a certificate, 64 hexadecimal digits", param_hint="FINGERPRINT")
    return found


def _say(person: Person, what: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_facts(person), ensure_ascii=False))
        return
    click.echo(f"{person.id} ({person.role.value}): {what}; {len(person.certificates)} certificate(s)")


def _facts(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role.value,
        "state": "active" if person.active else "suspended",
        "certificates": sorted(person.certificates),
    }
