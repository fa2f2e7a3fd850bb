import json
from datetime import date

from codes import views
from codes.editions import CodeBook
from codes.reference import render
from tests.codes.conftest import Editions

TODAY = date(2026, 11, 22)


def test_the_list_of_tables_says_where_each_comes_from_and_whether_it_is_complete(book: CodeBook) -> None:
    listed = {view["table"]: view for view in views.tables_view(book, TODAY)}
    operations = listed["operation_kinds"]
    assert operations["edition"] == "2025-07-10"
    assert operations["digest"] == book.editions[0].digest
    assert (operations["rows"], operations["complete"], operations["provenance"]) == (67, True, "official")
    assert operations["column_provenance"]["threshold_tenge"] == "predecessor"
    assert operations["valid_to"] is None
    assert operations["open_ended"] is True
    assert listed["form_values"]["complete_for"]["4.2"] is True
    assert listed["form_values"]["complete_for"]["1.5"] is False
    assert listed["usual_operations"]["provenance"] == "proposed"


def test_every_view_is_ready_for_json(book: CodeBook) -> None:
    edition = book.editions[0]
    whole = [views.editions_view(book), views.tables_view(book, TODAY)]
    tables = [views.table_view(table) for table in edition.tables.values()]
    assert json.loads(json.dumps([whole, tables])) == [whole, tables]


def test_a_table_is_given_with_all_its_entries_in_all_languages_or_in_one(book: CodeBook) -> None:
    table = book.table("deal_kinds", TODAY)
    every, one = views.table_view(table), views.table_view(table, "kk")
    assert len(every["entries"]) == 33
    assert every["entries"][0]["names"]["ru"] == "Договор купли-продажи недвижимости"
    assert one["title"] == "Мәмілелердің түрлері"
    assert one["entries"][0]["name"] == "Жылжымайтын мүлікті сатып алу-сату шарты"
    assert "names" not in one["entries"][0]


def test_an_entry_is_given_with_table_edition_digest_and_provenance(book: CodeBook) -> None:
    table = book.table("form_values", TODAY)
    entry = table.get(("1.5", "3"))
    assert entry is not None
    view = views.entry_view(table, entry, "ru")
    assert view["key"] == {"field": "1.5", "value": "3"}
    assert (view["name"], view["provenance"], view["complete"]) == (None, "observed", False)
    assert view["digest"] == book.editions[0].digest


def test_the_reference_page_names_every_table_with_count_and_digest(book: CodeBook) -> None:
    page = render()
    for table in book.editions[0].tables.values():
        assert f"### `{table.name}`" in page
        assert table.manifest.sha256 in page
    assert "| `operation_kinds` | Kinds of operations subject to financial monitoring | 67 | yes | official |" in page
    assert "In force from 2025-07-10, open-ended." in page
    assert book.editions[0].digest in page


def test_the_reference_page_tells_when_an_edition_ends(editions: Editions) -> None:
    editions.add("2026-04-01", "2026-04-01")
    assert "In force from 2025-07-10, until the day before 2026-04-01." in render(editions.load())
