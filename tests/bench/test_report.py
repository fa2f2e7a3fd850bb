from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.charts import write_page
from bench.report import END, conditions, filled, goals_table, number, sections, skipped, table, told
from tests.bench.results import results


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_234_567.8, "1 234 568"), (1_000.0, "1 000"), (416.4, "416"), (99.94, "99.9"), (9.876, "9.88"), (0.5, "0.50")],
)
def test_a_number_has_the_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text


def test_the_table_has_a_row_for_each_figure_with_its_ceiling_and_ratio() -> None:
    rows = table(results()).splitlines()
    assert rows[2] == "| fm1.readable | messages/s | 1 100 | 9 % | 2 100 | 0.52 |"
    assert rows[3] == "| latency.0.5.p99 | ms | 60.0 |  | 20.0 | 0.33 |"
    assert rows[4] == "| verdict.xmlschema (xmlschema) | messages/s | 300 |  | 20.0 | 15.00 |"
    assert len(rows) == 5


def test_the_short_table_has_the_named_figures_alone() -> None:
    assert [row.split(" | ")[0] for row in sections(results())["short"].splitlines()[2:]] == [
        "| FM-1, 14 KB, each signed, HTTP in to readable in Kafka",
        "| time to the receipt at half load, p99",
    ]


def test_goals_are_told_as_met_missed_or_not_measured() -> None:
    rows = goals_table(results()).splitlines()
    verdicts = {row.split(" | ")[0].removeprefix("| ").partition(":")[0]: row for row in rows[2:]}
    assert verdicts["FM-1 whole path"].endswith("| 0.52 | missed |")
    assert "| 1 100 messages/s | met |" in verdicts["FM-1, 14 KB, individually signed, HTTP in to readable in Kafka"]
    assert verdicts["relay catch-up"].endswith("|  | not measured |")


def test_what_was_skipped_or_wrong_is_said() -> None:
    made = results()
    made["measures"]["fm1"]["faults"] = ["2 messages were accepted, 1 are in the log"]
    assert skipped(made).splitlines() == [
        "* large: the gateway takes bodies of at most 4 MiB",
        "* **wrong**: 2 messages were accepted, 1 are in the log",
    ]
    assert "FAULT: 2 messages were accepted, 1 are in the log" in told(made)


def test_conditions_name_machine_versions_load_generator_and_repeats() -> None:
    text = conditions(results())
    for part in ("A processor, 2 cores", "PostgreSQL 18.6", "load average 0.10", "load.c", "repeats: 3"):
        assert part in text


def test_a_page_is_filled_between_its_markers_and_left_alone_elsewhere() -> None:
    page = f"before\n<!-- figures: short -->\nold\nolder\n{END}\nafter\n"
    once = filled(page, {"short": "new"})
    assert once == f"before\n<!-- figures: short -->\nnew\n{END}\nafter\n"
    assert filled(once, {"short": "new"}) == once


def test_an_unknown_part_of_a_page_is_refused() -> None:
    with pytest.raises(KeyError):
        filled("<!-- figures: unknown -->\n", {})


def test_the_page_of_charts_holds_svg_and_all_figures(tmp_path: Path) -> None:
    write_page(results(), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<svg") == 3
    first = page[page.index("<svg") : page.index("</svg>") + len("</svg>")]
    assert "fm1.readable" in "".join(ET.fromstring(first).itertext())  # noqa: S314 - our own chart
    assert "latency.0.5.p99" in page
