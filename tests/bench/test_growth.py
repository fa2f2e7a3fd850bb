"""The measure of growth: what is compared is asked by turns."""

import pytest

from bench.measures.growth import CPU, Found, by_turns


def test_two_are_asked_by_turns_now_the_one_first_and_now_the_other() -> None:
    asked: list[str] = []

    def side(name: str, turn: int) -> str:
        asked.append(f"{name} {turn}")
        return asked[-1]

    given = by_turns(3, lambda turn: side("many", turn), lambda turn: side("few", turn))
    assert given == [(f"many {turn}", f"few {turn}") for turn in range(3)]
    assert asked == ["few 0", "many 0", "many 1", "few 1", "few 2", "many 2"]


def test_each_number_of_stored_entries_is_held_against_what_was_measured_beside_it() -> None:
    found = Found()
    found.values["fm1", 10].extend([(90.0, 100.0), (110.0, 120.0)])
    found.values["fm1", 20].extend([(60.0, 80.0)])
    found.values[CPU, 10].append((1_000.0, 500.0))
    figures = {figure.name: figure for figure in found.figures(0)}
    assert figures["growth.fm1.0"].gateway == (100.0, 120.0, 80.0)
    assert figures["growth.fm1.0"].ratio == 1
    assert figures["growth.fm1.10"].ratio == pytest.approx(100 / 110)
    assert figures["growth.fm1.20"].ratio == 0.75
    assert figures["growth.fm1.cpu.10"].ratio == 0.5
