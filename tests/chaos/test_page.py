"""The page tells what the runs found, of every row, and nothing else."""

from chaos import page
from chaos.figures import figures
from chaos.flood import Shot
from chaos.matrix import Result, rows
from chaos.overload import Overload

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


def test_an_overload_tells_what_each_sender_saw_and_what_is_wrong() -> None:
    shots = [Shot(0, 10.0, 10.0, 10.25, 201, 0, 1), Shot(1, 11.0, 11.0, 11.01, 503, 2, 1)]
    calm = [figures("calm-1", shots, {1})]
    result = Overload(10.0, 7, 120.0, 99.5, 98.0, calm, calm, 0.5, None, 2.5, {"intake": (80, 90, 450)}, 1, 1, ("a",))

    told = page.rendered({"overload": [result.facts()]})

    assert "`python -m chaos overload --times 10 --minutes 2 --seed 7`: **red**: a." in told
    assert (
        "| calm-1 | beside the flood | 2 | 201: 1, 503: 1 | 50.0 % | 0.0 % | 100.0 % | 250 | 250 | 0.2 | 2-2 |" in told
    )
    assert "| not in time |" in told
    assert "| intake 90 (80; 450) |" in told


def test_the_names_of_the_rows_are_different() -> None:
    names = [row.name for row in rows()]

    assert len(names) == len(set(names))


def test_the_page_tells_the_kept_results_of_every_row() -> None:
    kept = page.read()

    assert {f"{row['fault']}:{row['step']}" for row in kept["rows"]} == {row.name for row in rows()}
    assert page.rendered(kept) in page.PAGE.read_text(encoding="utf-8")
