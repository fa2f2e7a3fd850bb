"""A jeweller's sheet from the command line to the analysts' topic, a nil report, and a dealer who is silent."""

import json
import time
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.local.stack import StackFacts
from tests.client.dealer import RING, sheet
from tests.e2e.kit import Filer, enrol_filer, run_gateway

pytestmark = pytest.mark.long

TOPIC = "fma.precious-metals.v1"
SHEET = [{**RING, "Date": date(2026, 1, day), "Description": f"Кольцо {day}"} for day in range(1, 8)]


def dealer(tmp_path: Path, stack: StackFacts, random: Random) -> tuple[Filer, list[str]]:
    """A dealer, enrolled, with the options by which it files."""
    filer = enrol_filer(tmp_path / "entities", stack.directory, random, kind="150")
    key, certificate = tmp_path / "dealer.key", tmp_path / "dealer.crt"
    key.write_bytes(filer.key)
    key.chmod(0o600)
    certificate.write_bytes(filer.certificate)
    who = ["--bin", filer.reporter.identifier, "--premises", "750000000", "--url", stack.url or ""]
    return filer, [*who, "--key", str(key), "--certificate", str(certificate), "--json"]


def filed(*arguments: str) -> dict[str, Any]:
    """What the program says once the intake knows the dealer."""
    until = time.monotonic() + 15
    while True:
        done = run_gateway("file", "metals", *arguments)
        if done.returncode == 0:
            facts: dict[str, Any] = json.loads(done.stdout)
            return facts
        assert time.monotonic() < until, done.stdout + done.stderr
        time.sleep(0.2)


def records_of(stack: StackFacts, dealer: str, count: int) -> list[dict[str, Any]]:
    until = time.monotonic() + 30
    while True:
        read = run_gateway("consume", TOPIC, "--from-beginning", "--until-end", "--dir", str(stack.directory), "--json")
        assert read.returncode == 0, read.stderr
        records = [record for record in map(json.loads, read.stdout.splitlines()) if record["key"] == dealer]
        if len(records) >= count or time.monotonic() > until:
            return records


def silent(stack: StackFacts, period: str) -> set[str]:
    done = run_gateway("dealers", "silent", "--period", period, "--dir", str(stack.directory), "--json")
    return {one["identifier"] for one in json.loads(done.stdout)["silent"]}


def test_a_sheet_is_filed_once_and_reaches_the_topic(stack: StackFacts, tmp_path: Path) -> None:
    random = Random(36)
    filer, options = dealer(tmp_path, stack, random)
    path = str(sheet(tmp_path / "operations.xlsx", SHEET))
    facts = filed(path, "--period", "2026-01", *options)
    assert (facts["new"], facts["known"], facts["reports"][0]["verdict"]) == (7, 0, "accepted")
    assert filed(path, "--period", "2026-01", *options)["known"] == 7
    (tmp_path / "dealer.metals.sqlite").unlink()
    assert filed(path, "--period", "2026-01", *options)["known"] == 7
    assert filed("--nil", "--period", "2026-02", *options)["status"] == 0

    records = records_of(stack, filer.reporter.identifier, 8)
    assert [record["seal"] for record in records] == ["valid"] * 8
    assert [record["value"]["item"]["description"] for record in records[:7]] == [one["Description"] for one in SHEET]
    nil = records[7]["value"]
    assert (nil["series"]["number"], nil["series"]["nil"]) == (2, True)


def test_a_dealer_that_files_nothing_is_silent(stack: StackFacts, tmp_path: Path) -> None:
    quiet = enrol_filer(tmp_path / "entities", stack.directory, Random(37), kind="150").reporter.identifier
    filer, options = dealer(tmp_path, stack, Random(38))
    month = f"{date.today():%Y-%m}"  # noqa: DTZ011 - a dealer is asked for no month before it was enrolled
    filed("--nil", "--period", month, *options)
    told = silent(stack, month)
    assert quiet in told
    assert filer.reporter.identifier not in told
    assert quiet not in silent(stack, "2025-01")
