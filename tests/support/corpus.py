"""Corpora of cases of the families with items: one line a case, in `tests/corpus/<family>/cases.tsv`."""

import csv
from typing import NamedTuple

from tests.support.fm1 import TESTS, findings
from tests.support.gaming import told_items
from validators.catalogue import LANGUAGES, catalogue
from validators.model import Judgement, verdict_of


class Line(NamedTuple):
    """A case: an example, what is changed in it, and what is then found in the message and in its items."""

    name: str
    base: str
    changes: str
    verdict: str
    findings: str
    items: str

    @property
    def codes(self) -> set[str]:
        """The codes of all that is found."""
        told = [one.split()[0] for one in self.findings.split("; ") if one]
        return {*told, *(one.split()[1] for one in self.items.split("; ") if one)}

    def check(self, judgement: Judgement) -> None:
        """The judgement is what the line says, and every finding of it can be told in every language."""
        assert findings(judgement) == [told for told in self.findings.split("; ") if told]
        assert told_items(judgement) == [told for told in self.items.split("; ") if told]
        assert judgement.verdict == self.verdict
        assert judgement.verdict is verdict_of(judgement.findings)
        for finding in (*judgement.findings, *(finding for item in judgement.items for finding in item.findings)):
            assert catalogue()[finding.code].placeholders <= finding.parameters.keys()
            assert all(catalogue().text(finding, language) for language in LANGUAGES)
            assert finding.line is not None


def lines_of(family: str) -> list[Line]:
    """The cases of a family, each of another name."""
    with (TESTS / "corpus" / family / "cases.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        lines = [Line(*row) for row in rows]
    assert len({line.name for line in lines}) == len(lines)
    return lines


def codes_beginning(*prefixes: str) -> set[str]:
    """The codes of the catalogue with those beginnings."""
    return {code for code in catalogue().entries if code.startswith(prefixes)}
