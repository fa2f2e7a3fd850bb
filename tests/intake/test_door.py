"""TLS with clients' certificates, by the intake itself and by nginx: each opens the door of its own entity alone."""

import asyncio
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.errors import ConfigurationError
from gateway.intake.server import tls_options
from gateway.intake.settings import DoorSettings
from gateway.local.ports import free_ports
from tests.intake.conftest import Live
from tests.intake.kit import NOW, SINCE, XML, World
from tests.intake.test_filing import assert_problem

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "gateway.conf"
Client = Callable[[str | None], httpx.AsyncClient]
Door = Callable[[World, Live, Path], AbstractAsyncContextManager[Client]]


@pytest.fixture(scope="module")
async def files(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's own certificate and key, the authority of clients, and each party's certificate with its key."""
    place = Path(tmp_path_factory.mktemp("tls"))
    await world.newcomer("guest")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(SINCE)
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form, clear = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (place / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (place / "server.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, clear))
    (place / "ca.pem").write_bytes(world.authority.certificate)
    for label in ("guest", "casino", "stranger"):
        (place / f"{label}.pem").write_bytes(world[label].credentials.certificate + world[label].credentials.key)
    return place


def client_of(files: Path, url: str) -> Client:
    """A client of this address with a party's certificate, or with none."""

    def client(label: str | None) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=files / "server.pem")
        if label:
            context.load_cert_chain(files / f"{label}.pem")
        return httpx.AsyncClient(base_url=url, verify=context, trust_env=False)

    return client


@asynccontextmanager
async def own_tls(world: World, live: Live, files: Path) -> AsyncIterator[Client]:
    door = DoorSettings(files / "server.pem", files / "server.key", files / "ca.pem", client_certificates=True)
    async with live(replace(world.settings, door=door)) as (host, port):
        yield client_of(files, f"https://{host}:{port}")


@asynccontextmanager
async def behind_nginx(world: World, live: Live, files: Path) -> AsyncIterator[Client]:
    assert NGINX is not None
    door = DoorSettings(trusted_proxies=("127.0.0.1",), client_certificates=True)
    async with live(replace(world.settings, door=door)) as (host, port):
        [outside] = free_ports([None])
        place = files / "nginx"
        (place / "logs").mkdir(parents=True, exist_ok=True)
        text = CONFIGURATION.read_text("utf-8")
        for mark, value in {
            "LISTEN": f"127.0.0.1:{outside}",
            "SERVER_NAME": "127.0.0.1",
            "CERTIFICATE": str(files / "server.pem"),
            "KEY": str(files / "server.key"),
            "CLIENT_CA": str(files / "ca.pem"),
            "UPSTREAM": f"{host}:{port}",
        }.items():
            text = re.sub(rf"^(?!#)(.*[ /]){mark}", rf"\g<1>{value}", text, flags=re.MULTILINE)
        paths = "".join(
            f"{kind}_temp_path {place}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.geteuid() == 0 else ""
        (place / "nginx.conf").write_text(
            f"{user}daemon off;\npid {place}/pid;\nerror_log {place}/logs/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{paths}{text}}}\n",
            "utf-8",
        )
        process = await asyncio.create_subprocess_exec(NGINX, "-p", str(place), "-c", str(place / "nginx.conf"))
        try:
            client = client_of(files, f"https://127.0.0.1:{outside}")
            await _until_up(client, process)
            yield client
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _until_up(client: Client, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(40), client(None) as asking:
        while True:
            assert process.returncode is None, "nginx ended; its log tells why"
            try:
                await asking.get("/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


DOORS = [
    pytest.param(own_tls, id="uvicorn"),
    pytest.param(
        behind_nginx,
        id="nginx",
        marks=pytest.mark.skipif(NGINX is None, reason="nginx is not installed here (Debian: apt-get install nginx)"),
    ),
]


@pytest.mark.parametrize("door", DOORS)
async def test_a_certificate_opens_the_door_of_its_own_entity_alone(
    world: World, live: Live, files: Path, door: Door
) -> None:
    body = world.message("guest")
    async with (
        door(world, live, files) as client,
        client("guest") as own,
        client("casino") as other,
        client(None) as bare,
        client("stranger") as unknown,
    ):
        for wrong in (other, bare, unknown):
            refused = await wrong.post("/v1/messages", content=body, headers=XML)
            assert_problem(refused, 403, "connection-mismatch")
            assert (await wrong.get("/healthz")).status_code == 200
            assert (await wrong.get("/v1/limits")).status_code == 200
        filed = await own.post("/v1/messages", content=body, headers=XML)
        assert filed.status_code == 201
        again = await other.post("/v1/messages", content=body, headers=XML)
        assert_problem(again, 403, "connection-mismatch")
        bearer = await world["guest"].bearer()
        path = f"/v1/messages/{filed.json()['id']}"
        for wrong in (other, bare, unknown):
            answer = await wrong.get(path, headers=bearer)
            assert assert_problem(answer, 401, "token-refused")["reason"] == "connection"
        assert (await own.get(path, headers=bearer)).status_code == 200


@pytest.mark.parametrize("door", DOORS)
async def test_headers_that_a_client_makes_up_say_nothing(world: World, live: Live, files: Path, door: Door) -> None:
    forged = {
        "X-Client-Certificate": quote(world["guest"].credentials.certificate.decode()),
        "X-Client-Verify": "SUCCESS",
        "X-Real-IP": "10.0.0.1",
    }
    async with door(world, live, files) as client, client("casino") as other, client(None) as bare:
        for wrong in (other, bare):
            answer = await wrong.get("/v1/messages", headers={**forged, **await world["guest"].bearer()})
            assert assert_problem(answer, 401, "token-refused")["reason"] == "connection"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("proxy", ["127.0.0.1", "127.0.0.2"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Client-Verify": "SUCCESS"}, 200),
        ({"X-Client-Verify": "NONE"}, 401),
        ({"X-Client-Verify": "FAILED:certificate revoked"}, 401),
        ({}, 401),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Certificate": "rubbish"}, 401),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Certificate": ""}, 401),
    ],
)
async def test_the_word_of_a_proxy_is_taken_from_its_address_alone(
    world: World, live: Live, proxy: str, headers: dict[str, str], status: int
) -> None:
    door = DoorSettings(trusted_proxies=(proxy,), client_certificates=True)
    handed = {"X-Client-Certificate": quote(world["guest"].credentials.certificate.decode()), **headers}
    async with (
        live(replace(world.settings, door=door)) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}") as client,
    ):
        answer = await client.get("/v1/messages", headers={**handed, **await world["guest"].bearer()})
        assert answer.status_code == (status if proxy == "127.0.0.1" else 401)
        twice = [*handed.items(), ("X-Client-Verify", "SUCCESS"), *(await world["guest"].bearer()).items()]
        if "X-Client-Verify" in headers:
            assert (await client.get("/v1/messages", headers=twice)).status_code == 401


@pytest.mark.parametrize(
    ("certificate", "key"), [("server.pem", "guest.pem"), ("nothing.pem", "server.key"), ("ca.pem", "ca.pem")]
)
def test_a_certificate_that_can_not_be_served_is_said_at_the_start(files: Path, certificate: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match="TLS can't be served"):
        tls_options(DoorSettings(files / certificate, files / key))
