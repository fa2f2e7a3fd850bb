"""The command line against a real intake."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from gateway.commands.luxury import luxury
from tests.intake.kit import World, make_world
from tests.luxury.kit import Intake
from validators.luxury.unique_codes import ALPHABET, check_character

VIN = "WDB1240221J041234"


@dataclass(frozen=True)
class Shop:
    """A dealer at the command line."""

    url: str
    place: Path

    def run(self, *arguments: str) -> Result:
        dealer = ("--key", str(self.place / "key.pem"), "--certificate", str(self.place / "certificate.pem"))
        return gateway(*arguments, *dealer, "--url", self.url)

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


def gateway(*arguments: str) -> Result:
    return CliRunner().invoke(luxury, list(arguments))


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    place = Path(tmp_path_factory.mktemp("shop"))
    world: World = await make_world(new_database(), place)
    jeweller = world["jeweller"].credentials
    (place / "key.pem").write_bytes(jeweller.key)
    (place / "certificate.pem").write_bytes(jeweller.certificate)
    intake = Intake(world, None)
    await intake.ready()
    yield Shop(intake.url, place)
    intake.stop()


def test_a_code_is_asked_for_checked_verified_off_line_and_printed(shop: Shop, tmp_path: Path) -> None:
    facts = shop.json("code", "car", f"vin={VIN}", "registration=777 AAA 02")
    assert shop.json("code", "CAR", f"vin={VIN.lower()}")["code"] == facts["code"]
    checked = gateway("check", facts["shown"].lower(), "--url", shop.url, "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.stdout) == {
        "code": facts["code"], "right": True, "exists": True, "class": "CAR", "state": "issued",
    }  # fmt: skip
    certificate = {"GATEWAY_CERTIFICATE_FILE": str(shop.place / "gateway.certificate.pem")}
    verified = CliRunner(env=certificate).invoke(luxury, ["verify", facts["token"], "--lang", "kk"])
    assert verified.exit_code == 0
    assert facts["shown"] in verified.stdout
    assert "Автомобиль" in verified.stdout
    scanned = f"https://gateway.example.kz/v1/luxury/codes/{facts['code']}#{facts['token']}"
    assert CliRunner(env=certificate).invoke(luxury, ["verify", "-"], input=scanned).exit_code == 0
    for name in ("label.svg", "label.pdf"):
        assert shop.run("label", facts["code"], "-o", str(tmp_path / name)).exit_code == 0
        assert (tmp_path / name).stat().st_size > 1_000
    assert shop.run("label", facts["code"], "-o", str(tmp_path / "label.gif")).exit_code == 2


def test_a_token_that_was_changed_is_not_the_gateways(shop: Shop) -> None:
    token = shop.json("code", "CAR", f"vin={VIN}")["token"]
    header, payload, signature = token.split(".")
    certificate = {"GATEWAY_CERTIFICATE_FILE": str(shop.place / "gateway.certificate.pem")}
    for wrong in (f"{header}.{payload[:-4]}AAAA.{signature}", f"{header}.{payload}.{signature[:-4]}AAAA", "nonsense"):
        done = CliRunner(env=certificate).invoke(luxury, ["verify", wrong, "--json"])
        assert done.exit_code == 4
        assert json.loads(done.stdout)["intact"] is False


def test_a_mistyped_code_is_seen_with_nobody_asked(shop: Shop) -> None:
    code = shop.json("code", "CAR", f"vin={VIN}")["code"]
    wrong = code[:-1] + next(sign for sign in ALPHABET if sign != check_character(code[:-1]))
    assert gateway("check", code, "--offline").exit_code == 0
    told = gateway("check", wrong, "--offline", "--lang", "ru")
    assert told.exit_code == 1
    assert "контрольный знак" in told.stdout


def test_what_the_gateway_refuses_is_told_with_its_findings(shop: Shop) -> None:
    done = shop.run("code", "CAR", "vin=WDB", "--lang", "ru")
    assert done.exit_code == 1
    assert "LUX-010" in done.stdout
    assert shop.run("code", "CAR", "vin").exit_code == 2
    nobody = gateway("check", shop.json("code", "CAR", f"vin={VIN}")["code"], "--url", "http://127.0.0.1:9")
    assert nobody.exit_code == 3


def test_operations_and_blocks_at_the_command_line(shop: Shop) -> None:
    item = shop.json("code", "WATCH", "maker=Rolex", f"serial={uuid4()}")
    deal = shop.json("operation", item["shown"])
    assert shop.json("operation", item["code"], "--guid", deal["operation"])["code"] == deal["code"]
    block = shop.json("block", "reserve", "2", "--days", "1")
    one, two = (each["code"] for each in block["codes"])
    assert shop.json("block", "use", one, "class=WATCH", "maker=Omega", f"serial={uuid4()}")["code"] == one
    assert shop.json("block", "return", block["block"]) == {"returned": [two]}
    states = [each["state"] for each in shop.json("block", "show", block["block"])["codes"]]
    assert sorted(states) == ["issued", "returned"]
    assert block["block"] in shop.run("block", "list").stdout
    assert shop.run("block", "show", str(uuid4())).exit_code == 1
