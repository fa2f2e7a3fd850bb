"""People, certificates and the audit log at the command line, against a real database."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import click
import pytest
from click.testing import CliRunner, Result

from gateway.__main__ import main
from gateway.commands.acting import system_user
from gateway.intake.rights import rights
from gateway.journal import Role, migrate
from gateway.local.people import make_firm, make_person
from gateway.sealing.certificates import describe
from gateway.sealing.generation import Issued, Subject, generate_gateway_key, issue, make_authority

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=10)
FIRM = make_firm(Random(1), NOW.date()).bin
AUTHORITY = make_authority("TEST CA", SINCE)

Run = Callable[..., Result]


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    dsn = new_database()
    asyncio.run(migrate(dsn))
    return dsn


@pytest.fixture
def run(database: str, tmp_path: Path) -> Run:
    """A command of the gateway, given by the person `person` where one is named."""
    key, certificate = generate_gateway_key(tmp_path, "Test gateway", SINCE)
    environment = {
        "GATEWAY_DATABASE_URL": database,
        "GATEWAY_DIR": str(tmp_path),
        "GATEWAY_KEY_FILE": str(key),
        "GATEWAY_CERTIFICATE_FILE": str(certificate),
        "LOGNAME": "somebody-else",
    }

    def run(*words: str, person: str = "") -> Result:
        return CliRunner().invoke(main, list(words), env={**environment, "GATEWAY_PERSON": person})

    return run


def written(path: Path, issued: Issued) -> str:
    path.write_bytes(issued.certificate)
    return str(path)


def facts(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


def audited(run: Run) -> list[dict[str, Any]]:
    listed = run("audit", "list", "--json")
    assert listed.exit_code == 0, listed.output
    return [json.loads(line) for line in listed.output.splitlines()]


def test_people_are_enrolled_listed_suspended_and_their_certificates_revoked(run: Run, tmp_path: Path) -> None:
    subject = Subject("OFFICER", iin=make_person(Random(2), NOW.date()).iin)
    file = written(tmp_path / "officer.pem", issue(AUTHORITY, subject, SINCE))
    words = ("people", "enrol", "a.serikov", "--role", "officer", "--name", "А. Серіков", "--certificate", file)
    person = facts(run(*words, "--purpose", "order 5", "--json"))
    assert (person["id"], person["role"], person["state"]) == ("a.serikov", "officer", "active")
    assert facts(run("people", "list", "--json")) == [person]
    assert facts(run("people", "suspend", "a.serikov", "--json"))["state"] == "suspended"
    assert "officer" in run("people", "list").output
    assert facts(run("people", "resume", "a.serikov", "--json"))["state"] == "active"
    assert (
        facts(run("people", "revoke", "a.serikov", person["certificates"][0].upper(), "--json"))["certificates"] == []
    )
    entries = audited(run)
    assert {entry["actor"] for entry in entries} == {system_user()}
    assert [entry["action"] for entry in entries] == [
        "person enrolled",
        "people listed",
        "person suspended",
        "people listed",
        "person active",
        "person certificate revoked",
        "audit log read",
    ]
    assert entries[0]["purpose"] == "order 5"
    assert run("audit", "verify").output.startswith("checked 7 audit entries")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("people", "enrol", "A B", "--role", "officer", "--name", "x", "--certificate", "{}"), "a letter first"),
        (("people", "enrol", "one", "--role", "chief", "--name", "x", "--certificate", "{}"), "officer"),
        (("people", "suspend", "nobody"), "nobody is enrolled"),
        (("people", "revoke", "nobody", "12"), "64 hexadecimal"),
        (("people", "revoke", "nobody", "0" * 64), "nobody is enrolled"),
        (("entities", "certificate", "add", "000000000000", "{}"), "is not that of"),
        (("entities", "certificate", "revoke", "000000000000", "0" * 64), "no entity is enrolled"),
        (("entities", "certificate", "list", "000000000000"), "no entity is enrolled"),
        (("audit", "list", "--limit", "0"), "0"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(run: Run, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    file = written(tmp_path / "x.pem", issue(AUTHORITY, Subject("X", bin=FIRM), SINCE))
    result = run(*(word.replace("{}", file) for word in words))
    assert result.exit_code == 2
    assert told in result.output
    assert not [entry for entry in audited(run) if entry["action"] not in ("audit log read", "certificates listed")]


def test_a_certificate_is_rolled_two_side_by_side_then_one_revoked_for_ever(run: Run, tmp_path: Path) -> None:
    subject = Subject("FIRM", bin=FIRM, iin=make_person(Random(3), NOW.date()).iin)
    old, new = (issue(AUTHORITY, subject, SINCE) for _ in range(2))
    first, second = written(tmp_path / "old.pem", old), written(tmp_path / "new.pem", new)
    words = ("entities", "enrol", "--bin", FIRM, "--kind", "093", "--name", "Firm", "--certificate", first)
    assert run(*words).exit_code == 0
    assert len(facts(run("entities", "certificate", "add", FIRM, second, "--json"))["certificates"]) == 2
    gone = describe(old.certificate)[0].fingerprint
    assert len(facts(run("entities", "certificate", "revoke", FIRM, gone, "--json"))["certificates"]) == 1
    rows = {row["fingerprint"]: row for row in facts(run("entities", "certificate", "list", FIRM, "--json"))}
    assert rows[gone]["revoked_at"] is not None
    assert rows[describe(new.certificate)[0].fingerprint]["revoked_at"] is None
    assert "does not come back" in run("entities", "certificate", "add", FIRM, first).output
    assert "does not come back" in run(*words).output
    assert "has no such certificate" in run("entities", "certificate", "revoke", FIRM, gone).output


def test_a_changed_audit_log_is_named_and_ends_with_status_4(run: Run, database: str) -> None:
    audited(run)
    audited(run)
    asyncio.run(execute(database, "ALTER TABLE audit_entries DISABLE TRIGGER USER"))
    asyncio.run(execute(database, "UPDATE audit_entries SET subject = 'nothing' WHERE seq = 1"))
    result = run("audit", "verify")
    assert result.exit_code == 4
    assert "audit entry 1: entry" in result.output
    assert json.loads(run("audit", "verify", "--json").output)["breaks"][0]["seq"] == 1


COMMANDS: dict[str, tuple[str, ...]] = {
    "trust add": ("{ca}",),
    "trust list": (),
    "entities enrol": ("--bin", FIRM, "--kind", "093", "--name", "Firm", "--certificate", "{pem}"),
    "entities list": (),
    "entities suspend": (FIRM,),
    "entities resume": (FIRM,),
    "entities certificate add": (FIRM, "{pem}"),
    "entities certificate revoke": (FIRM, "0" * 64),
    "entities certificate list": (FIRM,),
    "people enrol": ("somebody", "--role", "analyst", "--name", "X", "--certificate", "{pem}"),
    "people list": (),
    "people suspend": ("auditor",),
    "people resume": ("auditor",),
    "people revoke": ("auditor", "0" * 64),
    "audit list": (),
    "audit verify": (),
    "dealers silent": ("--period", "2026-01"),
}


def administrative() -> set[str]:
    """Every command of the groups that read or change what is the entities' or the people's."""
    found: set[str] = set()

    def walk(group: click.Group, name: str) -> None:
        for word, command in group.commands.items():
            if isinstance(command, click.Group):
                walk(command, f"{name} {word}")
            else:
                found.add(f"{name} {word}")

    for name in ("trust", "entities", "people", "audit", "dealers"):
        group = main.get_command(click.Context(main), name)
        assert isinstance(group, click.Group)
        walk(group, name)
    return found


def test_every_command_of_administration_has_its_right() -> None:
    assert administrative() == set(rights().commands) == set(COMMANDS)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_gives_the_commands_that_its_rights_say_and_a_refusal_is_written_down(
    run: Run, tmp_path: Path, role: Role
) -> None:
    subject = Subject("ONE", iin=make_person(Random(4), NOW.date()).iin)
    for each in Role:
        file = written(tmp_path / f"{each.value}.pem", issue(AUTHORITY, subject, SINCE))
        words = ("people", "enrol", each.value, "--role", each.value, "--name", "X", "--certificate", file)
        assert run(*words).exit_code == 0
    marks = {
        "{pem}": written(tmp_path / "firm.pem", issue(AUTHORITY, Subject("FIRM", bin=FIRM), SINCE)),
        "{ca}": written(tmp_path / "ca.pem", AUTHORITY),
    }
    for command, options in COMMANDS.items():
        result = run(*command.split(), *(marks.get(option, option) for option in options), person=role.value)
        allowed = rights().allows(role, rights().commands[command])
        assert ("has not the right" in result.output) is not allowed, (command, result.output)
        if not allowed:
            assert result.exit_code == 2
            last = audited(run)[-2]
            assert (last["action"], last["subject"], last["role"]) == ("refused", command, role.value)
            assert last["actor"] == f"{role.value} ({system_user()})"


def test_a_person_who_is_not_enrolled_or_is_suspended_gives_no_command(run: Run, tmp_path: Path) -> None:
    assert "not enrolled" in run("entities", "list", person="nobody").output
    file = written(tmp_path / "x.pem", issue(AUTHORITY, Subject("X"), SINCE))
    run("people", "enrol", "admin", "--role", "administrator", "--name", "X", "--certificate", file)
    assert run("entities", "list", person="admin").exit_code == 0
    run("people", "suspend", "admin")
    refused = run("entities", "list", person="admin")
    assert (refused.exit_code, "is suspended" in refused.output) == (2, True)
