"""`gateway keys`: the keys with which the gateway seals, from the announcement to the end."""

import asyncio
import getpass
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gateway.commands.common import directory_option, json_option
from gateway.errors import ConfigurationError
from gateway.journal import KeyRegister
from gateway.keyhistory import OVERLAP, Decision, KeyEvent, KeyHistory
from gateway.sealing.certificates import describe
from gateway.sealing.generation import make_gateway_key, write_issued, write_private
from gateway.sealing.keyring import CERTIFICATE_NAME, KEY_NAME
from gateway.sealing.keys import kid_of_certificate
from gateway.settings import Settings, read_settings

PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
reason_option = click.option("--reason", default="", help="Why, for those who read the history.")
by_option = click.option("--by", help="Who decides; by default the user of this system.")


@click.group()
def keys() -> None:
    """The gateway's own keys: list, generate, add, activate, retire, compromise. Exit status: 0 done, 2 refused.

    The order of a rotation: `generate` on one machine, the key file to every machine that seals, `add`, and after the
    overlap `activate`. Nothing needs a restart.
    """


@keys.command("list")
@click.option("--events", is_flag=True, help="Every decision, by whom and when, instead of the keys.")
@directory_option
@json_option
def list_keys(events: bool, directory: Path | None, as_json: bool) -> None:
    """Lists every key the gateway ever sealed with, or will, and its state."""
    history = asyncio.run(_history(read_settings(os.environ, directory).database()))
    if events:
        for event in _told([_event_facts(event) for event in history.events], as_json):
            click.echo("{at}  {state:11}  since {since}  {kid}  {by}: {reason}".format_map(event))
        return
    now = datetime.now(UTC)
    for key in _told([_key_facts(history, kid, now) for kid in history.kids], as_json):
        click.echo("{kid}  {state:11}  valid until {not_after}  {subject}".format_map(key))


@keys.command("generate")
@click.option("--name", default="FMA gateway", show_default=True, help="The common name of its certificate.")
@click.option(
    "--years", type=click.IntRange(1, 10), default=5, show_default=True, help="How long the certificate holds."
)
@directory_option
@json_option
def generate(name: str, years: int, directory: Path | None, as_json: bool) -> None:
    """Makes a P-256 key and a self-signed certificate beside the gateway's certificate file; seals nothing yet."""
    place = read_settings(os.environ, directory).certificate_file.parent
    issued = make_gateway_key(name, datetime.now(UTC), timedelta(days=365 * years))
    kid = kid_of_certificate(issued.certificate)
    key, certificate = place / KEY_NAME.format(kid=kid), place / CERTIFICATE_NAME.format(kid=kid)
    write_issued(issued, key, certificate)
    if as_json:
        click.echo(json.dumps({"kid": kid, "key": str(key), "certificate": str(certificate)}))
        return
    click.echo(f"made {key} and {certificate}")
    click.echo(f"copy both to every machine that seals, then: gateway keys add {certificate}")


@keys.command("add")
@click.argument("certificate", type=PEM_FILE)
@click.option(
    "--overlap",
    type=click.IntRange(0),
    default=int(OVERLAP.total_seconds()),
    show_default=True,
    help="Seconds for which every replica publishes it before it may seal.",
)
@click.option("--retired", is_flag=True, help="A key that sealed before there was a history: published, never seals.")
@by_option
@reason_option
@directory_option
@json_option
def add(
    certificate: Path,
    overlap: int,
    retired: bool,
    by: str | None,
    reason: str,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Announces the key of CERTIFICATE (PEM) as the next one: from now on every replica publishes it."""
    settings = read_settings(os.environ, directory)
    pem = certificate.read_bytes()
    kid, decision = kid_of_certificate(pem), _decision(by, reason)
    span = timedelta(seconds=overlap)

    def decide(history: KeyHistory) -> Sequence[KeyEvent]:
        if retired:
            return history.remember(kid, pem.decode("ascii"), decision)
        return history.announce(kid, pem.decode("ascii"), decision, span)

    history = _change(settings, decide)
    kept = settings.certificate_file.parent / CERTIFICATE_NAME.format(kid=kid)
    if not kept.exists():
        write_private(kept, pem, mode=0o644)
    _say(history, kid, as_json)


@keys.command("activate")
@click.argument("kid")
@by_option
@reason_option
@directory_option
@json_option
def activate(kid: str, by: str | None, reason: str, directory: Path | None, as_json: bool) -> None:
    """Lets the next key KID seal as soon as its overlap has passed; the current one is retired at that moment."""
    decision = _decision(by, reason)
    _say(_change(read_settings(os.environ, directory), lambda past: past.activate(kid, decision)), kid, as_json)


@keys.command("retire")
@click.argument("kid")
@by_option
@reason_option
@directory_option
@json_option
def retire(kid: str, by: str | None, reason: str, directory: Path | None, as_json: bool) -> None:
    """Withdraws the next key KID, which then never seals."""
    decision = _decision(by, reason)
    _say(_change(read_settings(os.environ, directory), lambda past: past.retire(kid, decision)), kid, as_json)


@keys.command("compromise")
@click.argument("kid")
@click.option("--since", required=True, metavar="TIME", help="RFC 3339: the moment from which others may have had it.")
@by_option
@reason_option
@directory_option
@json_option
def compromise(kid: str, since: str, by: str | None, reason: str, directory: Path | None, as_json: bool) -> None:
    """Says that the key KID is in other hands since TIME. That is final.

    If it seals now, the next key takes over at once, without waiting for its overlap. What KID sealed is from now on
    `undetermined`, save where a witness co-signed a checkpoint over it before TIME.
    """
    moment, decision = _moment(since), _decision(by, reason)
    changed = _change(read_settings(os.environ, directory), lambda past: past.compromise(kid, moment, decision))
    _say(changed, kid, as_json)


async def _history(dsn: str) -> KeyHistory:
    async with KeyRegister(dsn) as register:
        return await register.history()


def _change(settings: Settings, decide: Callable[[KeyHistory], Sequence[KeyEvent]]) -> KeyHistory:
    async def change() -> KeyHistory:
        async with KeyRegister(settings.database()) as register:
            return await register.change(decide)

    return asyncio.run(change())


def _decision(by: str | None, reason: str) -> Decision:
    try:
        return Decision(by or getpass.getuser(), datetime.now(UTC), reason)
    except (OSError, KeyError) as error:
        raise ConfigurationError("this system's user has no name; say who decides with --by") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is no time; write it like 2026-11-28T09:30:00+05:00") from error
    if moment.tzinfo is None:
        raise ConfigurationError(f"{text!r} names no time zone; add +05:00 or Z")
    return moment.astimezone(UTC)


def _key_facts(history: KeyHistory, kid: str, now: datetime) -> dict[str, object]:
    facts = describe(history.certificate(kid))[0]
    compromised = history.compromised_at(kid)
    return {
        "kid": kid,
        "state": history.state(kid, now).value,
        "subject": facts.subject,
        "not_before": facts.not_before.isoformat(),
        "not_after": facts.not_after.isoformat(),
        "compromised_at": compromised and compromised.isoformat(),
    }


def _event_facts(event: KeyEvent) -> dict[str, object]:
    return {
        "kid": event.kid,
        "state": event.state.value,
        "since": event.since.isoformat(),
        "at": event.at.isoformat(),
        "by": event.by,
        "reason": event.reason,
    }


def _told(rows: list[dict[str, object]], as_json: bool) -> list[dict[str, object]]:
    """The rows that are left to be printed as lines: none where they were printed as JSON."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return []
    return rows


def _say(history: KeyHistory, kid: str, as_json: bool) -> None:
    last = history.events_of(kid)[-1]
    if as_json:
        click.echo(json.dumps(_event_facts(last), ensure_ascii=False))
        return
    click.echo(f"{kid}: {last.state.value} since {last.since.isoformat(timespec='seconds')}")
