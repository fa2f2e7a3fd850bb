"""`gateway agent`: what a gambling organiser installs beside its hardware and software complex."""

import asyncio
import dataclasses
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx
import uvloop

from gateway.client.agent.agent import Agent, Surroundings
from gateway.client.agent.errors import AlreadyRunning, SpoolFails
from gateway.client.agent.repair import NotRepaired, Workshop, repair_chain, repair_series
from gateway.client.agent.settings import AgentSettings, read_agent_settings
from gateway.client.agent.spool import read_spool
from gateway.client.agent.status import Standing, gateways_view, standing_of
from gateway.client.agent.texts import configure_operator_log
from gateway.client.filing import NotDelivered
from gateway.commands.common import json_option
from gateway.errors import ConfigurationError
from gateway.sealing.keys import LocalKeyHolder

T = TypeVar("T")
NEEDS_SOMEBODY = 1
ALREADY_RUNNING = 3
NOT_DELIVERED = 3
SPOOL_FAILS = 4
QUESTION_SECONDS = 10.0

config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default="agent.toml",
    show_default=True,
    help="The agent's configuration.",
)
reason_option = click.option("--reason", required=True, help="Why, for the agency: up to 300 characters.")


@click.group()
def agent() -> None:
    """The agent of one complex: takes its events, numbers, signs and files them, and loses none."""


@agent.command()
@config_option
@click.option("--complex", "complex_id", default="KZ-0001", show_default=True, help="The complex's identifier.")
@click.option("--owner", default="000000000000", help="The owner's BIN.")
@click.option("--kind", default="093", show_default=True, help="The code of reporting_entity_kinds, 092 to 096.")
@click.option("--unit", default="SERVER-1", show_default=True, help="The unit that heart-beats name.")
@click.option("--url", default="https://gateway.example.kz", help="The gateway's URL.")
@click.option("--language", type=click.Choice(["kk", "ru", "en"]), default="ru", show_default=True)
def init(config: Path, complex_id: str, owner: str, kind: str, unit: str, url: str, language: str) -> None:
    """Writes a configuration with every member explained; a file that is there is left as it is (exit status 2)."""
    text = files("gateway.client.agent").joinpath("agent.toml").read_text(encoding="utf-8")
    values = {
        "complex": complex_id, "owner": owner, "kind": kind, "unit": unit, "url": url, "language": language,
    }  # fmt: skip
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(text.format(**values))
    except OSError as error:
        raise ConfigurationError(f"{config} is not written: {error.strerror}") from error
    click.echo(f"wrote {config}; put the key and the certificate beside it, then: gateway agent run --config {config}")


@agent.command()
@config_option
@click.option("--until-sent", is_flag=True, help="End when the inputs are empty and everything has a receipt.")
def run(config: Path, until_sent: bool) -> None:
    """Takes events and files them until SIGTERM; what was answered survives whatever happens.

    Exit status: 0 stopped, 2 a setting or key is missing or wrong, 3 another agent works on this spool, 4 the spool
    can't be read or written.
    """
    settings, keys = _loaded(config)
    configure_operator_log()
    try:
        uvloop.run(_run(Agent(settings, Surroundings(keys, _now)), until_sent))
    except (AlreadyRunning, SpoolFails) as error:
        click.echo(f"gateway: {error}", err=True)
        sys.exit(ALREADY_RUNNING if isinstance(error, AlreadyRunning) else SPOOL_FAILS)


async def _run(agent: Agent, until_sent: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    await agent.run(until_sent=until_sent)


@agent.command()
@config_option
@json_option
@click.option("--offline", is_flag=True, help="Do not ask the gateway for tickets and for FM-1s that are due.")
def status(config: Path, as_json: bool, offline: bool) -> None:
    """Says how the agent stands, and which FM-1s are due; also beside one that runs.

    Exit status: 0 in order, 1 somebody must look (stopped, disk nearly full, unsent for an hour, an FM-1 overdue).
    """
    settings, keys = _loaded(config)
    standing = standing_of(settings, _now())
    if not offline:
        seen = _with_gateway(settings, keys, lambda shop: gateways_view(shop.reader(), settings.complex))
        standing = dataclasses.replace(standing, **seen)
    if as_json:
        click.echo(json.dumps(standing.facts(), ensure_ascii=False))
    else:
        for line in _tell(standing):
            click.echo(line)
    sys.exit(NEEDS_SOMEBODY if standing.needs_somebody else 0)


@agent.command()
@config_option
@click.argument("first", metavar="FROM", type=click.IntRange(1))
@click.argument("last", metavar="TO", type=click.IntRange(1))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
def export(config: Path, first: int, last: int, output: Path) -> None:
    """Writes the events FROM to TO as JSON lines, then their batches with the receipts."""
    settings = read_agent_settings(config)
    with output.open("w", encoding="utf-8") as file:

        def write(facts: Mapping[str, Any]) -> None:
            file.write(json.dumps(facts, ensure_ascii=False) + "\n")

        count = read_spool(settings.spool, settings.complex, lambda spool: spool.export(first, last, write))
    click.echo(f"{count} events written to {output}")


@agent.command()
@config_option
@reason_option
@click.option("--chain", "number", type=click.IntRange(1), help="File the right previous hash of this batch instead.")
def repair(config: Path, reason: str, number: int | None) -> None:
    """Lets a stopped series go on: makes a refused batch anew, or numbers on behind what the gateway has.

    Where the gateway has a ticket for a fork, the signed repair message is filed too. Exit status: 0 done, 1 this
    can't be repaired from here, 3 the gateway did not answer and nothing was changed.
    """
    settings, keys = _loaded(config)

    async def mend(shop: Workshop) -> str:
        return await (repair_series(shop, reason) if number is None else repair_chain(shop, number, reason))

    try:
        click.echo(_with_gateway(settings, keys, mend))
    except (NotRepaired, NotDelivered) as error:
        click.echo(f"gateway: {error}", err=True)
        sys.exit(NEEDS_SOMEBODY if isinstance(error, NotRepaired) else NOT_DELIVERED)


def _loaded(config: Path) -> tuple[AgentSettings, LocalKeyHolder]:
    settings = read_agent_settings(config)
    return settings, LocalKeyHolder.load(settings.key, settings.certificate)


def _with_gateway(settings: AgentSettings, keys: LocalKeyHolder, work: Callable[[Workshop], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with httpx.AsyncClient(base_url=settings.url, timeout=QUESTION_SECONDS) as client:
            return await work(Workshop(settings, keys, client, _now))

    return asyncio.run(ask())


def _tell(standing: Standing) -> Iterator[str]:
    yield f"{standing.complex}: {'running' if standing.running else 'NOT RUNNING'}"
    yield f"  events      {standing.last_event}, {standing.queued} not received yet{_age(standing)}"
    receipt = standing.last_receipt
    yield "  receipt     " + (
        f"batch {receipt['batch']}, {receipt['verdict']}, {receipt['id']}, {receipt['received_at']}"
        if receipt
        else "none yet"
    )
    yield f"  disk        {standing.disk_percent} % of {standing.disk_limit // 2**20} MiB"
    if standing.halted:
        yield f"  STOPPED     at batch {standing.halted['number']}: {standing.halted['detail']}"
        yield "              put the cause right, then: gateway agent repair --reason TEXT"
    if standing.offline:
        yield f"  gateway     not asked: {standing.offline}"
    if not standing.registered:
        yield "  gateway     does not know this complex: register it"
    for ticket in standing.open_tickets:
        yield f"  ticket      {ticket.get('kind')} {ticket.get('id')}, deadline {ticket.get('deadline')}"
    for due in standing.obligations:
        overdue = "  OVERDUE" if due.get("overdue") else ""
        yield (
            f"FM-1 due  {due.get('deadline')}  operation {due.get('operation')}  player {due.get('player')}  "
            f"day {due.get('day')}  total {due.get('total')}  reported {due.get('reported')}{overdue}"
        )


def _age(standing: Standing) -> str:
    seconds = standing.oldest_unsent_seconds
    return "" if seconds is None or not standing.queued else f", the oldest for {seconds} s"


def _now() -> datetime:
    return datetime.now(UTC)
