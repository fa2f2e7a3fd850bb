"""The corpus of cases of the gaming family: one line a case in `tests/corpus/gaming/cases.tsv`."""

import csv
from typing import NamedTuple

import pytest

from tests.support.fm1 import findings
from tests.support.gaming import GamingCase, cases_file, example, told_items
from validators.catalogue import LANGUAGES, catalogue
from validators.model import verdict_of


class Line(NamedTuple):
    name: str
    base: str
    changes: str
    verdict: str
    findings: str
    items: str


def _lines() -> list[Line]:
    with cases_file("cases.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Line(*row) for row in rows]


LINES = _lines()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_a_case_gets_its_verdict_and_exactly_its_findings(line: Line) -> None:
    judgement = GamingCase(example(line.base)).change(line.changes).judge()
    assert findings(judgement) == [told for told in line.findings.split("; ") if told]
    assert told_items(judgement) == [told for told in line.items.split("; ") if told]
    assert judgement.verdict == line.verdict
    assert judgement.verdict is verdict_of(judgement.findings)
    for finding in (*judgement.findings, *(finding for item in judgement.items for finding in item.findings)):
        assert catalogue()[finding.code].placeholders <= finding.parameters.keys()
        assert all(catalogue().text(finding, language) for language in LANGUAGES)
        assert finding.line is not None


def test_every_code_of_the_family_has_a_case() -> None:
    given = {told.split()[0] for line in LINES for told in line.findings.split("; ") if told}
    given |= {told.split()[1] for line in LINES for told in line.items.split("; ") if told}
    own = {code for code in catalogue().entries if code.startswith(("GAM-", "ITM-"))}
    assert own <= given


def test_case_names_are_unique() -> None:
    names = [line.name for line in LINES]
    assert len(names) == len(set(names))
