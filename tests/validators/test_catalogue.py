import re
from importlib.resources import files
from pathlib import Path

import pytest

from validators.catalogue import LANGUAGES, CatalogueDamaged, catalogue, found, read_catalogue
from validators.model import Finding, Severity
from validators.reference import render_findings

ENTRY = """
[[finding]]
code = "ABC-001"
severity = "error"
source = "a source"
provenance = "official"
kk = "{value} қате, {known} керек"
ru = "{value} неверно, нужно {known}"
en = "{value} is wrong, {known} is wanted"
"""


def test_every_entry_has_texts_in_three_languages_with_the_same_placeholders() -> None:
    for entry in catalogue().entries.values():
        assert set(entry.texts) == set(LANGUAGES)
        assert len(set(entry.texts.values())) == len(LANGUAGES)


def test_a_text_is_told_in_the_readers_language() -> None:
    finding = Finding("RUL-006", Severity.ERROR, "/x", value="2", parameters={"given": "1"})
    assert catalogue().text(finding, "kk").startswith("Қатысушылар саны 2")
    assert catalogue().text(finding, "ru").startswith("Указано участников: 2, а дано: 1")
    assert catalogue().text(finding, "en").startswith("The number of participants is given as 2, but there are 1")


def test_a_proposed_rule_says_that_it_is_one_and_an_official_one_does_not() -> None:
    proposed = found("COD-005", "/x", value="XX")
    official = found("RUL-001", "/x", parameters={"reason": "2"})
    assert catalogue().text(proposed, "en").endswith(" (proposed rule)")
    assert catalogue().text(proposed, "ru").endswith(" (предлагаемое правило)")
    assert catalogue().text(proposed, "kk").endswith(" (ұсынылып отырған қағида)")
    assert "proposed" not in catalogue().text(official, "en")


def test_a_parameter_that_is_a_term_is_told_in_words() -> None:
    finding = found("COD-001", "/x", value="9", parameters={"table": "operation_kinds"})
    assert "kinds of operations (Appendix 6)" in catalogue().text(finding, "en")
    assert "виды операций (приложение 6)" in catalogue().text(finding, "ru")


def test_a_value_with_braces_is_told_as_it_is() -> None:
    finding = found("FRM-001", "/x", value="{known}{0}")
    assert "{known}{0}" in catalogue().text(finding, "en")


def test_no_value_is_told_in_words() -> None:
    assert "“nothing”" in catalogue().text(found("MSG-004", "/x", value=""), "en")


def test_a_finding_takes_its_severity_from_the_catalogue() -> None:
    assert found("FRM-001", "/x").severity is Severity.WARNING
    assert found("COD-005", "/x").severity is Severity.ERROR


def test_a_code_that_is_not_in_the_catalogue_cannot_be_given() -> None:
    with pytest.raises(LookupError, match="ZZZ-001"):
        found("ZZZ-001", "/x")


def test_a_finding_without_a_parameter_of_its_texts_cannot_be_given() -> None:
    with pytest.raises(TypeError, match="given"):
        found("RUL-006", "/x", value="2")


def test_an_old_receipt_that_lacks_a_parameter_can_still_be_read() -> None:
    assert "{given}" in catalogue().text(Finding("RUL-006", Severity.ERROR, "/x", value="2"), "en")


def test_a_catalogue_is_read_from_text() -> None:
    entry = read_catalogue(ENTRY)["ABC-001"]
    assert entry.placeholders == {"known"}
    assert entry.retired is None


def test_a_retired_code_is_kept() -> None:
    retired = ENTRY.replace('severity = "error"', 'severity = "error"\nretired = "2027-01-01"')
    assert read_catalogue(retired)["ABC-001"].retired == "2027-01-01"


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (ENTRY + ENTRY, "more than once"),
        (ENTRY.replace('ru = "', 'fr = "'), "no text in ru"),
        (ENTRY.replace("нужно {known}", "нужно другое"), "placeholders"),
        (ENTRY.replace('"official"', '"guessed"'), "guessed"),
        (ENTRY.replace('"a source"', '" "'), "source is empty"),
        (ENTRY + '[terms.x]\nkk = "а"\nen = "b"\n', "term x: no text in ru"),
    ],
    ids=["a code given twice", "a language missing", "placeholders differ", "provenance", "source", "a term"],
)
def test_a_damaged_catalogue_is_refused_with_what_is_wrong(damaged: str, said: str) -> None:
    with pytest.raises(CatalogueDamaged, match=said):
        read_catalogue(damaged)


def test_the_reference_page_tells_every_code() -> None:
    page = render_findings()
    assert all(f"### {code}" in page for code in catalogue().entries)
    assert page.endswith("\n")
    assert page == render_findings()


def test_every_code_that_the_code_names_is_in_the_catalogue() -> None:
    sources = [*Path(str(files("validators"))).rglob("*.py"), *Path(str(files("gateway"))).rglob("*.py")]
    text = "".join(file.read_text("utf-8") for file in sources)
    named = set(re.findall(r'"((?!AGT)[A-Z]{3}-\d{3})"', text))  # what the agent says has a catalogue of its own
    assert named <= set(catalogue().entries)
    assert {code for code in catalogue().entries if not code.startswith("XML-")} <= named
