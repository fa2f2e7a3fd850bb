import csv
import hashlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.editions import CodeBook, UnknownEdition, UnknownTable, load_codebook
from codes.manifest import MARKS
from codes.usual import is_usual

TODAY = date(2026, 11, 22)
COUNTS = {
    "reporting_entity_kinds": 42,
    "identity_document_kinds": 12,
    "operation_kinds": 67,
    "participant_kinds": 63,
    "deal_kinds": 33,
    "form_values": 26,
    "inline_values": 41,
    "indicators": 22,
    "proposed_indicators": 6,
    "xml_tags": 238,
}
OWN = load_codebook()


def test_the_ten_tables_of_the_order_hold_the_counts_of_the_order(book: CodeBook) -> None:
    counts = {name: len(table) for name, table in book.on(TODAY).tables.items()}
    assert counts.pop("usual_operations") > len(COUNTS)
    assert counts == COUNTS


def test_the_own_book_is_read_once(book: CodeBook) -> None:
    assert load_codebook() is book


def test_the_digest_is_the_sha256_of_the_manifest(book: CodeBook) -> None:
    manifest = Path(__file__).parents[2] / "codes" / "data" / "2025-07-10" / "manifest.toml"
    assert book.edition("2025-07-10").digest == hashlib.sha256(manifest.read_bytes()).hexdigest()


def test_the_only_edition_is_open_ended(book: CodeBook) -> None:
    edition = book.edition("2025-07-10")
    assert edition.open_ended
    assert edition.valid_from == date(2025, 7, 10)
    assert not edition.valid_on(date(2025, 7, 9))
    assert edition.valid_on(date(2025, 7, 10))
    assert edition.valid_on(date(2099, 1, 1))


def test_a_day_before_the_first_edition_gets_the_first(book: CodeBook) -> None:
    assert book.on(date(2001, 1, 1)) is book.editions[0]
    assert book.valid_on(date(2001, 1, 1)) == ()


def test_a_code_is_found_with_its_names_and_attributes(book: CodeBook) -> None:
    entry = book.table("operation_kinds", TODAY).get("0121", TODAY)
    assert entry is not None
    assert entry.names["en"] == "Winnings from gambling in gambling establishments, in cash"
    assert set(entry.names) == {"kk", "ru", "en"}
    assert entry.attributes["threshold_tenge"] == "1000000"
    assert entry.attributes["group"] == "gambling"
    assert entry.provenance == "official"


def test_a_threshold_carries_the_provenance_of_the_law_it_was_read_in(book: CodeBook) -> None:
    table = book.table("operation_kinds", TODAY)
    entry = table.get("0121")
    assert entry is not None
    assert table.provenance_of(entry, "threshold_tenge") == "predecessor"
    assert table.provenance_of(entry, "name_ru") == "official"
    assert table.provenance_of(entry, "name_en") == "proposed"


def test_leading_zeros_matter_and_the_look_alike_is_named(book: CodeBook) -> None:
    table = book.table("operation_kinds", TODAY)
    assert table.get("121") is None
    assert table.look_alikes("121") == ("0121",)
    assert table.look_alikes(" 0121") == ("0121",)
    assert table.look_alikes("0121") == ()
    assert table.look_alikes("9999") == ()


def test_document_kinds_run_on_with_three_digits_as_printed(book: CodeBook) -> None:
    table = book.table("identity_document_kinds", TODAY)
    assert [entry.code for entry in table][-4:] == ["09", "010", "011", "012"]
    assert table.get("10") is None


def test_quotes_inside_a_name_are_read_as_quotes(book: CodeBook) -> None:
    entry = book.table("identity_document_kinds", TODAY).get("03")
    assert entry is not None
    assert entry.names["en"] == 'Foreign-travel / foreign passport (RU "zagranichny", KK "foreign passport")'


def test_a_code_of_two_columns_is_asked_for_by_both(book: CodeBook) -> None:
    table = book.table("form_values", TODAY)
    entry = table.get(("1.5", "2"), TODAY)
    assert entry is not None
    assert entry.code == "1.5 2"
    assert entry.mark == "official"
    assert entry.provenance == "official: the value and its rule; its name: observed"
    assert table.get("1.5") is None
    assert [found.key[1] for found in table.under("4.2", on=TODAY)] == ["1", "2"]


def test_a_tag_is_asked_for_by_message_and_path(book: CodeBook) -> None:
    path = "/ExportData/SignedData/Data/Root/MessageInformation/DocumentType"
    entry = book.table("xml_tags", TODAY).get(("doc", path))
    assert entry is not None
    assert (entry.attributes["form_field"], entry.attributes["type"]) == ("1.3", "number")
    assert entry.names == {}


def test_form_values_are_complete_by_field(book: CodeBook) -> None:
    table = book.table("form_values", TODAY)
    assert not table.complete
    assert {entry.key[0]: table.complete_for(entry.key[0]) for entry in table} == {
        "1.3": False,
        "1.4": False,
        "1.5": False,
        "4.2": True,
        "4.5": False,
        "4.6": False,
        "3.2(2.1)": True,
    }


def test_inline_values_are_complete_where_the_annex_lists_all(book: CodeBook) -> None:
    table = book.table("inline_values", TODAY)
    assert table.complete_for("Founder/FounderType")
    assert not table.complete_for("MessageInformation/ReasonFilingId")
    assert len(table.under("Participant/ParticipantsType")) == 3


def test_only_the_indicators_and_form_values_are_not_complete(book: CodeBook) -> None:
    incomplete = {name for name, table in book.on(TODAY).tables.items() if not table.complete}
    assert incomplete == {"form_values", "indicators", "proposed_indicators"}


def test_a_code_whose_meaning_is_not_known_has_no_name(book: CodeBook) -> None:
    entry = book.table("indicators", TODAY).get("1011")
    assert entry is not None
    assert entry.names == {}
    assert entry.provenance == "observed"


def test_an_unknown_table_or_edition_is_named_with_those_that_are_known(book: CodeBook) -> None:
    with pytest.raises(UnknownTable, match=r"no table nope; it has: reporting_entity_kinds, "):
        book.table("nope", TODAY)
    with pytest.raises(UnknownEdition, match="no edition 1999; known are: 2025-07-10"):
        book.edition("1999")


@pytest.mark.parametrize("name", OWN.editions[0].tables)
def test_every_entry_is_found_by_its_code_and_carries_a_mark(name: str) -> None:
    table = OWN.table(name, TODAY)
    for entry in table:
        code = entry.key[0] if len(entry.key) == 1 else entry.key
        assert table.get(code, TODAY) is entry
        assert code in table
        assert entry.mark in MARKS


@pytest.mark.parametrize("name", COUNTS)
def test_every_row_of_the_file_is_an_entry_in_the_same_order(name: str) -> None:
    file = Path(__file__).parents[2] / "codes" / "data" / "2025-07-10" / f"{name}.tsv"
    table = OWN.table(name, TODAY)
    with file.open(encoding="utf-8", newline="") as rows:
        read = list(csv.DictReader(rows, delimiter="\t"))
    assert [tuple(row[column] for column in table.key) for row in read] == [entry.key for entry in table]


@given(st.text(max_size=8))
def test_no_text_but_a_code_of_the_file_is_found(text: str) -> None:
    table = OWN.table("operation_kinds", TODAY)
    known = {entry.code for entry in table}
    assert (table.get(text, TODAY) is not None) == (text in known)


@pytest.mark.parametrize(
    ("kind", "operation", "usual"),
    [
        ("093", "0121", True),
        ("093", "1711", False),
        ("011", "1811", True),
        ("011", "0121", False),
        ("150", "1711", True),
        ("150", "0121", False),
        ("140", "2110", True),
        ("093", "6010", True),
        ("093", "6062", True),
        ("999", "0121", None),
        ("093", "9999", None),
    ],
)
def test_operations_are_usual_for_the_kinds_the_table_says(
    book: CodeBook, kind: str, operation: str, *, usual: bool | None
) -> None:
    assert is_usual(book.on(TODAY), kind, operation, TODAY) is usual


def test_every_kind_of_entity_has_operations_that_are_usual_for_it(book: CodeBook) -> None:
    kinds = {entry.code for entry in book.table("reporting_entity_kinds", TODAY)}
    assert {entry.key[0] for entry in book.table("usual_operations", TODAY)} == kinds | {"*"}
