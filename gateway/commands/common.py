"""What several commands share: options, how findings are printed, and running until a signal."""

import asyncio
import signal
from pathlib import Path

import click

from gateway.following import Follower
from gateway.garbage import calm_collector

FINDING_LINE = "  {severity} {code} line {line} {path}\n    {message}"

language_option = click.option(
    "--lang", type=click.Choice(["kk", "ru", "en"]), default="en", show_default=True, help="Language of the texts."
)
directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="The local stack to use; by default .local, or what GATEWAY_DATABASE_URL and GATEWAY_KAFKA_BOOTSTRAP name.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON for machines on standard output.")


async def run_until_signalled(running: Follower) -> None:
    """Runs it until SIGTERM or SIGINT, then lets it finish what is in hand."""
    calm_collector()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    await running.run()
