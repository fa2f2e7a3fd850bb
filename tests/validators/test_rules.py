"""The corpus of cases: one line a case in `tests/corpus/fm1/cases.tsv`."""

import csv
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support.fm1 import TESTS, Case, clean, findings
from validators.catalogue import LANGUAGES, catalogue
from validators.model import Severity, Verdict, verdict_of

CASES_FILE = TESTS / "corpus" / "fm1" / "cases.tsv"

WITHOUT_CASE = {
    "MSG-005": "needs more than a thousand findings: test_judge",
    "SER-001": "told by the log, when a number is taken: test_series",
    "SIG-001": "told by the pipeline, when revocation could not be checked: test_revocations",
    "XML-011": "no attribute of FM-1 is required",
    "XML-029": "told by checking the signature, before a message is judged",
    "XML-030": "stands in notices, which no entity sends",
    "XML-031": "kept for a form without a code of its own",
    "XML-098": "needs hundreds of defects: tests of structure",
    "XML-099": "kept for what libxml2 alone refuses",
}

ITEMS = {
    code
    for code in catalogue().entries
    if code.startswith(("GAM-", "ITM-", "OPS-", "PMS-", "LUX-", "SHT-")) or "XML-032" <= code <= "XML-037"
}
"""Codes that FM-1 does not give: the corpora of the families with items have their cases."""


class Line(NamedTuple):
    name: str
    base: str
    changes: str
    verdict: str
    findings: str


def _lines() -> list[Line]:
    with CASES_FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Line(*row) for row in rows]


LINES = _lines()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_a_case_gets_its_verdict_and_exactly_its_findings(line: Line) -> None:
    judgement = Case(clean(line.base)).change(line.changes).judge()
    assert findings(judgement) == [told for told in line.findings.split("; ") if told]
    assert judgement.verdict == line.verdict
    assert judgement.verdict is verdict_of(judgement.findings)


def test_every_code_of_the_catalogue_has_a_case() -> None:
    given_codes = {told.split()[0] for line in LINES for told in line.findings.split("; ") if told}
    assert given_codes.isdisjoint(WITHOUT_CASE)
    assert given_codes | WITHOUT_CASE.keys() == set(catalogue().entries) - ITEMS


def test_case_names_are_unique() -> None:
    names = [line.name for line in LINES]
    assert len(names) == len(set(names))
    assert len(names) >= 120


def test_every_finding_of_the_corpus_is_told_without_a_gap() -> None:
    for line in LINES:
        for finding in Case(clean(line.base)).change(line.changes).judge().findings:
            assert catalogue()[finding.code].placeholders <= finding.parameters.keys()
            assert all(catalogue().text(finding, lang) for lang in LANGUAGES)
            assert finding.line is not None


def test_a_leading_zero_is_pointed_out_with_the_code_that_was_meant() -> None:
    [finding] = Case(clean()).change("set //ViewOperationId = 121").judge().findings
    assert finding.parameters["known"] == "0121"
    assert "write 0121" in catalogue().text(finding, "en")


def test_a_finding_tells_the_value_that_was_found() -> None:
    [finding] = Case(clean()).change("set //CurrencyCodeId = 000").judge().findings
    assert finding.value == "000"
    assert finding.severity is Severity.ERROR


def test_a_long_value_is_cut_to_200_characters() -> None:
    [finding] = Case(clean()).change(f"set //PersonalData/Phone = {'x' * 500}").judge().findings
    assert finding.value == "x" * 200


_TREE_SIZE = len(list(clean("bank").iter()))
_TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-1", "4", "KZ", "31.02.2026", "20.11.2026 15:30:00", "99.99.9999 99:99:99", "True", "×" * 40]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=24),
    st.from_regex(r"[0-9]{1,24}", fullmatch=True),
)
_NAMES = st.sampled_from([element.tag for element in clean("bank").iter()])
_STEP = st.tuples(
    st.sampled_from(["set", "delete", "empty", "rename", "copy", "first", "add"]),
    st.integers(min_value=1, max_value=_TREE_SIZE - 1),
    _TEXTS,
    _NAMES,
)


def _mutate(root: etree._Element, step: tuple[str, int, str, str]) -> None:
    verb, nth, text, name = step
    elements = list(root.iter())
    element = elements[nth % len(elements)]
    if element is root:
        return
    path = root.getroottree().getpath(element)
    values = {"set": text, "rename": name, "add": f"<{name}>1</{name}>"}
    Case(root)._change(verb, path, values.get(verb, ""))


@given(steps=st.lists(_STEP, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_parsed_tree_gets_a_verdict_and_no_place_is_refused_twice(steps: list[tuple[str, int, str, str]]) -> None:
    root = clean("bank")
    for step in steps:
        _mutate(root, step)
    judgement = Case(root).judge()
    structure = {finding.path for finding in judgement.findings if finding.code.startswith("XML-")}
    rules = {finding.path for finding in judgement.findings if not finding.code.startswith("XML-")}
    assert structure.isdisjoint(rules)
    assert judgement.verdict in (Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_WARNINGS, Verdict.REFUSED)
    for finding in judgement.findings:
        assert catalogue()[finding.code].placeholders <= finding.parameters.keys()
