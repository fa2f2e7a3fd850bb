"""The corpus of cases of the gaming family."""

import pytest

from tests.support.corpus import Line, codes_beginning, lines_of
from tests.support.gaming import GamingCase, example

LINES = lines_of("gaming")


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_a_case_gets_its_verdict_and_exactly_its_findings(line: Line) -> None:
    line.check(GamingCase(example(line.base)).change(line.changes).judge())


def test_every_code_of_the_family_has_a_case() -> None:
    told_of_long_ones = {"ITM-003"}
    assert codes_beginning("GAM-", "ITM-") - told_of_long_ones <= {code for line in LINES for code in line.codes}
