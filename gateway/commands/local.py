"""`gateway local`: the embedded stack of this machine."""

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.commands.common import json_option
from gateway.local.stack import Stack, StackFacts
from gateway.settings import DEFAULT_DIRECTORY

place_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="The stack's directory; each has a stack of its own.",
)


class _Local(click.Group):
    """The commands of the stack; the demo, which imports nearly everything, only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "demo"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "demo":
            return super().get_command(ctx, cmd_name)
        command: click.Command = importlib.import_module("gateway.commands.demo").demo
        return command


@click.group(cls=_Local)
def local() -> None:
    """PostgreSQL, Kafka, intake, relay and overseer on this machine, in the background."""


@local.command()
@place_option
@click.option(
    "--secured/--open",
    default=None,
    help="Kafka shut to all who have no user there, or open to all; by default as before, open at first.",
)
@json_option
def up(directory: Path, secured: bool | None, as_json: bool) -> None:
    """Starts what does not run yet, waits until all of it is ready and says where it is.

    Anybody on this machine may do everything in Kafka at `kafka`, unless --secured. Users with rights of
    their own log in at `kafka_sasl` (SASL_PLAINTEXT) and `kafka_tls` (SASL_SSL), both SCRAM-SHA-512; their passwords
    and the server's certificate lie below the stack's directory in kafka/users.
    """
    facts = stack_in(directory).up(datetime.now(UTC), say, secured=secured)
    show(facts, as_json)


@local.command()
@place_option
@json_option
def status(directory: Path, as_json: bool) -> None:
    """Says which parts run, and where."""
    show(stack_in(directory).status(), as_json)


@local.command()
@place_option
@json_option
def down(directory: Path, as_json: bool) -> None:
    """Stops every part; data is kept, and `up` goes on from it."""
    show(stack_in(directory).down(say), as_json)


@local.command()
@place_option
@json_option
def wipe(directory: Path, as_json: bool) -> None:
    """Stops every part and deletes the directory."""
    stack = stack_in(directory)
    there = stack.wipe(say)
    if as_json:
        click.echo(json.dumps({"dir": str(stack.directory), "wiped": there}, ensure_ascii=False))
        return
    click.echo(f"{stack.directory}: wiped" if there else f"{stack.directory}: there was nothing")


def stack_in(directory: Path) -> Stack:
    """The stack of a directory, wherever the command is called from."""
    return Stack(directory.expanduser().resolve())


def say(line: str) -> None:
    """Shows progress on standard error, so that standard output holds the answer alone."""
    click.echo(line, err=True)


def show(facts: StackFacts, as_json: bool) -> None:
    """Prints where a stack is and what of it runs."""
    if as_json:
        click.echo(json.dumps(facts.to_json(), ensure_ascii=False))
        return
    click.echo(f"{facts.directory}: {facts.state}")
    for part, pids in facts.pids.items():
        click.echo(f"  {part:9} {'process ' + ', '.join(map(str, pids)) if pids else 'down'}")
    if not facts.down:
        for name, value in (("gateway", facts.url), ("database", facts.database_url), ("kafka", facts.kafka)):
            click.echo(f"  {name:9} {value or '-'}")
