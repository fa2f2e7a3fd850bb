"""Files that try to be sheets, as a table (corpus/sheets): each is told for what it is, and any other bytes are too."""

import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client.dealer import repacked, sheet
from tests.client.sheets import told

TABLE = tomllib.loads((Path(__file__).parents[1] / "corpus" / "sheets" / "cases.toml").read_text("utf-8"))
LOTS = 1_000_000
HEAD = "Kind;Date;Article;Description;Price;PartyKind;Grams\n"
LINE = "SOLD;2026-11-03;COIN;x;1;IIN;1\n"
FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return sheet(tmp_path_factory.mktemp("template") / "a.xlsx").read_bytes()


def filled(text: str, case: dict[str, Any]) -> str:
    return text.replace("$LOTS", case.get("lots", "") * LOTS).replace("$HEAD", HEAD).replace("$LINE", LINE)


def changes(path: Path, case: dict[str, Any]) -> dict[str, bytes]:
    """The parts that the case puts into the workbook."""
    parts = {name: filled(content, case) for name, content in case.get("add", {}).items()}
    if "edit" in case:
        name, old, new = case["edit"]
        name = name.replace("[S]", "xl/worksheets/sheet1.xml")
        with zipfile.ZipFile(path) as packed:
            text = packed.read(name).decode()
        assert old in text
        parts[name] = text.replace(old, filled(new, case), 1)
    return {name: content.encode() for name, content in parts.items()}


def said(path: Path) -> list[str]:
    return [f"{code} {cell}".strip() for code, cell in told(path)]


@pytest.mark.parametrize("name", TABLE["workbook"])
def test_each_workbook_of_the_table_is_told_for_what_it_is(tmp_path: Path, template: bytes, name: str) -> None:
    case = TABLE["workbook"][name]
    path = tmp_path / "a.xlsx"
    path.write_bytes(template)
    assert said(repacked(path, changes(path, case))) == case["told"]


@pytest.mark.parametrize("name", TABLE["text"])
def test_each_text_of_the_table_is_told_for_what_it_is(tmp_path: Path, name: str) -> None:
    case = TABLE["text"][name]
    path = tmp_path / "a.csv"
    path.write_bytes(filled(case["bytes"], case).encode("latin-1"))
    assert said(path) == case["told"]


@FUZZ
@given(places=st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), min_size=1, max_size=4))
def test_a_workbook_with_some_bytes_changed_is_read_or_refused(
    tmp_path: Path, template: bytes, places: list[tuple[int, int]]
) -> None:
    spoilt = bytearray(template)
    for place, change in places:
        spoilt[place % len(spoilt)] ^= change
    path = tmp_path / "a.xlsx"
    path.write_bytes(spoilt)
    told(path)


PARTS = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/worksheets/sheet1.xml")
PIECES = (b'""', b"-1", b"9" * 5000, b"<x/>", b"<!-- -->", b"</c>", b"t=", b"s", b"\xff", b"&#0;", b"A1:B2", b"..", b"")


@FUZZ
@given(
    part=st.sampled_from(PARTS),
    place=st.tuples(st.integers(0, 2**14), st.integers(0, 40)),
    put=st.sampled_from(PIECES),
)
def test_a_workbook_with_a_part_changed_is_read_or_refused(
    tmp_path: Path, template: bytes, part: str, place: tuple[int, int], put: bytes
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(template)
    with zipfile.ZipFile(path) as packed:
        content = packed.read(part)
    start, length = place[0] % len(content), place[1]
    told(repacked(path, {part: content[:start] + put + content[start + length :]}))


@FUZZ
@given(
    body=st.one_of(
        st.binary(max_size=200), st.text(max_size=60).map(lambda text: (HEAD + text).encode("utf-8", "replace"))
    )
)
@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_any_bytes_are_read_or_refused(tmp_path: Path, ending: str, body: bytes) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(body)
    told(path)
