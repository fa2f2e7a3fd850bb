"""`gateway dealers`: who of the dealers in precious metals reports, and who is silent."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import click

from gateway.client.operations import Period
from gateway.commands.acting import Command, note_reading
from gateway.commands.common import directory_option, json_option
from gateway.commands.keys import jwks_option, trusted_keys
from gateway.journal import dealers_with_reports
from gateway.model import Entity, Receipt
from gateway.sealing.jws import KeySet
from gateway.sealing.receipts import read_receipt
from gateway.settings import read_settings
from validators.moments import local_day, read_day
from validators.precious_metals.rules import SERIES
from validators.precious_metals.silence import silence_rules
from validators.values import LEGAL_ZONE

SOMEBODY = 1
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Silence:
    """Who is silent about a period, by when a report was due, and whether that day has passed."""

    period: Period
    due: date
    overdue: bool
    dealers: Sequence[Entity]


@click.group()
def dealers() -> None:
    """Dealers in precious metals, stones and jewellery."""


@dealers.command()
@click.option("--period", required=True, type=click.DateTime(["%Y-%m"]), help="The month.")
@jwks_option
@directory_option
@json_option
def silent(period: datetime, jwks: str | None, directory: Path | None, as_json: bool) -> None:
    """Lists the dealers that have filed neither a report nor a nil report about any day of a month.

    Asked of the journal. Exit status: 0 nobody is silent, 1 somebody is, 2 a month that has not begun.
    """
    now = datetime.now(UTC)
    month = Period.month(period.year, period.month)
    if not EARLIEST <= month.first <= local_day(now):
        raise click.BadParameter(f"a month from {EARLIEST:%Y-%m} on that has begun", param_hint="--period")
    settings = read_settings(os.environ, directory)
    keys = trusted_keys(settings, jwks)
    note_reading(Command("dealers silent", directory), "silent dealers listed", f"{period:%Y-%m}")
    found = asyncio.run(silence_of(settings.database(), keys, month, now))
    if as_json:
        click.echo(json.dumps(_facts(found), ensure_ascii=False))
    else:
        state = "overdue" if found.overdue else "not due yet"
        click.echo(f"{period:%Y-%m}: {len(found.dealers)} silent; due on {found.due}, {state}")
        for dealer in found.dealers:
            click.echo(f"  {dealer.identifier}  {dealer.kind}  {dealer.name}")
    sys.exit(SOMEBODY if found.dealers else 0)


async def silence_of(database: str, keys: KeySet, period: Period, now: datetime) -> Silence:
    """The dealers of whom no accepted report touches the period."""
    rules = silence_rules(period.last)
    since, until = _begin(period.first), _begin(period.last + timedelta(days=1))
    heard: dict[str, bool] = {}
    known: dict[str, Entity] = {}
    async for dealer, jws in dealers_with_reports(database, rules.kinds, SERIES, since, until):
        known[dealer.identifier] = dealer
        if not heard.get(dealer.identifier):
            heard[dealer.identifier] = jws is not None and _touches(read_receipt(jws, keys), period)
    silent_ones = [dealer for identifier, dealer in known.items() if not heard[identifier]]
    due = rules.due(period.last)
    return Silence(period, due, now >= _begin(due + timedelta(days=1)), silent_ones)


def _touches(receipt: Receipt, period: Period) -> bool:
    """Whether a report is about a day of the period."""
    facts = receipt.series.facts if receipt.series is not None else {}
    first, last = (read_day(str(facts.get(end, ""))) for end in ("from", "to"))
    return first is not None and last is not None and first <= period.last and period.first <= last


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), LEGAL_ZONE)


def _facts(found: Silence) -> dict[str, object]:
    return {
        "period": f"{found.period.first:%Y-%m}",
        "due": found.due.isoformat(),
        "overdue": found.overdue,
        "silent": [
            {"identifier": dealer.identifier, "kind": dealer.kind, "name": dealer.name} for dealer in found.dealers
        ],
    }
