"""One contract for every holder of a key: a local file, and a PKCS #11 token (SoftHSM)."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from gateway.errors import ConfigurationError, Unavailable
from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.sealing.generation import Issued, make_gateway_key
from gateway.sealing.hsm import Token
from gateway.sealing.jws import KeySet, sign_compact, verify_compact
from gateway.sealing.keys import KeyHolder, LocalKeyHolder, TokenSettings, kid_of_certificate
from gateway.sealing.receipts import read_receipt
from gateway.settings import read_settings
from tests.intake.kit import NOW, URL, XML, make_world

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
LABEL, PIN, TYPE = "gateway-test", "a-long-pin-4711", "test+jws"


@dataclass(frozen=True)
class Hsm:
    """A token of SoftHSM that holds one key."""

    settings: TokenSettings
    issued: Issued
    directory: Path

    @property
    def kid(self) -> str:
        return kid_of_certificate(self.issued.certificate)


def module() -> Path:
    found = next((Path(path) for path in MODULES if Path(path).exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        if os.environ.get("GATEWAY_TESTS_NEED_SOFTHSM"):
            pytest.fail("SoftHSM is needed here and not installed: apt-get install softhsm2")
        pytest.skip("SoftHSM is not installed: apt-get install softhsm2")
    return found


def util(*arguments: str) -> None:
    subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True)  # noqa: S607 - Debian's own program


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hsm]:
    library, directory = module(), Path(tmp_path_factory.mktemp("softhsm"))
    tokens = directory / "tokens"
    tokens.mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    issued = make_gateway_key("On a token", NOW)
    key = directory / "key.pem"
    key.write_bytes(issued.key)
    util("--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "so-" + PIN)
    util("--import", str(key), "--token", LABEL, "--label", "gateway", "--id", "a1", "--pin", PIN)
    pin_file = directory / "pin"
    pin_file.write_text(PIN + "\n")
    pin_file.chmod(0o600)
    yield Hsm(TokenSettings(library, LABEL, pin_file), issued, directory)
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture
def token(hsm: Hsm) -> Iterator[Token]:
    with Token(hsm.settings) as token:
        yield token


def on_token(token: Token, hsm: Hsm) -> KeyHolder:
    holder = token.find(hsm.kid, hsm.issued.certificate)
    assert holder is not None
    return holder


@pytest.fixture(params=["local", "token"])
def holder(request: pytest.FixtureRequest) -> KeyHolder:
    if request.param == "local":
        issued = make_gateway_key("In a file", NOW)
        return LocalKeyHolder.from_pem(issued.key, issued.certificate)
    return on_token(request.getfixturevalue("token"), request.getfixturevalue("hsm"))


async def test_what_a_holder_signs_is_verified_by_its_certificate(holder: KeyHolder) -> None:
    jws = await sign_compact(b"facts", holder, TYPE)
    assert verify_compact(jws, KeySet.of(holder), TYPE) == b"facts"
    assert (holder.algorithm, holder.kid) == ("ES256", kid_of_certificate(holder.certificate))
    assert len(await holder.sign(b"")) == 64


async def test_a_holder_signs_many_messages_at_once_each_its_own(holder: KeyHolder) -> None:
    made = await asyncio.gather(*(sign_compact(str(number).encode(), holder, TYPE) for number in range(40)))
    keys = KeySet.of(holder)
    assert [verify_compact(jws, keys, TYPE) for jws in made] == [str(number).encode() for number in range(40)]


def test_a_holder_does_not_show_its_key(holder: KeyHolder) -> None:
    assert "PRIVATE" not in repr(vars(holder))
    assert PIN not in repr(holder)


async def test_a_lost_session_is_opened_anew_and_nothing_that_is_to_be_sealed_fails(token: Token, hsm: Hsm) -> None:
    holder = on_token(token, hsm)
    await holder.sign(b"before")
    session: Any = token._session
    session.close()
    made = await asyncio.gather(*(sign_compact(b"after", holder, TYPE) for _ in range(5)))
    assert {verify_compact(jws, KeySet.of(holder), TYPE) for jws in made} == {b"after"}


async def test_a_module_that_was_restarted_behind_the_gateways_back_is_logged_into_again(
    token: Token, hsm: Hsm
) -> None:
    import pkcs11  # noqa: PLC0415 - only this test speaks to the module itself

    holder = on_token(token, hsm)
    pkcs11.lib(str(hsm.settings.module)).reinitialize()
    assert len(await holder.sign(b"after")) == 64


async def test_a_token_that_is_gone_is_unavailable_and_comes_back(token: Token, hsm: Hsm) -> None:
    holder = on_token(token, hsm)
    tokens, hidden = hsm.directory / "tokens", hsm.directory / "hidden"
    tokens.rename(hidden)
    tokens.mkdir()
    session: Any = token._session
    session.close()
    with pytest.raises(Unavailable, match="gateway-test"):
        await holder.sign(b"x")
    tokens.rmdir()
    hidden.rename(tokens)
    assert len(await holder.sign(b"x")) == 64


def test_a_wrong_pin_is_said_and_not_shown(hsm: Hsm, tmp_path: Path) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("wrong-pin-0815")
    wrong.chmod(0o600)
    with (
        pytest.raises(ConfigurationError, match="refuses the PIN") as raised,
        Token(replace(hsm.settings, pin_file=wrong)),
    ):
        pass
    assert "0815" not in str(raised.value)


def test_a_pin_that_others_may_read_is_refused(hsm: Hsm, tmp_path: Path) -> None:
    loose = tmp_path / "pin"
    loose.write_text(PIN)
    loose.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"), Token(replace(hsm.settings, pin_file=loose)):
        pass


def test_an_unknown_token_and_what_is_no_module_are_said(hsm: Hsm, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no token 'other'"), Token(replace(hsm.settings, token="other")):  # noqa: S106 - a label
        pass
    library = tmp_path / "no.so"
    library.write_bytes(b"no library")
    with pytest.raises(ConfigurationError, match="no PKCS #11 module"), Token(replace(hsm.settings, module=library)):
        pass


def test_a_key_that_the_token_does_not_have_is_not_found(token: Token) -> None:
    other = make_gateway_key("Elsewhere", NOW)
    assert token.find(kid_of_certificate(other.certificate), other.certificate) is None


def test_a_token_is_named_wholly_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="all three"):
        read_settings({"GATEWAY_PKCS11_MODULE": "/x.so", "GATEWAY_DIR": str(tmp_path)}, None)


async def test_an_intake_seals_with_a_key_that_is_on_a_token_alone(hsm: Hsm, new_database: Any, tmp_path: Path) -> None:
    world = await make_world(new_database(), tmp_path)
    certificate = tmp_path / "token" / "certificate.pem"
    certificate.parent.mkdir()
    certificate.write_bytes(hsm.issued.certificate)
    settings = replace(world.settings, key_file=tmp_path / "none", certificate_file=certificate, token=hsm.settings)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        transport = httpx.ASGITransport(create_app(services))
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=URL))
        answer = await client.post("/v1/messages", content=world.message(), headers=XML)
        jwks = KeySet.from_jwks((await client.get("/.well-known/jwks.json")).content)
    assert read_receipt(answer.json()["receipt"], jwks).verdict.stands
    assert hsm.kid in jwks


def test_the_key_of_the_fixture_is_of_the_curve_that_a_token_must_have(hsm: Hsm) -> None:
    key: Any = serialization.load_pem_private_key(hsm.issued.key, password=None)
    assert key.curve.name == "secp256r1"
