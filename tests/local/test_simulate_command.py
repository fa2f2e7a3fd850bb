"""`gateway simulate casino` says what is wrong with how it was called before it sends anything."""

from pathlib import Path

import pytest

from tests.e2e.kit import run_gateway


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--faults", "drop,nonsense"), "known are drop, delay"),
        (("--key", "KEY"), "--key and --certificate belong together"),
        (("--through-agent", "--faults", "all"), "the agent makes no mistakes"),
        (("--minutes", "0"), "--minutes"),
        ((), "gateway local up"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_status_2(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("no key")
    arguments = [str(key) if option == "KEY" else option for option in options]
    done = run_gateway("simulate", "casino", "--dir", str(tmp_path), *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
