"""The commands of keys and witnesses, as an administrator types them, on a real database."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.__main__ import main
from gateway.journal import KeyRegister, migrate
from gateway.keyhistory import Decision
from gateway.sealing.generation import generate_gateway_key
from gateway.sealing.jws import jwks
from gateway.sealing.keys import kid_of_certificate
from gateway.sealing.receipts import seal_receipt
from tests.intake.kit import NOW
from tests.sealing.facts import holder, receipt

Run = Callable[..., Result]


@pytest.fixture
def run(new_database: Callable[[], str], tmp_path: Path) -> Run:
    """Commands with a gateway whose first key seals already."""
    dsn = new_database()
    key, certificate = generate_gateway_key(tmp_path / "keys", "First", NOW)
    pem = certificate.read_bytes()

    async def begin() -> None:
        await migrate(dsn)
        async with KeyRegister(dsn) as register:
            decision = Decision("test", NOW - timedelta(days=1))
            await register.change(lambda past: past.begin(kid_of_certificate(pem), pem.decode(), decision))

    asyncio.run(begin())
    environment = {
        "GATEWAY_DATABASE_URL": dsn,
        "GATEWAY_KEY_FILE": str(key),
        "GATEWAY_CERTIFICATE_FILE": str(certificate),
        "GATEWAY_DIR": str(tmp_path / "none"),
    }
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environment)


def facts(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    read = json.loads(result.stdout)
    return read if isinstance(read, list) else [read]


def test_a_rotation_from_the_new_key_to_the_old_ones_end(run: Run) -> None:
    (first,) = facts(run("keys", "list", "--json"))
    assert first["state"] == "current"
    (made,) = facts(run("keys", "generate", "--json"))
    assert Path(made["key"]).stat().st_mode & 0o77 == 0
    (told,) = facts(run("keys", "add", made["certificate"], "--overlap", "0", "--by", "officer", "--json"))
    assert (told["kid"], told["state"], told["by"]) == (made["kid"], "next", "officer")
    (told,) = facts(run("keys", "activate", made["kid"], "--reason", "yearly", "--json"))
    assert (told["state"], told["reason"]) == ("current", "yearly")
    assert [key["state"] for key in facts(run("keys", "list", "--json"))] == ["retired", "current"]
    events = facts(run("keys", "list", "--events", "--json"))
    assert [event["state"] for event in events] == ["current", "next", "current", "retired"]
    assert made["kid"] in run("keys", "list").output


def test_a_key_seals_no_sooner_than_the_overlap_says(run: Run) -> None:
    (made,) = facts(run("keys", "generate", "--json"))
    run("keys", "add", made["certificate"], "--overlap", "3600")
    (told,) = facts(run("keys", "activate", made["kid"], "--json"))
    assert datetime.fromisoformat(told["since"]) > datetime.now(UTC) + timedelta(minutes=59)
    assert [key["state"] for key in facts(run("keys", "list", "--json"))] == ["current", "next"]


def test_a_compromise_hands_over_at_once_and_can_not_be_said_of_the_only_key(run: Run) -> None:
    (first,) = facts(run("keys", "list", "--json"))
    moment = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    alone = run("keys", "compromise", first["kid"], "--since", moment)
    assert (alone.exit_code, "no next key" in alone.output) == (2, True)
    (made,) = facts(run("keys", "generate", "--json"))
    run("keys", "add", made["certificate"])
    (told,) = facts(run("keys", "compromise", first["kid"], "--since", moment, "--json"))
    assert told["state"] == "compromised"
    states = {key["kid"]: key["state"] for key in facts(run("keys", "list", "--json"))}
    assert states == {first["kid"]: "compromised", made["kid"]: "current"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("activate", "nobody"), "no key nobody"),
        (("retire", "nobody"), "no key nobody"),
        (("compromise", "nobody", "--since", "yesterday"), "is no time"),
        (("compromise", "nobody", "--since", "2026-11-28T09:30:00"), "no time zone"),
        (("compromise", "nobody", "--since", "2026-11-28T09:30:00Z"), "no key nobody"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line_with_exit_status_2(
    run: Run, arguments: tuple[str, ...], why: str
) -> None:
    result = run("keys", *arguments)
    assert (result.exit_code, why in result.output, result.output.count("\n")) == (2, True, 1)


def test_a_file_that_is_no_certificate_is_not_announced(run: Run, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(b"\xff\x00 no certificate")
    result = run("keys", "add", str(garbage))
    assert (result.exit_code, "no certificate" in result.output) == (2, True)


def test_a_witness_is_made_once_and_says_what_it_needs(run: Run, tmp_path: Path) -> None:
    home = str(tmp_path / "witness")
    before = run("witness", "look", "--home", home, "--url", "http://127.0.0.1:9")
    assert (before.exit_code, "gateway witness init" in before.output) == (2, True)
    (made,) = facts(run("witness", "init", "--home", home, "--json"))
    assert facts(run("witness", "init", "--home", home, "--json")) == [made]
    assert "nothing yet" in run("witness", "status", "--home", home).output
    away = run("witness", "look", "--home", home, "--url", "http://127.0.0.1:9")
    assert (away.exit_code, "no answer" in away.output) == (2, True)


def test_the_journal_is_verified_with_the_witness_that_is_named(run: Run, tmp_path: Path) -> None:
    (made,) = facts(run("witness", "init", "--home", str(tmp_path / "witness"), "--json"))
    expected = {"intact": True, "cosignatures": 0, "undetermined": 0, "witnessed": {}}
    (report,) = facts(run("verify", "journal", "--witness", made["certificate"], "--json"))
    assert {name: report[name] for name in expected} == expected
    refused = run("verify", "topic", "fma.fm1.threshold.v1", "--witness", made["certificate"])
    assert (refused.exit_code, "fma.checkpoints.v1 alone" in refused.output) == (2, True)


async def test_a_receipt_of_a_compromised_key_is_undetermined_and_what_was_not_looked_at_is_named(
    tmp_path: Path,
) -> None:
    sealed = await seal_receipt(receipt(), holder())
    document = jwks(holder())
    document["keys"][0]["revoked"] = {"revoked_at": int(NOW.timestamp())}
    (tmp_path / "jwks.json").write_text(json.dumps(document))
    (tmp_path / "receipt").write_text(sealed.jws)
    command = ["verify", "receipt", str(tmp_path / "receipt"), "--jwks", str(tmp_path / "jwks.json")]
    told = await asyncio.to_thread(CliRunner().invoke, main, command)
    assert (told.exit_code, "was not looked at here: `gateway verify receipt`" in told.output) == (5, True)
    told = await asyncio.to_thread(CliRunner().invoke, main, [*command, "--json"])
    assert json.loads(told.stdout)["not_looked_at"] == ["cosignatures", "timestamps"]
