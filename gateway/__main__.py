"""The command line: the one place that reads the environment, builds settings and wires the parts."""

import importlib
import logging
import sys
from typing import Any

import click

from gateway.errors import GatewayError
from gateway.logs import configure_logging

COMMANDS = {
    "agent": ("agent", "What a gambling organiser installs: events in, signed batches out, none lost."),
    "archive": ("archive", "Old partitions of the log to files, verifiable for ever, and back."),
    "audit": ("audit", "The audit log of the FMA's people: list, verify."),
    "codes": ("codes", "The code tables of Order No. 13: list, show, look up."),
    "consume": ("consume", "Read topics, each event verified."),
    "dealers": ("dealers", "Dealers in precious metals: who is silent."),
    "entities": ("entities", "Reporting entities: enrol, list, suspend, resume, certificates."),
    "file": ("file", "File a dealer's sheet; write its template."),
    "keys": ("rotation", "The gateway's own keys: list, generate, add, activate, retire, compromise."),
    "local": ("local", "The whole stack on this machine: up, status, down, wipe, demo."),
    "luxury": ("luxury", "Unique codes of luxury goods: ask, check, verify, print, reserve."),
    "migrate": ("migrate", "Bring the journal's schema up to date."),
    "oversee": ("oversee", "Watch the journal for gaps, forks, silence and FM-1s that are due."),
    "people": ("people", "The FMA's people and their roles: enrol, list, suspend, resume, revoke."),
    "relay": ("relay", "Publish the journal to Kafka, exactly once."),
    "serve": ("serve", "Serve the intake over HTTP."),
    "sign": ("messages", "Fill the Signature of a message."),
    "simulate": ("simulate", "Complexes that play by themselves, with faults as wished."),
    "submit": ("submit", "File signed messages."),
    "topics": ("relay", "Make Kafka hold the declared topics."),
    "trace": ("trace", "The chain of one luxury good, from its code to its last owner."),
    "trust": ("entities", "Trust anchors for senders' certificates: add, list."),
    "validate": ("messages", "Say the verdict with no server."),
    "verify": ("verify", "Verify receipts, the journal, the audit log, archives, topics."),
    "witness": ("witness", "Co-sign checkpoints from another machine, under another key."),
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
        module = importlib.import_module(f"gateway.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with one line each, none of them imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; what the gateway refuses becomes one line on standard error and exit status 2.

        Logs of the parts that a command uses go to standard error, warnings and worse alone; `serve`, `relay`
        and `oversee`, whose logs are what is read of them, say more.
        """
        configure_logging(logging.WARNING)
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            click.echo(f"gateway: {error}", err=True)
            ctx.exit(2)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fma-gateway", prog_name="gateway")
def main() -> None:
    """The gateway between reporting entities and the financial-monitoring agency.

    Start with `gateway local up`, which brings PostgreSQL, Kafka, intake, relay and overseer up on this machine.
    """


if __name__ == "__main__":
    sys.exit(main())
