"""`python -m advisories`: pip-audit over the locked requirements, three answers told apart."""

import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import click

from advisories.report import judge, read_ignored

LOCKS = ("requirements/runtime.txt", "requirements/bench.txt")
ANSWER_SECONDS = 5
ALL_SECONDS = 240
FOUND, NOT_ASKED = 1, 3
_AWAY = ("requests.exceptions.", "ConnectionError", "ServiceError")


@click.command()
@click.option("--lock", "locks", multiple=True, default=LOCKS, show_default=True, help="A file of pinned requirements.")
@click.option(
    "--osv-url", default=None, metavar="URL", help="A service that speaks OSV's query API, instead of OSV itself."
)
@click.option("--if-reachable", is_flag=True, help="Exit status 0 where the service can't be reached; it is said.")
def main(locks: tuple[str, ...], osv_url: str | None, if_reachable: bool) -> None:  # noqa: FBT001 - click names it
    """Asks OSV for what is publicly known against the locked packages.

    Exit status 0 when nothing is, 1 when something is or a package could not be audited, 3 when the service was not
    reached. What does not concern the gateway stands in advisories/ignored.toml with a reason and a day.
    """
    ignored = read_ignored(files("advisories").joinpath("ignored.toml").read_text(encoding="utf-8"))
    report, reason = ask(locks, osv_url)
    if report is None:
        click.echo(f"The audit of dependencies was skipped, nothing was asked: {reason}", err=True)
        sys.exit(0 if if_reachable else NOT_ASKED)
    result = judge(report, ignored, datetime.now(UTC).date())
    for fault in result.faults:
        click.echo(fault, err=True)
    click.echo(f"{result.audited} packages audited, {len(result.faults)} faults, {len(ignored)} advisories ignored")
    sys.exit(FOUND if result.faults else 0)


def ask(locks: tuple[str, ...], osv_url: str | None) -> tuple[str | None, str]:
    """pip-audit's report as JSON, or None and why there is none.

    pip-audit ends with 1 both for a finding and for a service that is away: only a report tells them apart. OSV is
    asked rather than a package index: what an index does not know pip-audit calls audited and clean.
    """
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--vulnerability-service", "osv", "--timeout", str(ANSWER_SECONDS)]
    command += ["--require-hashes", "--disable-pip", *([] if osv_url is None else ["--osv-url", osv_url])]
    for lock in locks:
        if not Path(lock).is_file():
            raise click.UsageError(f"there is no {lock}")
        command += ["--requirement", lock]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ALL_SECONDS)  # noqa: S603 - no shell, no foreign text
    except subprocess.TimeoutExpired:
        return None, f"no answer in {ALL_SECONDS} s"
    if done.stdout.lstrip().startswith("{"):
        return done.stdout, ""
    reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    if not any(word in reason for word in _AWAY):
        raise click.UsageError(f"pip-audit could not begin, it said: {reason}")
    return None, reason


if __name__ == "__main__":
    main()
