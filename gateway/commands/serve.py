"""`gateway serve`: the intake alone, for deployments and the local stack."""

import os
from pathlib import Path

import click

from gateway.commands.common import directory_option
from gateway.intake.server import serve as serve_intake
from gateway.intake.settings import Bounds, IntakeSettings
from gateway.settings import read_settings


@click.command()
@directory_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option(
    "--metrics-port", type=click.IntRange(1, 65535), help="Where /metrics is served; not served if not given."
)
@click.option("--crl", "lists", multiple=True, type=click.Path(path_type=Path), help="A revocation list; repeatable.")
@click.option(
    "--check-rate",
    type=click.FloatRange(0),
    default=Bounds().check_rate,
    show_default=True,
    help="Checks of unique codes a second that one address may make; 0: no limit.",
)
@click.option(
    "--judging-processes",
    type=click.IntRange(0, 64),
    default=1,
    show_default=True,
    envvar="GATEWAY_JUDGING_PROCESSES",
    show_envvar=True,
    help="How many processes judge beside the intake; 0: it judges itself.",
)
def serve(
    directory: Path | None,
    host: str,
    port: int,
    metrics_port: int | None,
    lists: tuple[Path, ...],
    check_rate: float,
    judging_processes: int,
) -> None:
    """Serves the intake over HTTP until SIGTERM, then finishes what is under way.

    PostgreSQL, Kafka, the public URL and the gateway's key are named by GATEWAY_DATABASE_URL, GATEWAY_KAFKA_BOOTSTRAP,
    GATEWAY_URL, GATEWAY_KEY_FILE and GATEWAY_CERTIFICATE_FILE, or by the local stack in --dir.
    """
    settings = read_settings(os.environ, directory)
    serve_intake(
        IntakeSettings(
            database_url=settings.database("intake"),
            key_file=settings.key_file,
            certificate_file=settings.certificate_file,
            public_urls=(settings.url or f"http://{host}:{port}",),
            kafka=settings.bootstrap("gateway") if settings.kafka else None,
            host=host,
            port=port,
            metrics_port=metrics_port,
            revocation_lists=lists,
            bounds=Bounds(check_rate=check_rate),
            judging_processes=judging_processes,
        )
    )
