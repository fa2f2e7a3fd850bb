"""PostgreSQL over TLS, tried with a server that has it: the one of the operating system, where it is installed."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.journal import database_ready
from gateway.local.owner import Owner, open_way, private_directory, server_owner
from gateway.local.ports import HOST, free_ports
from gateway.local.processes import silent
from gateway.sealing.generation import write_issued
from gateway.sealing.servers import make_server_key

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
NOW = datetime.now(UTC)

pytestmark = pytest.mark.skipif(
    not PROGRAMS, reason="no PostgreSQL of the operating system (apt install postgresql); the embedded one has no TLS"
)


@pytest.fixture(scope="module")
def server(short_directory: Path) -> Iterator[tuple[int, Path]]:
    """The port of a server that takes connections with TLS alone, and the certificate to trust."""
    owner, place = server_owner(silent), short_directory / "tls"
    private_directory(place, owner)
    open_way(place / "data", silent)
    key, certificate = place / "server.key", short_directory / "tls.certificate.pem"
    write_issued(make_server_key(HOST, NOW), key, certificate)
    os.chown(key, owner.uid, owner.gid)
    (port,) = free_ports([None])
    _initialise(place / "data", owner)
    options = {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key, "listen_addresses": HOST, "port": port}
    arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
    command: list[str | Path] = [PROGRAMS[-1], "-D", place / "data", "-k", place, *arguments]
    process = subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL, **owner.identity())
    yield port, certificate
    process.terminate()
    process.wait(30)
    shutil.rmtree(place)


def _initialise(data: Path, owner: Owner) -> None:
    command: list[str | Path] = [
        PROGRAMS[-1].with_name("initdb"),
        "-D",
        data,
        "--username=gateway",
        "--auth-host=trust",
        "--no-sync",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **owner.identity())
    (data / "pg_hba.conf").write_text(f"hostssl all all {HOST}/32 trust\n", encoding="ascii")


def dsn(port: int, certificate: Path, mode: str) -> str:
    return f"postgresql://gateway@{HOST}:{port}/postgres?sslmode={mode}&sslrootcert={certificate}"


async def test_a_verified_connection_is_made_and_one_without_tls_is_not(server: tuple[int, Path]) -> None:
    async with asyncio.timeout(60):
        while not await database_ready(dsn(*server, "verify-full")):
            await asyncio.sleep(0.1)
    assert not await database_ready(f"postgresql://gateway@{HOST}:{server[0]}/postgres?sslmode=disable")


async def test_a_server_with_another_certificate_is_not_believed(server: tuple[int, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    write_issued(make_server_key(HOST, NOW), tmp_path / "other.key", other)
    async with asyncio.timeout(60):
        while not await database_ready(dsn(*server, "verify-full")):
            await asyncio.sleep(0.1)
    assert not await database_ready(dsn(server[0], other, "verify-full"))
