import re
import zlib
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.luxury.drawing import Drawing, glyphs, text_width
from gateway.luxury.labels import HEIGHT, QR_SIDE, WIDTH, Form, LabelFacts, draw_label, jws_in, scanned_text
from validators.luxury.items import luxury_tables
from validators.luxury.unique_codes import CodeKind, UniqueCode, make_code

DAY = date(2026, 11, 28)
TABLES = luxury_tables(DAY)
CODE = make_code(CodeKind.ITEM, Random(1).choice)
SVG = "{http://www.w3.org/2000/svg}"


def facts(item_class: str = "CAR", code: UniqueCode = CODE) -> LabelFacts:
    return LabelFacts(code, item_class, DAY, scanned_text("https://gateway.example.kz", code.text, "a.b.c" * 80))


@pytest.mark.parametrize("item_class", [entry.code for entry in TABLES.classes])
@pytest.mark.parametrize("kind", list(CodeKind))
def test_every_class_fits_on_the_label(item_class: str, kind: CodeKind) -> None:
    code = make_code(kind, Random(item_class).choice)
    image = etree.fromstring(draw_label(facts(item_class, code), TABLES, "svg"))
    assert image.findtext(f"{SVG}title") == code.grouped
    path = image.find(f"{SVG}path")
    assert path is not None
    numbers = [float(number) for number in re.findall(r"-?[0-9.]+(?:e-?[0-9]+)?", str(path.get("d")))]
    assert min(numbers) >= 0
    assert max(numbers[::2]) <= WIDTH
    assert max(numbers[1::2]) <= HEIGHT


def test_the_names_of_the_tables_need_no_character_that_is_not_drawn() -> None:
    for table in ("luxury_classes", "luxury_code_kinds", "luxury_code_states"):
        for entry in TABLES.edition.table(table):
            assert set("".join(entry.names.values())) <= set(glyphs())


def test_the_squares_of_the_qr_code_are_large_enough_to_be_printed() -> None:
    image = etree.fromstring(draw_label(facts(), TABLES, "svg"))
    path = image.find(f"{SVG}path")
    assert path is not None
    squares = re.findall(r"M([0-9.]+) ([0-9.]+)L([0-9.]+) \2L", str(path.get("d")))
    assert min(float(right) - float(left) for left, _, right in squares if float(right) < QR_SIDE) > 0.4


def test_a_pdf_is_whole_and_draws_what_the_svg_draws() -> None:
    document = draw_label(facts(), TABLES, "pdf")
    start = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    places = [int(line[:10]) for line in document[start:].split(b"\n")[3:8]]
    for number, place in enumerate(places, 1):
        assert document[place:].startswith(b"%d 0 obj" % number)
    content = document.split(b"stream\n", 1)[1].split(b"\nendstream", 1)[0]
    shapes = zlib.decompress(content)
    image = etree.fromstring(draw_label(facts(), TABLES, "svg"))
    path = image.find(f"{SVG}path")
    assert path is not None
    assert shapes.count(b" m\n") == str(path.get("d")).count("M")


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_the_same_label_is_the_same_file(form: Form) -> None:
    assert draw_label(facts(), TABLES, form) == draw_label(facts(), TABLES, form)


def test_the_jws_is_found_in_what_was_scanned_and_by_itself() -> None:
    assert jws_in(scanned_text("https://gateway.example.kz", CODE.text, "a.b.c") + "\n") == "a.b.c"
    assert jws_in(" a.b.c ") == "a.b.c"


@given(st.text(max_size=40))
def test_any_text_can_be_drawn(text: str) -> None:
    drawing = Drawing(10, 10, "x")
    drawing.text(0, 5, 3, text)
    assert text_width(text, 3) >= 0
    assert drawing.svg()
