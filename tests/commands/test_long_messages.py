"""`gateway sign` and `gateway verify message` on files that are longer than what is read into memory."""

import json
import resource
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.commands.messages import sign
from gateway.commands.verify import verify
from tests.sealing.kit import AT, MESSAGE, leaf, root
from validators.limits import DEFAULT_LIMITS

ITEM = '<Event Id="0190e0c0" Kind="BET" Amount="10.00"/>'
LONG = MESSAGE.replace("<Note>", ITEM * (DEFAULT_LIMITS.bytes // len(ITEM) + 1) + "<Note>")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key.pem").write_bytes(leaf("p256").key_pem)
    (tmp_path / "certificate.pem").write_bytes(leaf("p256").pem)
    (tmp_path / "root.pem").write_bytes(root().pem)
    (tmp_path / "long.xml").write_text(LONG)
    return tmp_path


def run_sign(folder: Path, *more: str) -> Result:
    pair = ["--key", str(folder / "key.pem"), "--certificate", str(folder / "certificate.pem")]
    return CliRunner().invoke(sign, [str(folder / "long.xml"), *pair, "-o", str(folder / "signed.xml"), *more])


def run_verify(folder: Path, *more: str) -> Result:
    told = ["--trust", str(folder / "root.pem"), "--at", f"{AT:%Y-%m-%dT%H:%M:%S}", *more]
    return CliRunner().invoke(verify, ["message", str(folder / "signed.xml"), *told])


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_a_long_message_is_signed_and_verified(folder: Path, encoding: str) -> None:
    assert run_sign(folder, "--encoding", encoding).exit_code == 0
    done = run_verify(folder, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["intact"], told["signer"]) == (0, True, "230941821107")
    assert told["bytes"] == (folder / "signed.xml").stat().st_size


def test_one_changed_item_breaks_the_signature_of_a_long_message(folder: Path) -> None:
    run_sign(folder, "--encoding", "UTF-8")
    signed = folder / "signed.xml"
    whole = signed.read_bytes()
    middle = whole.index(b"10.00", len(whole) // 2)
    signed.write_bytes(whole[:middle] + b"90.00" + whole[middle + 5 :])
    done = run_verify(folder, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["intact"], told["problem"]["reason"]) == (4, False, "digest")


def test_a_long_message_that_was_cut_off_is_neither_signed_nor_verified(folder: Path) -> None:
    (folder / "long.xml").write_text(LONG[:-30])
    done = run_sign(folder)
    assert done.exit_code == 2
    assert not (folder / "signed.xml").exists()
    (folder / "long.xml").replace(folder / "signed.xml")
    assert run_verify(folder).exit_code == 4


def test_a_message_in_anothers_name_is_not_verified(folder: Path) -> None:
    named = "<PersonalData><IINBIN>140742906892</IINBIN></PersonalData><Note>"
    (folder / "long.xml").write_text(LONG.replace("<Note>", named))
    run_sign(folder)
    assert json.loads(run_verify(folder, "--json").stdout)["problem"]["code"] == "sender-mismatch"


def test_a_full_disk_leaves_what_was_there(folder: Path) -> None:
    (folder / "signed.xml").write_text("as it was")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        done = run_sign(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.exit_code == 2
    assert "signed.xml" in done.stderr
    assert (folder / "signed.xml").read_text() == "as it was"
    assert sorted(path.suffix for path in folder.iterdir()) == [".pem", ".pem", ".pem", ".xml", ".xml"]
