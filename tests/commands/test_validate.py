"""What `gateway validate` checks of the signer when it is given trust anchors."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from gateway.commands.messages import validate
from gateway.sealing.xmldsig import sign_xml
from tests.sealing.kit import AT, leaf, root
from tests.support.fm1 import Case, clean


def validated(directory: Path, changes: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the facts on a casino's message, signed by the casino after the changes."""
    message, anchor = directory / "message.xml", directory / "anchor.pem"
    signer = leaf("p256")
    message.write_bytes(sign_xml(Case(clean("casino")).change(changes).root, signer.key_pem, [signer.pem]))
    anchor.write_bytes(root().pem)
    moment = f"{AT:%Y-%m-%dT%H:%M:%S}"
    done = CliRunner().invoke(validate, [str(message), "--trust", str(anchor), "--at", moment, "--json"])
    told: dict[str, Any] = json.loads(done.stdout)
    return done.exit_code, told


def test_a_message_in_the_signers_own_name_is_judged_offline(tmp_path: Path) -> None:
    status, told = validated(tmp_path, "")
    assert (status, told["verdict"]) == (0, "accepted")


def test_a_message_in_anothers_name_is_refused_offline_as_it_is_online(tmp_path: Path) -> None:
    status, told = validated(tmp_path, "set //IINBIN = 140742906892")
    assert (status, told["verdict"], told["problem"]["code"]) == (1, "refused", "sender-mismatch")
