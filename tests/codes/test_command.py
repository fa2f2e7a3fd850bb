import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from codes.editions import CodeBook
from gateway.commands import codes as command
from tests.codes.conftest import Editions

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(command.codes, arguments)


def test_list_names_every_table_with_provenance_and_completeness(run: Run, book: CodeBook) -> None:
    result = run("list")
    assert result.exit_code == 0
    for name in book.editions[0].tables:
        assert name in result.stdout
    assert "open-ended until a later one is loaded" in result.stdout
    assert "[proposed]  Groups of operations usual" in result.stdout


def test_list_as_json_gives_the_edition_and_its_tables(run: Run, book: CodeBook) -> None:
    listed = json.loads(run("list", "--json").stdout)
    assert listed["edition"] == "2025-07-10"
    assert listed["digest"] == book.editions[0].digest
    assert [table["table"] for table in listed["tables"]] == list(book.editions[0].tables)


@pytest.mark.parametrize(
    ("lang", "first"),
    [
        ("kk", "01\tЖылжымайтын мүлікті сатып алу-сату шарты [official]"),
        ("ru", "01\tДоговор купли-продажи недвижимости [official]"),
        ("en", "01\tReal estate sale contract [official; name_en: proposed]"),
    ],
)
def test_show_prints_each_entry_in_the_language_asked_for(run: Run, lang: str, first: str) -> None:
    lines = run("show", "deal_kinds", "--lang", lang).stdout.splitlines()
    assert lines[3] == first
    assert len(lines) == 3 + 33


def test_show_as_json_gives_the_names_in_all_languages(run: Run) -> None:
    shown = json.loads(run("show", "proposed_indicators", "--json").stdout)
    assert shown["complete"] is False
    assert {entry["provenance"] for entry in shown["entries"]} == {"proposed"}
    assert set(shown["entries"][0]["names"]) == {"kk", "ru", "en"}


def test_lookup_of_a_code_says_what_it_means_and_where_that_was_read(run: Run) -> None:
    result = run("lookup", "operation_kinds", "0121", "--lang", "ru", "--on", "2026-11-22")
    assert result.exit_code == 0
    assert "0121  Получение выигрыша в наличной форме" in result.stdout
    assert "threshold_tenge: 1000000 [predecessor]" in result.stdout
    assert "действует с 2025-07-10 бессрочно" in result.stdout


def test_lookup_of_a_day_before_the_first_edition_says_so(run: Run) -> None:
    result = run("lookup", "operation_kinds", "0121", "--on", "2020-01-01")
    assert result.exit_code == 0
    assert "2020-01-01 is before the first known edition" in result.stdout


def test_lookup_as_json_gives_one_entry(run: Run) -> None:
    found = json.loads(run("lookup", "form_values", "1.5", "2", "--json", "--lang", "kk").stdout)
    assert found["code"] == "1.5 2"
    assert found["name"] == "Күдікті операция (3.10 белгісі міндетті)"
    assert found["provenance"].startswith("official: ")


def test_a_code_whose_name_is_not_known_is_found_and_says_so(run: Run) -> None:
    result = run("lookup", "indicators", "1011", "--lang", "ru")
    assert result.exit_code == 0
    assert "1011  (название неизвестно) [observed]" in result.stdout


def test_lookup_of_an_unknown_code_ends_with_1_and_names_what_may_be_meant(run: Run) -> None:
    result = run("lookup", "operation_kinds", "121", "--lang", "ru")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "нет кода 121" in result.stderr
    assert "Возможно, 0121" in result.stderr


def test_lookup_in_a_table_that_is_not_complete_says_that_nobody_can_tell(run: Run) -> None:
    result = run("lookup", "indicators", "9999")
    assert result.exit_code == 1
    assert "The table is not complete" in result.stderr


def test_lookup_of_an_unknown_code_as_json_is_json_too(run: Run) -> None:
    result = run("lookup", "operation_kinds", "121", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["found"], answer["complete"], answer["look_alikes"]) == (False, True, ["0121"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "nope", "--lang", "kk"), "2025-07-10 редакциясында nope кестесі жоқ"),
        (("list", "--edition", "1999"), "there is no edition 1999; known are: 2025-07-10"),
        (("lookup", "form_values", "1.5"), "A code of form_values has 2 part(s): field, value"),
        (("lookup", "deal_kinds", "01", "02"), "A code of deal_kinds has 1 part(s): code"),
        (("lookup", "deal_kinds"), "Missing argument 'CODE"),
        (("lookup", "deal_kinds", "01", "--on", "01.02.2026"), "does not match the format"),
        (("list", "--lang", "de"), "'de' is not one of"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_damaged_table_ends_with_2_and_names_the_file(
    run: Run, editions: Editions, monkeypatch: pytest.MonkeyPatch
) -> None:
    editions.replace("deal_kinds.tsv", "Gift contract", "Gift c0ntract")
    monkeypatch.setattr(command, "load_codebook", editions.load)
    result = run("list")
    assert result.exit_code == 2
    assert "deal_kinds.tsv: its SHA-256 is" in result.stderr
    assert "Restore the file" in result.stderr


def test_an_edition_by_name_is_asked_about_on_a_day_of_its_own(
    run: Run, editions: Editions, monkeypatch: pytest.MonkeyPatch
) -> None:
    editions.add("2026-04-01", "2026-04-01")
    monkeypatch.setattr(command, "load_codebook", editions.load)
    result = run("show", "deal_kinds", "--edition", "2025-07-10")
    assert result.stdout.startswith("Edition 2025-07-10: in force from 2025-07-10 until before 2026-04-01;")
    assert run("list").stdout.startswith("Edition 2026-04-01: in force from 2026-04-01, open-ended")


@pytest.mark.parametrize("name", ["list", "show", "lookup"])
def test_help_explains_the_options(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "--on YYYY-MM-DD" in result.stdout
    assert "--lang [kk|ru|en]" in result.stdout
