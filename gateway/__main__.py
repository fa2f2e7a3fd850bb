"""The command line: the one place that reads the environment, builds settings and wires the parts."""

import importlib
import sys
from typing import Any

import click

from gateway.errors import GatewayError

COMMANDS = {
    "codes": "codes",
    "consume": "consume",
    "entities": "entities",
    "local": "local",
    "migrate": "service",
    "relay": "service",
    "serve": "service",
    "sign": "messages",
    "submit": "submit",
    "topics": "service",
    "trust": "entities",
    "validate": "messages",
    "verify": "verify",
}


class Commands(click.Group):
    """The commands by name, each imported only when it is called, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All the names, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gateway.commands.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; what the gateway refuses becomes one line on standard error and exit status 2."""
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            click.echo(f"gateway: {error}", err=True)
            ctx.exit(2)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fma-gateway", prog_name="gateway")
def main() -> None:
    """The gateway between reporting entities and the financial-monitoring agency.

    Start with `gateway local up`, which brings PostgreSQL, Kafka, intake and relay up on this machine.
    """


if __name__ == "__main__":
    sys.exit(main())
