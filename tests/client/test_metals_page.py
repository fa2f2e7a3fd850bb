"""The commands of the page on sheets do what it says, word for word; and `gateway file` tells people and programs."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.client.dealer import BIN, RING, FakeGateway, fill, issued, serving, sheet

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "file-metals-from-a-sheet.md"
JANUARY = {**RING, "Date": date(2026, 1, 15)}
DEALER = (
    "--bin",
    BIN,
    "--premises",
    "750000000",
    "--period",
    "2026-01",
    "--key",
    "dealer.key",
    "--certificate",
    "dealer.crt",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dealer.key").write_bytes(issued().key)
    (tmp_path / "dealer.key").chmod(0o600)
    (tmp_path / "dealer.crt").write_bytes(issued().certificate)
    return tmp_path


def run(folder: Path, command: str, url: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "URL": url}
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def told(folder: Path, url: str, *options: str) -> tuple[int, dict[str, Any]]:
    command = " ".join(("gateway", "file", "metals", *options, *DEALER, "--json", "--url", url or "http://127.0.0.1:9"))
    done = run(folder, command, url)
    return done.returncode, json.loads(done.stdout)


def test_every_command_of_the_page_works_as_printed(folder: Path) -> None:
    gateway = FakeGateway()
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    with serving(gateway) as url:
        for number, command in enumerate(commands):
            done = run(folder, command, url)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            if number == 0:
                book = load_workbook(folder / "operations.xlsx")
                fill(book.worksheets[0], 2, JANUARY)
                book.save(folder / "operations.xlsx")
    assert len(commands) == 5
    assert [facts["series"]["nil"] for facts in gateway.accepted.values()] == [False, True]
    assert (folder / "dealer.metals.sqlite").exists()


def test_the_error_that_the_page_shows_is_the_program_s(folder: Path) -> None:
    sheet(folder / "operations.xlsx", [*[JANUARY] * 5, {**JANUARY, "Date": "15.01.2026"}])
    done = run(
        folder,
        f"gateway file metals operations.xlsx {' '.join(DEALER)} --url http://127.0.0.1:9 --lang ru --dry-run",
        "",
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] in PAGE.read_text("utf-8")
    assert "ничего не отправлено" in done.stdout


def test_programs_get_one_object(folder: Path) -> None:
    sheet(folder / "a.xlsx", [JANUARY, {**JANUARY, "Cash": 999_999}])
    gateway = FakeGateway()
    with serving(gateway) as url:
        status, facts = told(folder, url, "a.xlsx")
        assert (status, facts["wrong"], gateway.bodies) == (1, 1, [])
        assert [(finding["cell"], finding["code"]) for finding in facts["findings"]] == [("Операции!O3", "OPS-028")]
        status, facts = told(folder, url, "a.xlsx", "--skip-wrong")
        assert (status, facts["new"], facts["wrong"]) == (4, 1, 1)
        assert [report["verdict"] for report in facts["reports"]] == ["accepted"]


@pytest.mark.parametrize("options", [("--nil", "a.xlsx"), (), ("a.xlsx", "--from", "2026-01-01")])
def test_options_that_contradict_each_other_are_refused(folder: Path, options: tuple[str, ...]) -> None:
    sheet(folder / "a.xlsx", [JANUARY])
    done = run(folder, f"gateway file metals {' '.join((*options, *DEALER))} --url http://127.0.0.1:9", "")
    assert done.returncode == 2
    assert done.stderr.startswith("Usage:")


def test_a_file_that_is_no_sheet_and_a_gateway_that_is_not_there_have_statuses_of_their_own(folder: Path) -> None:
    (folder / "a.xls").write_bytes(b"x")
    assert told(folder, "", "a.xls", "--dry-run")[0] == 2
