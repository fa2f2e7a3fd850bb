"""`gateway validate` gives the server's verdict, finding by finding, on the whole corpus."""

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from gateway.local.stack import StackFacts
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.xmldsig import sign_xml
from tests.e2e.kit import enrol_filer, run_gateway
from tests.support.fm1 import Case, clean

pytestmark = pytest.mark.long

CASES = Path(__file__).parent.parent / "corpus" / "fm1" / "cases.tsv"
BINS = {"casino": ("230941821107", "093"), "bank": ("170141572457", "011"), "jeweller": ("140742906892", "150")}


async def test_the_offline_verdict_is_the_servers_on_every_case_of_the_corpus(
    stack: StackFacts, tmp_path: Path
) -> None:
    random = Random(7)
    filers = {
        base: enrol_filer(tmp_path / "entities", stack.directory, random, kind, identifier)
        for base, (identifier, kind) in BINS.items()
    }
    files: dict[str, list[Path]] = {base: [] for base in BINS}
    for number, (base, changes) in enumerate(_cases()):
        message = Case(clean(base)).change(changes).root
        path = tmp_path / f"{number:03}.xml"
        try:
            path.write_bytes(sign_xml(message, filers[base].key, [filers[base].certificate]))
        except SignatureRefused:
            continue  # a case that has no place for a signature is never judged online
        files[base].append(path)
    compared = 0
    for base, paths in files.items():
        done = run_gateway("validate", *map(str, paths), "--kind", BINS[base][1], "--json")
        offline = {told["file"]: told for told in map(json.loads, done.stdout.splitlines())}
        async with httpx.AsyncClient(base_url=stack.url or "", timeout=30) as client:
            for path in paths:
                online = await _validated(client, path.read_bytes())
                if "verdict" in online:
                    assert _told(online) == _told(offline[str(path)]), path
                    compared += 1
    assert compared > 150


def _cases() -> list[tuple[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [(row["base"], row["changes"] or "") for row in rows if row["base"] in BINS]


async def _validated(client: httpx.AsyncClient, body: bytes) -> dict[str, Any]:
    headers = {"Content-Type": "application/xml", "Accept-Language": "en"}
    answer = await client.post("/v1/validate", content=body, headers=headers)
    assert answer.status_code in (200, 401, 403), answer.text
    told: dict[str, Any] = answer.json()
    return told


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    """What must be equal: all, save for the moment of receipt where a finding tells it."""
    findings = [
        {**finding, "message": "", "parameters": {}} if "received" in finding["parameters"] else finding
        for finding in facts["findings"]
    ]
    return {"verdict": facts["verdict"], "edition": facts["edition"], "findings": findings}
