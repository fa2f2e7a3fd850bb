from pathlib import Path

import pytest

from bench.pages import PAGES, RECORDED, read_results
from bench.report import filled, sections


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_figures_of_a_page_are_those_of_the_recorded_run(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "<!-- figures: " in text
    assert filled(text, sections(read_results(RECORDED))) == text, "run: python -m bench pages"
