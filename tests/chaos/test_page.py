"""The page tells what the runs found, of every row, and nothing else."""

from chaos import page
from chaos.matrix import Result, rows

GREEN = Result("cut", "relay-kafka", "cut", 7, "green", 90, 90, 1, 200, 0.5, 1.25)
RED = Result("cut", "relay-postgres", "cut", 7, "red", wrong=("lost: a|b",))


def test_a_row_names_its_seed_its_counts_and_its_times() -> None:
    assert "| cut | relay-kafka | cut | 7 | 90 | 90 | 1 | 200 | 0.5 | 1.2 | green |" in page.rendered(
        {"rows": [GREEN.facts()]}
    )


def test_a_red_row_says_what_is_wrong() -> None:
    assert "**red**: lost: a/b |" in page.rendered({"rows": [RED.facts()]})


def test_red_rows_are_counted_before_the_table() -> None:
    assert "2 rows: 1 green, 1 red." in page.rendered({"rows": [GREEN.facts(), RED.facts()]})


def test_the_names_of_the_rows_are_different() -> None:
    names = [row.name for row in rows()]

    assert len(names) == len(set(names))


def test_the_page_tells_the_kept_results_of_every_row() -> None:
    kept = page.read()

    assert {f"{row['fault']}:{row['step']}" for row in kept["rows"]} == {row.name for row in rows()}
    assert page.rendered(kept) in page.PAGE.read_text(encoding="utf-8")
