"""Reports of the luxury family: the corpus of cases, and the code of a thing as the key of its records."""

import pytest

from gateway.judging.examination import rendered
from tests.support.corpus import Line, codes_beginning, lines_of
from tests.support.metals import LUXURY, ReportCase, example
from validators.luxury.items import LuxuryTables
from validators.profiles import ProfileBook

LINES = lines_of("luxury")


def case(name: str = "report") -> ReportCase:
    return ReportCase(example(name, LUXURY), kind="160")


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_a_case_gets_its_verdict_and_exactly_its_findings(line: Line) -> None:
    line.check(case(line.base).change(line.changes).judge())


def test_every_code_about_operations_has_a_case() -> None:
    assert codes_beginning("LUX-03") <= {code for line in LINES for code in line.codes}


def test_the_code_of_the_thing_is_the_key_of_its_records() -> None:
    judgement = (
        case().change("set //Operation[1]/@ItemCode = tcz6e-p34vk-5dmd ; delete //Operation[3]/@ItemCode").judge()
    )
    assert [item.key for item in judgement.items] == ["TCZ6EP34VK5DMD", "TF3VM5Z9PPMZ3Y", None, "TF3VM5Z9PPMZ3Y"]
    assert rendered(judgement).keys == tuple(item.key for item in judgement.items)
    assert (judgement.key, judgement.topic) == (None, "fma.luxury.v1")


def test_a_nil_report_is_one_record_of_its_own_type() -> None:
    judgement = case("nil").judge()
    assert (judgement.items, judgement.event_type) == ((), "kz.fma.luxury.nil.v1")


def test_every_kind_of_operation_has_its_code_and_no_other() -> None:
    codes = ProfileBook.load().family("luxury").first.codes
    coded = {entry.attributes["kind"] for entry in codes.table("luxury_operation_kinds")}
    kinds = {entry.code for entry in codes.table("luxury_operations")}
    assert kinds == {*coded, "REPLACE", "WITHDRAW"}
    assert LuxuryTables.of(codes).classes is codes.table("luxury_classes")
