"""Sheets of every kind: what is wrong is told by its cell, and nothing takes more memory than it may."""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from gateway.client.sheets.model import Cell, CellKind, SheetLimits, column_letters
from gateway.client.sheets.values import ValueKind, ValueReader
from tests.client.dealer import NUMBERS, RING, book_of, fill, repacked, shared, sheet, worksheet_of
from tests.client.sheets import FORM, PLAIN, lines, told
from validators.catalogue import LANGUAGES
from validators.faults import Flaw


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_template_in_each_language_is_read_back(tmp_path: Path, language: str) -> None:
    line = {**RING, "Kind": "SOLD"}
    [read] = lines(sheet(tmp_path / "a.xlsx", [line], language))
    assert (dict(read.values), read.findings) == (PLAIN, ())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_offers_lists_and_notes(tmp_path: Path, language: str) -> None:
    book = load_workbook(sheet(tmp_path / "a.xlsx", [], language))
    operations, notes, lists = book.worksheets
    assert lists.sheet_state == "hidden"
    assert notes.max_row == len(FORM.columns)
    validations = {str(one.sqref): one for one in operations.data_validations.dataValidation}
    assert len(validations) == len(FORM.columns)
    kind = validations["A2:A100001"]
    assert kind.type == "list"
    assert kind.prompt == FORM.columns[0].notes[language]
    offered = [lists.cell(row, 1).value for row in range(1, 8)]
    assert offered == [entry.names[language] for entry in FORM.codes.table("metals_operations")]


WRONG_CELLS: dict[str, tuple[str, Any, str]] = {
    "a formula": ("Price", "=1+1", "SHT-010"),
    "a date as text": ("Date", "03.11.2026", "SHT-012"),
    "a date as a number": ("Date", 46329, "SHT-013"),
    "a decimal comma": ("Grams", "4,12", "SHT-015"),
    "a number in words": ("Price", "сто", "SHT-015"),
    "a truth": ("Cash", True, "SHT-016"),
    "a date for a number": ("Price", date(2026, 11, 3), "SHT-017"),
    "no time of day": ("Time", "полдень", "SHT-019"),
}


@pytest.mark.parametrize(("attribute", "value", "code"), WRONG_CELLS.values(), ids=WRONG_CELLS)
def test_a_wrong_cell_is_told_by_its_name_and_no_other_is(
    tmp_path: Path, attribute: str, value: object, code: str
) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING, {**RING, attribute: value}, RING])
    assert told(path) == [(code, f"{column_letters(NUMBERS[attribute])}3")]


def test_merged_cells_are_told_for_each_line_that_they_touch(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING] * 4)
    book = load_workbook(path)
    book.worksheets[0].merge_cells("M3:N4")
    book.save(path)
    assert told(path) == [("SHT-011", "M3"), ("SHT-011", "M4")]


def test_days_that_count_from_1904_are_told(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx")
    book = load_workbook(path)
    book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - a workbook has no zone
    book.save(path)
    assert told(path) == [("SHT-014", "B2")]


def test_a_value_under_no_heading_is_told(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx")
    book = load_workbook(path)
    book.worksheets[0]["AZ2"] = "?"
    book.save(path)
    assert told(path) == [("SHT-021", "AZ2")]


Cells = Mapping[str, str | int]
HEADINGS: dict[str, tuple[Cells, list[tuple[str, str]]]] = {
    "nothing at all": ({}, [("SHT-023", "")]),
    "another template": ({"A1": "Номер", "A2": 1}, [("SHT-006", "A1"), ("SHT-007", "A1")]),
    "a heading twice": ({"A1": "Цена", "B1": "Price"}, [("SHT-006", "A1"), ("SHT-008", "B1")]),
}


@pytest.mark.parametrize(("cells", "expected"), HEADINGS.values(), ids=HEADINGS)
def test_a_wrong_template_is_told(
    tmp_path: Path, cells: Mapping[str, str | int], expected: list[tuple[str, str]]
) -> None:
    assert told(book_of(cells, tmp_path / "a.xlsx")) == expected


def test_a_million_empty_rows_cost_nothing(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", [])
    name, text = worksheet_of(path)
    empty = "".join(f'<row r="{row}"/>' for row in range(2, 1_048_576))
    last = '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>SOLD</t></is></c></row>'
    repacked(path, {name: text.replace("</sheetData>", f"{empty}{last}</sheetData>").encode()})
    [line] = lines(path)
    assert (line.row, dict(line.values)) == (1_048_576, {"Kind": "SOLD"})
    assert [finding.path for finding in line.findings] == ["Операции!B1048576"]


def test_rows_beyond_the_last_one_are_refused(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", [])
    name, text = worksheet_of(path)
    repacked(path, {name: text.replace("</sheetData>", '<row r="999999999"/></sheetData>').encode()})
    assert told(path) == [("SHT-004", "")]


MERGED = '<mergeCell ref="A1:B1"/>'
BOMBS: dict[str, Callable[[str], str]] = {
    "one row of millions of cells": lambda text: text.replace(
        "</sheetData>", f"<row r='2'>{'<c/>' * 5_000_000}</row></sheetData>"
    ),
    "one cell of many characters": lambda text: text.replace(
        "</sheetData>", f"<row r='2'><c t='str'><v>{'x' * 50_000_000}</v></c></row></sheetData>"
    ),
    "many merged cells": lambda text: text.replace(
        "</sheetData>", f"</sheetData><mergeCells>{MERGED * 100_000}</mergeCells>"
    ),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path, bomb: Callable[[str], str]) -> None:
    path = sheet(tmp_path / "a.xlsx", [])
    name, text = worksheet_of(path)
    repacked(path, {name: bomb(text).encode()})
    program = (
        "import sys; from pathlib import Path; from tests.client.test_sheets import told\n"
        "import resource; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(told(Path(sys.argv[1])), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    found, _, grown = done.stdout.rpartition(" ")
    assert found == "[('SHT-004', '')]"
    assert int(grown) < 40_000, "KiB beyond what the program takes at rest"


def test_shared_texts_are_read_as_those_in_their_cells_and_have_a_bound(tmp_path: Path) -> None:
    path = shared(sheet(tmp_path / "a.xlsx", [RING, {**RING, "Description": "x" * 200}]))
    first, second = lines(path)
    assert (dict(first.values), first.findings) == (PLAIN, ())
    assert second.values["Description"] == "x" * 200
    assert told(path, SheetLimits(strings=300)) == [("SHT-004", "")]


def _with(part: str, content: bytes = b"<x/>") -> Callable[[Path], Path]:
    return lambda path: repacked(path, {part: content})


def _macros_by_name(path: Path) -> Path:
    return path.rename(path.with_suffix(".xlsm"))


def _old_office(path: Path) -> Path:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512)
    return path


def _no_archive(path: Path) -> Path:
    path.write_bytes(b"PK\x03\x04 and then nothing")
    return path


def _cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-100])
    return path


def _damaged(path: Path) -> Path:
    name, text = worksheet_of(path)
    return repacked(path, {name: text[:-40].encode()})


def _with_entities(path: Path) -> Path:
    name, text = worksheet_of(path)
    head, _, rest = text.partition("<worksheet")
    doctype = '<!DOCTYPE worksheet [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    return repacked(path, {name: f"{head}{doctype}<worksheet{rest}".encode()})


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "macros": (_with("xl/vbaProject.bin"), "SHT-002"),
    "macros by the name": (_macros_by_name, "SHT-002"),
    "links to other files": (_with("xl/externalLinks/externalLink1.xml"), "SHT-003"),
    "an old or locked file": (_old_office, "SHT-001"),
    "no archive": (_no_archive, "SHT-001"),
    "a file that is cut off": (_cut, "SHT-001"),
    "a worksheet that is cut off": (_damaged, "SHT-005"),
    "entities": (_with_entities, "SHT-005"),
    "a text under another name": (lambda path: path.rename(path.with_suffix(".doc")), "SHT-001"),
}


@pytest.mark.parametrize(("spoil", "code"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_plain_workbook_is_refused(tmp_path: Path, spoil: Callable[[Path], Path], code: str) -> None:
    assert told(spoil(sheet(tmp_path / "a.xlsx"))) == [(code, "")]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [(SheetLimits(file=100), "SHT-004"), (SheetLimits(unpacked=100), "SHT-004"), (SheetLimits(parts=2), "SHT-004")],
)
def test_limits_have_names(tmp_path: Path, limits: SheetLimits, expected: str) -> None:
    assert told(sheet(tmp_path / "a.xlsx"), limits) == [(expected, "")]


def test_an_archive_of_many_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(1100):
                part.write(b"\0" * 2**20)
    assert path.stat().st_size < 2 * 2**20
    assert told(path) == [("SHT-004", "")]


CSV = "Операция;Дата;Предмет;Описание;Цена;Вид второй стороны;Масса, г\n"
COMMAS = "Kind,Date,Article,Description,Price,PartyKind,Grams\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", CSV + "SOLD;2026-11-03;COIN;Монета;1500,50;IIN;4,1\n"),
        ("utf-8-sig", CSV + "sold;03.11.2026;Монета;Монета;1 500,50;IIN;4.1\n"),
        (
            "utf-16",
            CSV.replace(";", "\t").replace("Масса\t г", "Grams")
            + "SOLD\t2026-11-03\tCOIN\tМонета\t1500.50\tIIN\t4.1\n",
        ),
        (
            "utf-8",
            'Kind,Date,Article,Description,Price,PartyKind,Grams\n\nSOLD,2026-11-03,COIN,"Монета",1500.50,IIN,4.1\n',
        ),
    ],
)
def test_a_csv_file_is_read_as_spreadsheet_programs_write_it(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    [line] = lines(path)
    assert line.findings == ()
    assert dict(line.values) == {
        "Kind": "SOLD", "Date": "2026-11-03", "Article": "COIN", "Description": "Монета", "Price": "1500.50",
        "PartyKind": "IIN", "Grams": "4.1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\xcf\xf0\xee\xe4\xe0\xed\xee;1\n", [("SHT-020", "")]),
        (b"", [("SHT-023", "")]),
        (b'Kind;"Date\n', [("SHT-005", "")]),
        (CSV.encode() + b"SOLD;2026-13-03;COIN;x;1;IIN;1\n", [("SHT-018", "B2")]),
        (CSV.encode() + b"SOLD;3 Nov;COIN;x;1;IIN;1;9\n", [("SHT-018", "B2"), ("SHT-021", "H2")]),
        (COMMAS.encode() + b'SOLD,2026-11-03,COIN,x,"1,5",IIN,1\n', [("SHT-015", "E2")]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_csv_file_is_told(tmp_path: Path, body: bytes, expected: list[tuple[str, str]]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(body)
    assert told(path) == expected


@given(value=st.decimals("0.001", "999999999999", places=3))
def test_a_number_is_read_as_it_was_typed(value: Decimal) -> None:
    reader = ValueReader(ValueKind.NUMBER, {})
    assert reader.read(Cell(CellKind.TEXT, f"{value:f}")) == f"{value:f}"
    assert reader.read(Cell(CellKind.RAW, f"{value:f}".replace(".", ","))) == Flaw("SHT-015")


@given(hundredths=st.integers(1, 10**13))
def test_binary_fractions_leave_no_trace(tmp_path_factory: pytest.TempPathFactory, hundredths: int) -> None:
    path = tmp_path_factory.mktemp("n") / "a.xlsx"
    book = Workbook(write_only=True)
    worksheet = book.create_sheet()
    worksheet.append([column.attribute for column in FORM.columns])
    worksheet.append([None] * (NUMBERS["Price"] - 1) + [hundredths / 100])
    book.save(path)
    [line] = lines(path)
    assert Decimal(line.values["Price"]) == Decimal(hundredths) / 100


def test_columns_are_named_as_people_name_them() -> None:
    assert [column_letters(number) for number in (1, 26, 27, 52, 703, 16_384)] == ["A", "Z", "AA", "AZ", "AAA", "XFD"]


def test_times_of_day_and_moments_are_read(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 4, 18, 30)  # noqa: DTZ001 - cells have no zone
    first, second = lines(sheet(tmp_path / "a.xlsx", [{**RING, "Time": time(9, 5, 7)}, {**RING, "Date": moment}]))
    assert (first.values["Time"], second.values["Date"]) == ("09:05:07", "2026-11-04")


def test_a_row_of_headings_may_be_filled_by_hand(tmp_path: Path) -> None:
    book = Workbook()
    worksheet = book.worksheets[0]
    for attribute, number in NUMBERS.items():
        worksheet.cell(1, number, attribute.upper())
    fill(worksheet, 2, RING)
    book.save(tmp_path / "a.xlsx")
    [line] = lines(tmp_path / "a.xlsx")
    assert dict(line.values) == PLAIN
