"""`gateway serve`: the intake alone, for deployments and the local stack."""

import os
from pathlib import Path

import click

from gateway.commands.common import directory_option
from gateway.intake.server import serve as serve_intake
from gateway.intake.settings import (
    Bounds,
    DoorSettings,
    IntakeSettings,
    RevocationSettings,
    TimestampSettings,
    UndeterminedPolicy,
)
from gateway.settings import read_settings

TSA_HELP = "The time-stamping service (RFC 3161 over HTTP) that stamps checkpoints; none if not given."
PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@directory_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option(
    "--metrics-port", type=click.IntRange(1, 65535), help="Where /metrics is served; not served if not given."
)
@click.option("--crl", "lists", multiple=True, type=click.Path(path_type=Path), help="A revocation list; repeatable.")
@click.option("--tls-certificate", type=PEM_FILE, help="Serve TLS under this certificate and its chain, PEM.")
@click.option("--tls-key", type=PEM_FILE, help="The key of --tls-certificate, PEM.")
@click.option(
    "--client-ca",
    type=PEM_FILE,
    help="Ask for clients' certificates below these authorities, PEM; filing and reading then need one.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="A reverse proxy that verifies clients' certificates and hands them on; repeatable. Filing and reading then "
    "need one.",
)
@click.option("--ocsp", "responder", metavar="URL", help="The OCSP responder that is asked about certificates.")
@click.option(
    "--ocsp-nonce/--no-ocsp-nonce",
    default=True,
    show_default=True,
    help="Whether its answers must repeat the question's nonce.",
)
@click.option(
    "--ocsp-fresh",
    type=click.FloatRange(1),
    default=RevocationSettings().fresh_seconds,
    show_default=True,
    help="Seconds for which its answer stands: a revoked certificate is refused that long after it says so.",
)
@click.option(
    "--revocation-undetermined",
    "policy",
    type=click.Choice([policy.value for policy in UndeterminedPolicy]),
    default=RevocationSettings().policy.value,
    show_default=True,
    help="A message whose certificate could not be checked: taken with a warning, or answered 503 to come later.",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    type=click.Path(path_type=Path),
    envvar="GATEWAY_WITNESS_CERTIFICATES",
    show_envvar=True,
    help="The certificate (PEM) of a witness whose co-signatures are kept; repeatable.",
)
@click.option("--tsa", metavar="URL", envvar="GATEWAY_TSA", show_envvar=True, help=TSA_HELP)
@click.option(
    "--tsa-anchor",
    "tsa_anchors",
    multiple=True,
    type=click.Path(path_type=Path),
    envvar="GATEWAY_TSA_ANCHORS",
    show_envvar=True,
    help="A CA certificate (PEM) below which the certificate of --tsa is, or several in one file; repeatable.",
)
@click.option(
    "--tsa-seconds",
    type=click.FloatRange(1),
    default=TimestampSettings().seconds,
    show_default=True,
    help="Seconds between two time stamps of one ledger, at the least.",
)
@click.option(
    "--check-rate",
    type=click.FloatRange(0),
    default=Bounds().check_rate,
    show_default=True,
    help="Checks of unique codes a second that one address may make; 0: no limit.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    envvar="GATEWAY_WORKERS",
    show_envvar=True,
    help="How many intakes share the address, each a process with judging processes and limits of its own.",
)
@click.option(
    "--spool",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="GATEWAY_SPOOL",
    show_envvar=True,
    help="Where messages of more than 4 MiB wait on disk while they are filed; by default with temporary files.",
)
@click.option(
    "--sender-rate",
    type=click.FloatRange(0),
    default=Bounds().sender_rate,
    show_default=True,
    help="Messages a second that one entity may file; 0: no limit.",
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
    tls_certificate: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    proxies: tuple[str, ...],
    responder: str | None,
    ocsp_nonce: bool,
    ocsp_fresh: float,
    policy: str,
    witnesses: tuple[Path, ...],
    tsa: str | None,
    tsa_anchors: tuple[Path, ...],
    tsa_seconds: float,
    check_rate: float,
    workers: int,
    spool: Path | None,
    sender_rate: float,
    judging_processes: int,
) -> None:
    """Serves the intake over HTTP until SIGTERM, then finishes what is under way.

    PostgreSQL, Kafka, the public URL and the gateway's key are named by GATEWAY_DATABASE_URL, GATEWAY_KAFKA_BOOTSTRAP,
    GATEWAY_URL, GATEWAY_KEY_FILE and GATEWAY_CERTIFICATE_FILE, mounted archives of the log by GATEWAY_ARCHIVES, or by
    the local stack in --dir. A key on a token (PKCS #11) is named by GATEWAY_PKCS11_MODULE, GATEWAY_PKCS11_TOKEN and
    GATEWAY_PKCS11_PIN_FILE beside its certificate.

    With --workers 8 eight intakes take turns at the address, for a machine with many cores. One that ends is started
    again, the others serve meanwhile. Their metrics are on --metrics-port and the seven ports after it; every limit,
    such as --check-rate, is each one's own.
    """
    settings = read_settings(os.environ, directory)
    if (tls_certificate is None) != (tls_key is None) or (client_ca and tls_certificate is None):
        raise click.UsageError("--tls-certificate and --tls-key come together, and --client-ca needs both")
    if (tsa is None) != (not tsa_anchors):
        raise click.UsageError("--tsa and --tsa-anchor come together")
    scheme = "https" if tls_certificate else "http"
    serve_intake(
        IntakeSettings(
            database_url=settings.database("intake"),
            key_file=settings.key_file,
            certificate_file=settings.certificate_file,
            token=settings.token,
            public_urls=(settings.url or f"{scheme}://{host}:{port}",),
            kafka=settings.bootstrap("gateway") if settings.kafka else None,
            host=host,
            port=port,
            metrics_port=metrics_port,
            revocation_lists=lists,
            witness_certificates=witnesses,
            timestamps=TimestampSettings(tsa, tsa_anchors, tsa_seconds),
            archives=settings.archives,
            revocation=RevocationSettings(
                responder, UndeterminedPolicy(policy), nonce=ocsp_nonce, fresh_seconds=ocsp_fresh
            ),
            door=DoorSettings(tls_certificate, tls_key, client_ca, proxies, bool(client_ca or proxies)),
            bounds=Bounds(check_rate=check_rate, sender_rate=sender_rate),
            judging_processes=judging_processes,
            workers=workers,
            spool=spool,
        )
    )
