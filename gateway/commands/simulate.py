"""`gateway simulate`: feeds that nobody sends yet, for demonstrations, tests and load."""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import click
import httpx

from gateway.client import NotDelivered
from gateway.commands.common import directory_option, json_option
from gateway.errors import ConfigurationError
from gateway.local.simulation.agents import AgentFeed, feed, plain_events
from gateway.local.simulation.delivery import Delivery, Pace
from gateway.local.simulation.houses import KINDS, enrol_owners, make_owners
from gateway.local.simulation.model import Course, Fault, Owner
from gateway.local.simulation.simulation import Simulation, Wish
from gateway.sealing.certificates import describe
from gateway.sealing.generation import Issued
from gateway.settings import Settings, read_settings

NOT_AS_EXPECTED = 1
NOT_DELIVERED = 3
CLOSING_EVENTS = 40
"""About how many events a house makes after its last play."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the messages leave: where to, in the time of the play or as fast as they can, how patiently; what then.

    `agents` is where the complexes' agents live, None where the messages are filed without them.
    """

    url: str
    live: bool
    patience: float
    check: bool
    agents: Path | None = None


@click.group()
def simulate() -> None:
    """Complexes of gambling organisers that play by themselves, with or without faults."""


@simulate.command()
@click.option("--complexes", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many complexes.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed and time give the same play.")
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True, help="How long the play is."
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=100.0,
    show_default=True,
    help="Events a second of play, all complexes together.",
)
@click.option("--batch", type=click.IntRange(1, 4900), default=100, show_default=True, help="Events in a batch.")
@click.option(
    "--faults",
    default="none",
    show_default=True,
    callback=lambda _context, _option, text: _faults(text),
    help="`all`, `none`, or names with commas between them.",
)
@click.option("--times", type=click.IntRange(1), default=2, show_default=True, help="How often each fault is injected.")
@click.option("--live", is_flag=True, help="In the time of the play; otherwise the play ends now, filed at full speed.")
@click.option("--url", help="The gateway's URL; by default the local stack's, or GATEWAY_URL.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM key of an enrolled owner; without it owners of all kinds are made and enrolled in the local stack.",
)
@click.option(
    "--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM certificate of the key."
)
@click.option("--kind", type=click.Choice(list(KINDS)), default="093", show_default=True, help="Kind of that owner.")
@click.option(
    "--silence", type=float, default=6.0, show_default=True, help="Seconds that a silent complex keeps still."
)
@click.option("--patience", type=float, default=60.0, show_default=True, help="Seconds to try to deliver a message.")
@click.option("--through-agent", is_flag=True, help="Through a `gateway agent` of each complex, without faults.")
@click.option("--check", is_flag=True, help="Compare what the gateway tells at the end with what was expected.")
@directory_option
@json_option
def casino(
    complexes: int,
    seed: int,
    minutes: float,
    rate: float,
    batch: int,
    faults: frozenset[Fault],
    times: int,
    live: bool,
    url: str | None,
    key: Path | None,
    certificate: Path | None,
    kind: str,
    silence: float,
    patience: float,
    through_agent: bool,
    check: bool,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Casinos, slot halls, bookmakers, totalizators and lotteries report, and things go wrong as wished.

    At the end stands what was injected, and which tickets, refused events and obligations must come of it.

    Exit status: 0 every answer (and with --check all that is told) was the expected one, 1 something was not, 2 usage,
    3 not delivered.
    """
    settings = read_settings(os.environ, directory)
    if through_agent and (live or faults):
        raise click.UsageError("--through-agent goes without --faults and --live: the agent makes no mistakes")
    course = _course(datetime.now(UTC), minutes, rate / complexes, batch, silence, live)
    owners = _owners(key, certificate, kind) or _enrolled_owners(settings, seed, course.start)
    simulation = Simulation(owners, Wish(complexes, seed, course, faults, times))
    agents = settings.directory / "simulation" / "agents" if through_agent else None
    manner = Manner(url or settings.public_url(), live, patience, check, agents)
    sys.exit(asyncio.run(_run(simulation, manner, as_json)))


def _faults(text: str) -> frozenset[Fault]:
    if text in ("all", "none"):
        return frozenset(Fault) if text == "all" else frozenset()
    try:
        return frozenset(Fault(name.strip()) for name in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{error}; known are {', '.join(Fault)}") from error


def _course(now: datetime, minutes: float, rate: float, batch: int, silence: float, live: bool) -> Course:
    """From now on, or such that the last event lies in the past."""
    play = timedelta(minutes=minutes)
    start = now if live else now - play - timedelta(seconds=2 * CLOSING_EVENTS / rate)
    return Course(start, start + play, rate, batch, silence)


def _owners(key: Path | None, certificate: Path | None, kind: str) -> list[Owner]:
    if key is None and certificate is None:
        return []
    if key is None or certificate is None:
        raise click.UsageError("--key and --certificate belong together")
    pem = certificate.read_bytes()
    found = describe(pem)[0]
    identifier = found.bin or found.iin
    if identifier is None:
        raise ConfigurationError(f"{certificate}: the certificate names neither a BIN nor an IIN")
    return [Owner(identifier, kind, f"{KINDS[kind][0]} {identifier}", Issued(key.read_bytes(), pem))]


def _enrolled_owners(settings: Settings, seed: int, now: datetime) -> list[Owner]:
    place = settings.directory / "simulation" / str(seed)
    owners = make_owners(place, Random(seed), now)  # noqa: S311 - made-up firms, no secret
    asyncio.run(enrol_owners(settings.database(), place, owners, now))
    return owners


async def _run(simulation: Simulation, manner: Manner, as_json: bool) -> int:
    started = time.monotonic()
    undelivered, differences, fed = "", {}, 0
    async with httpx.AsyncClient(base_url=manner.url, timeout=60.0) as client:
        delivery = Delivery(client, Pace(simulation.course.start if manner.live else None), manner.patience)
        try:
            if manner.agents is None:
                await delivery.run([script.steps() for script in simulation.scripts], _progress)
            else:
                fed = await _through_agents(simulation, delivery, manner.url, manner.agents)
            if manner.check:
                differences = await simulation.differences(client, datetime.now(UTC))
        except* NotDelivered as errors:
            undelivered = str(errors.exceptions[0])
    report = {
        "url": manner.url,
        "messages": delivery.answers,
        "seconds": round(time.monotonic() - started, 3),
        **simulation.told(),
        "fed_to_agents": fed,
        "surprises": [asdict(surprise) for surprise in delivery.surprises],
        "differences": differences,
        "undelivered": undelivered,
    }
    _show(report, as_json)
    return NOT_DELIVERED if undelivered else NOT_AS_EXPECTED if delivery.surprises or any(differences.values()) else 0


async def _through_agents(simulation: Simulation, delivery: Delivery, url: str, place: Path) -> int:
    """Registers the complexes and runs their agents until everything has a receipt; returns how many events."""
    fed = 0
    await delivery.run([islice(script.steps(), 1) for script in simulation.scripts], _progress)
    async with asyncio.TaskGroup() as running:
        for house in simulation.houses:
            one = AgentFeed(house, place / house.id, url)
            one.prepare()
            count = feed(one, plain_events(house, simulation.course, simulation.seed))
            fed += count
            click.echo(f"{house.id}: {count} events before its agent", err=True)
            running.create_task(one.run())
    return fed


async def _progress(answers: int) -> None:
    click.echo(f"{answers} messages answered", err=True)


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    events = report["events"] + report["fed_to_agents"]
    click.echo(f"{len(report['complexes'])} complexes, {report['messages']} messages, {events} events")
    for name, rows in (
        ("injected", report["injected"]),
        *report["expected"].items(),
        ("surprises", report["surprises"]),
    ):
        click.echo(f"{name.replace('_', ' ')}: {len(rows)}")
        for row in rows:
            click.echo("  " + "  ".join(f"{key} {value}" for key, value in row.items()))
    if report["undelivered"]:
        click.echo(f"not delivered: {report['undelivered']}")
