"""Sheets that no spreadsheet program writes: each part of the archive spoilt on purpose."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gateway.client.sheets.model import SheetRefused
from tests.client.dealer import RING, fill, repacked, shared, sheet, worksheet_of
from tests.client.sheets import PLAIN, lines, told


def merged(tail: str) -> Callable[[str], bytes]:
    """A worksheet with that behind its rows."""
    return lambda text: text.replace("</sheetData>", "</sheetData>" + tail).encode()


def in_utf16(text: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-16"?>' + text.partition("?>")[2]).encode("utf-16")


AREAS = '<mergeCells count="2"><mergeCell ref="A2:B2"/><mergeCell ref="D2:E3"/></mergeCells>'


@pytest.mark.parametrize(
    "spoil",
    [
        merged(AREAS),
        lambda text: in_utf16(merged(AREAS)(text).decode()),
        merged(AREAS.replace(" ref", " " * 70_000 + "ref")),
        merged(AREAS.replace('"A', '"&#65;')),
    ],
)
def test_every_merged_area_of_a_line_is_told_however_it_is_written(
    tmp_path: Path, spoil: Callable[[str], bytes]
) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING])
    name, text = worksheet_of(path)
    if not text.startswith("<?xml"):
        text = f"<?xml version='1.0'?>{text}"
    assert told(repacked(path, {name: spoil(text)})) == [("SHT-011", "A2"), ("SHT-011", "D2")]


@pytest.mark.parametrize("tail", ['<mergeCell ref="A1:"/>', '<mergeCell ref="ZZZZ9:A1"/>', "<mergeCell " * 50_000])
def test_merged_cells_that_are_none_are_refused_at_once(tmp_path: Path, tail: str) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING])
    name, text = worksheet_of(path)
    assert told(repacked(path, {name: merged(tail)(text)})) == [("SHT-005", "")]


@pytest.mark.parametrize("written", ["1e10", "nan", "1e400", "x", "²"])
def test_a_number_that_no_date_can_be_is_told_by_its_cell(tmp_path: Path, written: str) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING])
    name, text = worksheet_of(path)
    text = re.sub(r'(<c r="B2"[^>]*>)<v>[^<]*</v>', rf"\g<1><v>{written}</v>", text)
    assert told(repacked(path, {name: text.encode()})) == [("SHT-016", "B2")]


def test_a_shared_text_does_not_count_from_the_end(tmp_path: Path) -> None:
    path = shared(sheet(tmp_path / "a.xlsx", [RING]))
    name, text = worksheet_of(path)
    text = re.sub(r'(<c r="A2"[^>]*>)<v>[0-9]+</v>', r"\1<v>-1</v>", text)
    assert told(repacked(path, {name: text.encode()})) == [("SHT-005", "")]


def test_a_long_shared_text_has_the_bound_of_a_cell(tmp_path: Path) -> None:
    path = shared(sheet(tmp_path / "a.xlsx", [RING]))
    with zipfile.ZipFile(path) as packed:
        strings = packed.read("xl/sharedStrings.xml").replace(b"</t>", b"x" * 40_000 + b"</t>", 1)
    with pytest.raises(SheetRefused) as refusal:
        lines(repacked(path, {"xl/sharedStrings.xml": strings}))
    assert dict(refusal.value.findings[0].parameters)["limit"] == "cell"


def test_a_format_whose_number_is_no_number_is_no_date(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING])
    with zipfile.ZipFile(path) as packed:
        styles = packed.read("xl/styles.xml").decode()
    styles = re.sub(r'(<cellXfs[^>]*>\s*<xf [^>]*?numFmtId=")[0-9]+', r"\1²", styles)
    assert told(repacked(path, {"xl/styles.xml": styles.encode()})) == []


def test_a_dtd_in_another_encoding_is_refused_too(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING])
    styles = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a/>"
    assert told(repacked(path, {"xl/styles.xml": in_utf16(styles)})) == [("SHT-005", "")]


def test_the_first_sheet_that_is_shown_is_read(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", [RING])
    book = load_workbook(path)
    old = book.copy_worksheet(book.worksheets[0])
    book.move_sheet(old, 1 - len(book.worksheets))
    old.sheet_state, book.active = "hidden", 1
    fill(book.worksheets[1], 3, RING)
    book.save(path)
    assert [line.row for line in lines(path)] == [2, 3]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_headings_without_a_line_are_no_sheet(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".xlsx":
        sheet(path, [])
    else:
        path.write_text(";".join(PLAIN), "utf-8")
    assert [code for code, _ in told(path)] == ["SHT-023"]


def test_characters_that_no_xml_holds_are_told_by_their_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(";".join(PLAIN) + "\n" + ";".join(PLAIN.values()).replace("Кольцо", "a\x00b\x1b[2J"), "utf-8")
    [finding] = lines(path)[0].findings
    assert (finding.code, finding.path, finding.value) == ("SHT-016", "a.csv!J2", "a\ufffdb\ufffd[2J")


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (";" * 2_000_000, "record"),
        ("a" * 2_000_000, "record"),
        ('"\n"' + ';"\n"' * 500_000, "record"),
        (";".join(PLAIN) + "\n" + ";" * 20_000, "columns"),
    ],
)
def test_a_row_of_a_csv_file_has_bounds_that_are_named(tmp_path: Path, body: str, limit: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(body, "utf-8")
    with pytest.raises(SheetRefused) as refusal:
        lines(path)
    assert dict(refusal.value.findings[0].parameters)["limit"] == limit
