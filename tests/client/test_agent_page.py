"""The commands of the page on the agent do what it says, word for word."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.kit import FakeGateway, write_config

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-the-agent.md"


def test_every_command_of_the_page_works_as_printed(fake: FakeGateway, tmp_path: Path) -> None:
    write_config(tmp_path, fake.url).unlink()  # leaves key and certificate, which the page asks for
    fake.pages["/v1/obligations?state=open"] = {"obligations": [], "next": None}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for command in (line for block in blocks for line in block.splitlines()):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "URL": fake.url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert [event["Kind"] for event in fake.events()] in (["HEARTBEAT", "DOOR"], ["DOOR", "HEARTBEAT"])
    exported = (tmp_path / "events-and-receipts.jsonl").read_text("utf-8")
    assert '"outcome": "OPENED"' in exported
    assert (tmp_path / "events" / "done" / "first.jsonl").exists()
