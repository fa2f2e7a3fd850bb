"""What `make demo` runs: it shows every kind of answer, and ends well."""

from pathlib import Path

import pytest

from tests.e2e.kit import run_gateway

pytestmark = pytest.mark.long


def test_the_demo_shows_every_kind_of_answer_and_ends_with_0(short_directory: Path) -> None:
    done = run_gateway("local", "demo", "--dir", str(short_directory / "demo"))
    assert done.returncode == 0, done.stdout + done.stderr
    for answer in ("201 accepted", "200 accepted", "422 refused", "409 ", "400 ", "401 "):
        assert f"    {answer}" in done.stdout
    assert "seal valid" in done.stdout
    for noticed in (
        "missing: batch 2",
        "missing: nothing",
        "gap closed",
        "event 142 is refused: GAM-033",
        "FM-1 closed",
        "OPS-028",
        "nothing of the sheet is filed",
        "3 lines are filed already",
        "a nil report for",
        "BREAKS: the seller is not the last known buyer",
        "5 operation(s)",
        "Үнсіз Зергер, due on",
    ):
        assert noticed in done.stdout
    assert "BROKEN" not in done.stdout
    assert (short_directory / "demo" / "car-label.svg").read_text("utf-8").startswith("<?xml")
    assert run_gateway("local", "wipe", "--dir", str(short_directory / "demo")).returncode == 0
