"""What several commands share: options, and how findings are printed."""

from pathlib import Path

import click

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
