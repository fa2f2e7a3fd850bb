import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.negotiation import choose_language, choose_media_type, essence

OFFERED = ("application/json", "application/xml", "text/xml")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", "ru"),
        ("kk", "kk"),
        ("kk-KZ,ru;q=0.8", "kk"),
        ("en;q=0.5,ru;q=0.9", "ru"),
        ("de,fr;q=0.9,en;q=0.1", "en"),
        ("de", "ru"),
        ("*", "ru"),
        ("kk;q=0, en;q=0.2", "en"),
        ("EN-gb", "en"),
        ("en;q=2", "ru"),
        ("ru,kk", "ru"),
        ("kk,ru", "kk"),
        (",,;q=1", "ru"),
    ],
)
def test_the_language_liked_best_is_chosen(header: str, chosen: str) -> None:
    assert choose_language(header, "ru") == chosen


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("application/xml, */*", "application/xml"),
        ("application/xml;q=0.5, application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("application/*", "application/json"),
        ("application/*;q=0.2, text/*", "text/xml"),
        ("application/json;q=0, */*", "application/xml"),
        ("image/png", None),
    ],
)
def test_the_media_type_liked_best_is_chosen(header: str, chosen: str | None) -> None:
    assert choose_media_type(header, OFFERED) == chosen


@given(st.text(max_size=200))
def test_no_header_makes_negotiation_fail(header: str) -> None:
    assert choose_language(header, "kk") in ("kk", "ru", "en")
    assert choose_media_type(header, OFFERED) in (*OFFERED, None)
    assert essence(header) == essence(essence(header))
